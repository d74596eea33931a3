"""Which parts of the records are personal, by schema and field: what is not known to be harmless is masked."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from kafkalert.model.personal import AccountId, EmailAddress, Personal, PhoneNumber

Tree = Any
"""What a record decodes to: dicts, lists, strings, numbers and None; personal strings as `Personal`."""


class PushToken(Personal):
    """The address of one app installation. Masked: the last four, which tell a customer's devices apart."""

    __slots__ = ()

    def masked(self) -> str:
        """`***9f3c`."""
        return f"***{self._value[-4:]}" if len(self._value) > 12 else "***"  # noqa: PLR2004


Wrap = Callable[[str], object]


def _open(text: str) -> str:
    return text


_MONEY: Final = dict.fromkeys(
    (
        "alert_settings_account_account",
        "alert_settings_amount",
        "alert_settings_amount_currency",
        "balance_amount",
        "balance_amount_currency",
        "alert_amount_amount",
        "alert_amount_amount_currency",
    ),
    _open,
)

FIELDS: Final[Mapping[str, Mapping[str, Wrap]]] = {
    "AccountId": {"id": AccountId},
    "CustomerId": {"id": _open},
    "CustomerIds": {"customerIds.id": _open},
    "EmailAddress": {"emailAddress": EmailAddress},
    "PhoneNumber": {"phoneNumber": PhoneNumber},
    "PushId": {"pushId": PushToken, "deviceType": _open, "pushProvider": _open, "sdkVersion": _open},
    "AccountEntry": {
        "accountId": AccountId,
        "accountCurrency": _open,
        "bookingAmount": _open,
        "bookingCreditDebitIndicator": _open,
        "balanceAfterBooking": _open,
        "BalanceAfterBookingCreditDebitIndicator": _open,
    },
    "CustomerAlertSettings": {
        "customerId.id": _open,
        "addresses.address.emailAddress": EmailAddress,
        "addresses.address.phoneNumber": PhoneNumber,
        "addresses.address.id": _open,
        "accountAlertSettings.account.id": AccountId,
        "accountAlertSettings.currency.symbol": _open,
        "accountAlertSettings.settings.alertType": _open,
        "accountAlertSettings.settings.channels": _open,
        "accountAlertSettings.settings.amount.value": _open,
    },
    "OutboundMessage": {
        "customerId.id": _open,
        "messageType": _open,
        "params.alert_settings_account_number": AccountId,
        **{f"params.{name}": wrap for name, wrap in _MONEY.items()},
    },
}
"""For each record, what a text at a path is: harmless or a kind of personal data. Numbers are shown.

A customer's id stands for the customer in the bank's own systems and is shown; it is how one asks for a customer. Paths
that are not here, such as a param of a bank's own rule, are masked entirely.
"""

_SHOWN_HEADERS: Final = frozenset({"traceparent", "tracestate"})
_OUR_HEADERS: Final = "ka-"


def guard(schema: str, datum: Tree) -> Tree:
    """`datum`, a decoded record of `schema`, with what is personal in it wrapped so that printing masks it."""
    return _guard(datum, FIELDS.get(schema, {}), "")


def _guard(datum: Tree, fields: Mapping[str, Wrap], path: str) -> Tree:
    if isinstance(datum, dict):
        start = f"{path}." if path else ""
        return {name: _guard(part, fields, start + name) for name, part in datum.items()}
    if isinstance(datum, list):
        return [_guard(part, fields, path) for part in datum]
    return fields.get(path, Personal)(datum) if isinstance(datum, str) else datum


def guard_header(name: str, value: bytes | str | None) -> Tree:
    """A header's value: as text where the pipeline writes it and it is text, masked where anybody else did."""
    if value is None:
        return None
    text = value if isinstance(value, str) else value.decode(errors="backslashreplace")
    return text if name.startswith(_OUR_HEADERS) or name in _SHOWN_HEADERS else Personal(text)


def reveal(tree: Tree) -> Tree:
    """`tree` in clear. Call it only where the operator may see it."""
    if isinstance(tree, dict):
        return {name: reveal(part) for name, part in tree.items()}
    if isinstance(tree, list):
        return [reveal(part) for part in tree]
    return tree.reveal() if isinstance(tree, Personal) else tree
