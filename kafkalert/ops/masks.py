"""Which parts of the records are personal, by schema and field: what is not known to be harmless is masked."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from kafkalert.model.personal import AccountId, EmailAddress, Personal, PhoneNumber, ending

Tree = Any
"""What a record decodes to: dicts, lists, strings, numbers and None; personal strings as `Personal`."""


class PushToken(Personal):
    """The address of one app installation. Masked: the last four, which tell a customer's devices apart."""

    __slots__ = ()

    def masked(self) -> str:
        """`***9f3c`."""
        return f"***{ending(self._value)}"


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

_MADE: Final = r"[0-9a-f]{32,128}|(?i:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
"""An id that was made, a hash or a UUID (RFC 9562): it says nothing."""
_CANARY: Final = r"kafkalert-canary[A-Za-z0-9-]{0,64}/[0-9a-z-]{1,36}/[0-9]{1,12}"
_SHORT: Final = (
    r"(?=[^0-9]*[0-9])"  # without a number it may be a name
    r"(?!(?:[^0-9]*[0-9]){8})"  # an account or a phone has eight digits or more, whatever stands between them
    r"(?!.*[A-Za-z]{2}[A-Za-z]*[^A-Za-z]+[A-Za-z]{2})"  # two words may be a name
    r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,31}"
)
_ID: Final = f"{_MADE}|{_CANARY}|{_SHORT}"
_CODE: Final = r"[a-z][a-z-]{0,39}"
_NUMBER: Final = r"[0-9]{1,19}"

_HEADERS: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(form, re.ASCII)
    for name, form in {
        "ka-id": _ID,
        "ka-entry": _ID,
        "ka-balance": "unknown",
        "ka-stage": _CODE,
        "ka-topic": r"[A-Za-z0-9._-]{1,249}",
        "ka-partition": _NUMBER,
        "ka-offset": _NUMBER,
        "ka-reason": _CODE,
        # Sentences about schemas and fields: fingerprints, words, short numbers. Nothing is tried twice: what
        # somebody else wrote may be long.
        "ka-detail": r"(?>\b[0-9a-f]{16}\b|[A-Za-z_.,:;()[\]' -]|(?<![0-9])[0-9]{1,6}(?![0-9])){1,300}+",
        "ka-time": _NUMBER,
        "ka-record-time": _NUMBER,
        "ka-left-out": "key, value",
        "ka-replayed": r"[0-9]{1,6}",
        "ka-done": "replayed|dropped",
        "ka-letter": r"[0-9a-f]{32}/[0-9]{1,6}",
        "traceparent": r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
    }.items()
}
"""The headers that kafkalert writes, and the form of what it writes. Anybody may write to a topic, under any name."""


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
    """Return a header's value: as text where it is one of kafkalert's own and looks like one, else masked."""
    if value is None:
        return None
    text = value if isinstance(value, str) else value.decode(errors="backslashreplace")
    form = _HEADERS.get(name)
    return text if form is not None and form.fullmatch(text) else Personal(text)


def reveal(tree: Tree) -> Tree:
    """`tree` in clear. Call it only where the operator may see it."""
    if isinstance(tree, dict):
        return {name: reveal(part) for name, part in tree.items()}
    if isinstance(tree, list):
        return [reveal(part) for part in tree]
    return tree.reveal() if isinstance(tree, Personal) else tree
