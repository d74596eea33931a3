"""NDJSON in: entries, and rows of the two compacted topics, each line checked by type and by rule.

A line gives a record or a `BadLine`; nothing that a line can hold raises. A field that the schema does not have makes
a line bad: a misspelt balance would otherwise pass for an unknown one. So does a field that is there twice, because
readers differ in which one they believe.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from msgspec import Meta, Struct, field
from msgspec.json import Decoder, Encoder
from msgspec.structs import fields

from kafkalert.edges.reasons import reason
from kafkalert.edges.source import BadLine, Source
from kafkalert.model.records import CREDIT, DEBIT

_Long = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_Amount = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Name = Annotated[str, Meta(min_length=1)]
_Indicator = Literal["CRDT", "DBIT"]


class _Row(Struct, forbid_unknown_fields=True, gc=False):
    """Base of what a line can say."""


class _EntryLine(_Row):
    timestamp: _Long
    account: _Name = field(name="accountId")
    currency: _Name = field(name="accountCurrency")
    amount: _Amount = field(name="bookingAmountNumeric")
    amount_text: str = field(name="bookingAmount")
    indicator: _Indicator = field(name="bookingCreditDebitIndicator")
    balance: _Long | None = field(name="BalanceAfterBookingNumeric", default=None)
    balance_text: str | None = field(name="balanceAfterBooking", default=None)
    balance_indicator: _Indicator | None = field(name="BalanceAfterBookingCreditDebitIndicator", default=None)
    entry_id: _Name | None = field(name="entryId", default=None)


class _Id(_Row):
    id: _Name


class _Ids(_Row):
    customers: list[_Id] = field(name="customerIds")


class _AuthorisationLine(_Row):
    key: _Id
    value: _Ids | None


class _Address(_Row, omit_defaults=True):
    email: _Name | None = field(name="emailAddress", default=None)
    phone: _Name | None = field(name="phoneNumber", default=None)
    customer: _Name | None = field(name="id", default=None)


class _AddressHolder(_Row):
    address: _Address


class _Decimal(_Row):
    value: str


class _Setting(_Row):
    alert_type: _Name = field(name="alertType")
    channels: list[Literal["EMAIL", "PUSH", "SMS"]]
    amount: _Decimal | None = None


class _Currency(_Row):
    symbol: _Name


class _AccountSettings(_Row):
    account: _Id
    currency: _Currency
    settings: list[_Setting]


class _CustomerSettings(_Row):
    customer: _Id = field(name="customerId")
    addresses: list[_AddressHolder]
    accounts: list[_AccountSettings] = field(name="accountAlertSettings")


class _SettingsLine(_Row):
    key: _Id
    value: _CustomerSettings | None


_NAMES = {info.encode_name for kind in _Row.__subclasses__() for info in fields(kind)}


@dataclass(frozen=True, slots=True)
class Entry:
    """A booking as a line says it. `datum` is an AccountEntry for `Codec.encode`.

    `entry_id` is None where the line has none. Where the balance is not known its three fields in `datum` are 0 and
    empty, and the record's header has to say so.
    """

    number: int
    entry_id: str | None
    account: str
    datum: dict[str, Any]
    balance_known: bool


@dataclass(frozen=True, slots=True)
class SeedRow:
    """A row of a compacted topic: the key's id, and a value for `Codec.encode`, or None for a tombstone."""

    number: int
    key: str
    value: dict[str, Any] | None


def read_entries(source: Source) -> Iterator[Entry | BadLine]:
    """Lines that hold AccountEntry's fields and entryId; entryId and all three balance fields may be left out."""
    return _read(source, _EntryLine, _entry)


def read_authorisations(source: Source) -> Iterator[SeedRow | BadLine]:
    """Lines {"key": AccountId, "value": CustomerIds or null}."""
    return _read(source, _AuthorisationLine, _authorisation)


def read_settings(source: Source) -> Iterator[SeedRow | BadLine]:
    """Lines {"key": CustomerId, "value": CustomerAlertSettings or null}, of the key's customer."""
    return _read(source, _SettingsLine, _settings)


L = TypeVar("L", bound=_Row)
R = TypeVar("R")


def _read(source: Source, kind: type[L], build: Callable[[int, L], R | BadLine]) -> Iterator[R | BadLine]:
    decode = Decoder(kind).decode
    encode = Encoder().encode
    for line in source.lines():
        if isinstance(line, BadLine):
            yield line
            continue
        number, data = line
        try:
            row = decode(data)
        except (ValueError, RecursionError) as error:  # ValueError: msgspec's own errors, and what is not UTF-8
            yield BadLine(number, _of_another_kind(kind, data) or reason(error, _NAMES))
            continue
        # As many quotes as in the row's own JSON: no name is there twice. (An escape can hide one: look closely.)
        if (data.count(b'"') != encode(row).count(b'"') or b"\\" in data) and _repeats(data):
            yield BadLine(number, "a field is there twice")
            continue
        yield build(number, row)


_ANOTHER: dict[type[_Row], str] = {
    _EntryLine: "this is an entry: `kafkalert run bridge --from FILE` takes it",
    _AuthorisationLine: "this is an authorisation: `kafkalert seed authorisations` takes it",
    _SettingsLine: "these are a customer's settings: `kafkalert seed settings` takes them",
}


def _of_another_kind(kind: type[_Row], data: bytes) -> str:
    """Return what a line is that is no `kind`, and who takes it; empty where it is nothing else either."""
    for other, words in _ANOTHER.items():
        if other is not kind:
            with suppress(ValueError, RecursionError):
                Decoder(other).decode(data)
                return words
    return ""


def _repeats(data: bytes) -> bool:
    """Whether an object in this valid JSON has a name twice (RFC 8259, section 4)."""
    found = False

    def members(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or len({name for name, _ in pairs}) < len(pairs)

    json.loads(data, object_pairs_hook=members)
    return found


def _entry(number: int, row: _EntryLine) -> Entry | BadLine:
    given = (row.balance is not None) + (row.balance_text is not None) + (row.balance_indicator is not None)
    if given not in {0, 3}:
        return BadLine(number, "the balance: give all its three fields, or none where it is not known")
    known = row.balance is not None
    if row.balance and row.balance_indicator != (CREDIT if row.balance > 0 else DEBIT):
        return BadLine(number, "BalanceAfterBookingCreditDebitIndicator: contradicts the balance's sign")
    datum = {
        "timestamp": row.timestamp,
        "accountId": row.account,
        "accountCurrency": row.currency,
        "bookingAmountNumeric": row.amount,
        "bookingAmount": row.amount_text,
        "bookingCreditDebitIndicator": row.indicator,
        "BalanceAfterBookingNumeric": row.balance or 0,
        "balanceAfterBooking": row.balance_text or "",
        "BalanceAfterBookingCreditDebitIndicator": row.balance_indicator or "",
    }
    return Entry(number, row.entry_id, row.account, datum, known)


def _authorisation(number: int, row: _AuthorisationLine) -> SeedRow:
    value = None if row.value is None else {"customerIds": [{"id": customer.id} for customer in row.value.customers]}
    return SeedRow(number, row.key.id, value)


# Which of a union's records is meant is said by name, which saves fastavro half of its work.
_EMAIL = "nl.rabobank.beb.distribution.EmailAddress"
_PHONE = "nl.rabobank.beb.distribution.PhoneNumber"
_CUSTOMER = "nl.rabobank.beb.distribution.CustomerId"
_DECIMAL = "nl.rabobank.beb.general.Decimal"


def _settings(number: int, row: _SettingsLine) -> SeedRow | BadLine:
    value = row.value
    if value is None:
        return SeedRow(number, row.key.id, None)
    if value.customer.id != row.key.id:
        return BadLine(number, "value.customerId.id: another customer than the key's")
    addresses = [_address(address.address) for address in value.addresses]
    if None in addresses:
        place = f"value.addresses[{addresses.index(None)}].address"
        return BadLine(number, f"{place}: give one of emailAddress, phoneNumber and id")
    accounts = [
        {
            "account": {"id": account.account.id},
            "currency": {"symbol": account.currency.symbol},
            "settings": [
                {
                    "alertType": setting.alert_type,
                    "channels": setting.channels,
                    "amount": setting.amount and (_DECIMAL, {"value": setting.amount.value}),
                }
                for setting in account.settings
            ],
        }
        for account in value.accounts
    ]
    datum = {"customerId": {"id": row.key.id}, "addresses": addresses, "accountAlertSettings": accounts}
    return SeedRow(number, row.key.id, datum)


def _address(row: _Address) -> dict[str, Any] | None:
    given: list[tuple[str, dict[str, str]]] = []
    if row.email is not None:
        given.append((_EMAIL, {"emailAddress": row.email}))
    if row.phone is not None:
        given.append((_PHONE, {"phoneNumber": row.phone}))
    if row.customer is not None:
        given.append((_CUSTOMER, {"id": row.customer}))
    return {"address": given[0]} if len(given) == 1 else None
