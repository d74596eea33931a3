"""Bytes to model, for every record that a stage reads."""

from functools import lru_cache
from typing import Any, Final

from kafkalert.model.ids import CustomerId
from kafkalert.model.personal import AccountId, EmailAddress, PhoneNumber
from kafkalert.model.records import (
    AccountAlertSettings,
    Address,
    AlertSetting,
    Channel,
    CustomerAlertSettings,
)
from kafkalert.serde.codec import Codec

_CHANNELS: Final = {channel.value: channel for channel in Channel}  # a third of the time that the enum's own call takes
_ALIKE: Final = 256
"""Combinations of channels that are kept; there are some forty, and as many more as newer schemas have."""


def customer_ids(codec: Codec, data: bytes | None) -> tuple[CustomerId, ...]:
    """Return a CustomerIds record. Raises DecodingError."""
    return tuple(CustomerId(customer["id"]) for customer in codec.decode("CustomerIds", data)["customerIds"])


def settings(codec: Codec, data: bytes | None) -> CustomerAlertSettings:
    """Return a CustomerAlertSettings record. Raises DecodingError."""
    datum = codec.decode("CustomerAlertSettings", data)
    return CustomerAlertSettings(
        customer=CustomerId(datum["customerId"]["id"]),
        addresses=tuple(_address(address["address"]) for address in datum["addresses"]),
        accounts=tuple(_account(account) for account in datum["accountAlertSettings"]),
    )


def _address(datum: dict[str, str]) -> Address:
    if "emailAddress" in datum:
        return EmailAddress(datum["emailAddress"])
    return PhoneNumber(datum["phoneNumber"]) if "phoneNumber" in datum else CustomerId(datum["id"])


def _channels(named: tuple[str, ...]) -> tuple[frozenset[Channel], bool]:
    """Return the channels of these names, and whether some are of a newer schema."""
    known = frozenset(_CHANNELS[name] for name in named if name in _CHANNELS)
    return known, not _CHANNELS.keys() >= set(named)


_shared: Final = lru_cache(_ALIKE)(_channels)


def _setting(datum: dict[str, Any]) -> AlertSetting:
    named, amount = tuple(datum["channels"]), datum["amount"]
    channels, newer = (_shared if len(named) <= len(_CHANNELS) else _channels)(named)
    return AlertSetting(datum["alertType"], channels, None if amount is None else amount["value"], newer)


def _account(datum: dict[str, Any]) -> AccountAlertSettings:
    return AccountAlertSettings(
        account=AccountId(datum["account"]["id"]),
        currency=datum["currency"]["symbol"],
        settings=tuple(map(_setting, datum["settings"])),
    )
