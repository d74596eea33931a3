"""Records of the two tables, checked quickly: millions are, before a stage without tables of its own can begin.

Nearly all are plain, and a pattern tells that they are whole. Whatever it does not match goes the common way, so that
both accept the same, or raise the same.
"""

import re
from functools import cache
from typing import Any, Final

from kafkalert.serde.codec import Codec
from kafkalert.serde.framing import SINGLE_OBJECT_BYTES, single_object
from kafkalert.serde.plain import array, count, text
from kafkalert.serde.schemas import schema

_IDS: Final = 8
_ADDRESSES: Final = 4
_SETTINGS: Final = 6
"""More of these than nearly any row has; each more makes the patterns longer."""


@cache
def _ids() -> re.Pattern[bytes]:
    """Return a whole CustomerIds."""
    return re.compile(array(text(40), _IDS))


@cache
def _head() -> re.Pattern[bytes]:
    """Return a CustomerAlertSettings up to its accounts: the customer, as text, and how many accounts follow."""
    addresses = array(rb"[\x00\x02\x04]" + text(63), _ADDRESSES)
    return re.compile(b"(" + text(40) + b")" + addresses + b"(" + count(63) + b")")


@cache
def _account() -> re.Pattern[bytes]:
    """One of the accounts: its id, its currency, and the alerts with channels and amount."""
    setting = text(40) + array(rb"[\x00\x02\x04]", 3) + rb"(?:\x00|\x02" + text(24) + b")"
    return re.compile(text(40) + rb"\x06[A-Z]{3}" + array(setting, _SETTINGS))


class RowReader:
    """Checks records of the tables."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._writer = codec.framing.writer
        self._authorisations, self._settings = (
            (single_object(name), schema(name).parsed) for name in ("CustomerIds", "CustomerAlertSettings")
        )
        self._ids = _ids().fullmatch
        self._head, self._account = _head().match, _account().match

    def check_authorisation(self, value: bytes) -> None:
        """Check that this is a framed CustomerIds. Raises DecodingError, as `Codec.decode`."""
        start = self._start(value, *self._authorisations)
        if start is None or self._ids(value, start) is None:
            self._codec.decode("CustomerIds", value)

    def settings_customer(self, value: bytes) -> bytes:
        """Return the customer's id (UTF-8) of a framed CustomerAlertSettings.

        Raises DecodingError, as `Codec.decode`.
        """
        start = self._start(value, *self._settings)
        head = None if start is None else self._head(value, start)
        if head is not None:
            customer, accounts = head.groups()
            if self._are_accounts(value, head.end(), accounts[0] // 2):
                return customer[1:]
        found: str = self._codec.decode("CustomerAlertSettings", value)["customerId"]["id"]
        return found.encode()

    def _start(self, value: bytes, prefix: bytes, parsed: Any) -> int | None:  # noqa: ANN401 - fastavro has no type
        """Return where the record begins behind its frame; None where another schema wrote it."""
        if value.startswith(prefix):
            return SINGLE_OBJECT_BYTES
        writer, start = self._writer(value)
        return start if writer is parsed else None

    def _are_accounts(self, value: bytes, at: int, number: int) -> bool:
        """Whether so many accounts, and nothing else, follow the place `at`."""
        if number == 0:
            return at == len(value)
        for _ in range(number):
            account = self._account(value, at)
            if account is None:
                return False
            at = account.end()
        return value[at:] == b"\x00"
