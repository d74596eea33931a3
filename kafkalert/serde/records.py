"""Bytes to model, for every record that a stage reads."""

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

_CHANNELS: Final = {one.value: one for one in Channel}  # a third of the time that the enum's own call takes


def customer_ids(codec: Codec, data: bytes | None) -> tuple[CustomerId, ...]:
    """Return a CustomerIds record. Raises DecodingError."""
    return tuple(CustomerId(one["id"]) for one in codec.decode("CustomerIds", data)["customerIds"])


def settings(codec: Codec, data: bytes | None) -> CustomerAlertSettings:
    """Return a CustomerAlertSettings record. Raises DecodingError."""
    datum = codec.decode("CustomerAlertSettings", data)
    return CustomerAlertSettings(
        customer=CustomerId(datum["customerId"]["id"]),
        addresses=tuple(_address(one["address"]) for one in datum["addresses"]),
        accounts=tuple(_account(one) for one in datum["accountAlertSettings"]),
    )


def _address(datum: dict[str, str]) -> Address:
    if "emailAddress" in datum:
        return EmailAddress(datum["emailAddress"])
    return PhoneNumber(datum["phoneNumber"]) if "phoneNumber" in datum else CustomerId(datum["id"])


def _account(datum: dict[str, Any]) -> AccountAlertSettings:
    return AccountAlertSettings(
        account=AccountId(datum["account"]["id"]),
        currency=datum["currency"]["symbol"],
        settings=tuple(
            AlertSetting(
                alert_type=one["alertType"],
                channels=frozenset(_CHANNELS[channel] for channel in one["channels"] if channel in _CHANNELS),
                amount=None if one["amount"] is None else one["amount"]["value"],
                newer=not _CHANNELS.keys() >= set(one["channels"]),
            )
            for one in datum["settings"]
        ),
    )
