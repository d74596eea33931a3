"""The records of the topics, decoded."""

from dataclasses import dataclass
from enum import StrEnum

from kafkalert.model.ids import CustomerId
from kafkalert.model.personal import AccountId, EmailAddress, PhoneNumber

DEBIT, CREDIT = "DBIT", "CRDT"


class Channel(StrEnum):
    """A way to reach a customer, as the schemas spell it."""

    EMAIL = "EMAIL"
    SMS = "SMS"
    PUSH = "PUSH"


Address = EmailAddress | PhoneNumber | CustomerId
"""Where an alert goes; a customer's id stands for all devices of the customer (PUSH)."""


def channel_of(address: Address) -> Channel:
    """Return the channel that serves this kind of address."""
    if isinstance(address, EmailAddress):
        return Channel.EMAIL
    return Channel.SMS if isinstance(address, PhoneNumber) else Channel.PUSH


def address_text(address: Address) -> str:
    """Return the address itself, in clear."""
    return address if isinstance(address, str) else address.reveal()


@dataclass(frozen=True, slots=True)
class AlertSetting:
    """One alert a customer asked for: rule, channels and the threshold as its text in minor units.

    `newer` says that it also names a channel of a newer schema, which is not known here.
    """

    alert_type: str
    channels: frozenset[Channel]
    amount: str | None
    newer: bool = False


@dataclass(frozen=True, slots=True)
class AccountAlertSettings:
    """A customer's alerts on one account, for entries in one currency."""

    account: AccountId
    currency: str
    settings: tuple[AlertSetting, ...]


@dataclass(frozen=True, slots=True)
class CustomerAlertSettings:
    """All that a customer asked for, and where to send it."""

    customer: CustomerId
    addresses: tuple[Address, ...]
    accounts: tuple[AccountAlertSettings, ...]
