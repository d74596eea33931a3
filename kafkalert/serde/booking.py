"""AccountEntry, decoded quickly: the one record that is decoded for nearly every entry.

Nearly all entries are plain: short printable texts, numbers that fit. Those are taken apart by one regular expression
over the Avro bytes; whatever it does not match goes the common way, so that both give the same or raise the same.
"""

import re
from typing import Final

from kafkalert.errors import DecodingError
from kafkalert.model.records import CREDIT, DEBIT
from kafkalert.serde.codec import Codec
from kafkalert.serde.plain import text
from kafkalert.serde.wire import bytes_text

_LONG: Final = rb"[\x80-\xff]{0,8}[\x00-\x7f]"  # at most 62 bits and its sign
_PLAIN: Final = b"".join(
    (
        _LONG,  # timestamp
        rb"([\x02-\x7e][ -~]+)",  # accountId, if its length is right
        rb"\x06([A-Z]{3})",  # accountCurrency
        b"(" + _LONG + b")",  # bookingAmountNumeric
        text(24),  # bookingAmount
        rb"\x08(CRDT|DBIT)",
        b"(" + _LONG + b")",  # BalanceAfterBookingNumeric
        text(24),  # balanceAfterBooking
        rb"\x08(?:CRDT|DBIT)",  # BalanceAfterBookingCreditDebitIndicator
    )
)


Booking = tuple[bytes, int, int, bool]
"""What rules need of an AccountEntry: currency (UTF-8), amount and signed balance (minor units), whether a credit."""


class BookingReader:
    """Reads AccountEntry records."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._plain = re.compile(re.escape(codec.framing.prefix("AccountEntry")) + _PLAIN).fullmatch

    def read(self, value: bytes | None, account: bytes) -> Booking:
        """Return the booking of a framed AccountEntry on `account`, an id as `wire.text_bytes` has it.

        Raises DecodingError: those of `Codec.decode`, "bad-indicator", and "wrong-key" for another account's entry.
        """
        plain = None if value is None else self._plain(value)
        if plain is not None:
            found, currency, amount, indicator, balance = plain.groups()
            if found == account:
                return currency, _long(amount), _long(balance), indicator == b"CRDT"
        own, booking = self._any(value)
        if bytes_text(own) != account:
            raise DecodingError("wrong-key", "accountId is not the account of the key.")
        return booking

    def account(self, value: bytes | None) -> bytes:
        """Return the account's id in a framed AccountEntry, as UTF-8. Raises DecodingError as `read`."""
        plain = None if value is None else self._plain(value)
        if plain is not None:
            found = plain[1]
            if found[0] == 2 * (len(found) - 1):
                return found[1:]
        return self._any(value)[0]

    def _any(self, value: bytes | None) -> tuple[bytes, Booking]:
        """Return the account's id (UTF-8) and the booking, the common way."""
        datum = self._codec.decode("AccountEntry", value)
        indicator = datum["bookingCreditDebitIndicator"]
        if indicator not in {CREDIT, DEBIT}:
            raise DecodingError("bad-indicator", "bookingCreditDebitIndicator is neither CRDT nor DBIT.")
        amount, balance = datum["bookingAmountNumeric"], datum["BalanceAfterBookingNumeric"]
        booking = datum["accountCurrency"].encode(), amount, balance, indicator == CREDIT
        return datum["accountId"].encode(), booking


def _long(raw: bytes) -> int:
    """Return an Avro long: base-128 varint of a zigzag number."""
    size = len(raw)
    # Written out for two to four bytes, as nearly all have: a loop takes twice the time.
    if size == 3:  # noqa: PLR2004
        number = raw[0] & 0x7F | (raw[1] & 0x7F) << 7 | raw[2] << 14
    elif size == 4:  # noqa: PLR2004
        number = raw[0] & 0x7F | (raw[1] & 0x7F) << 7 | (raw[2] & 0x7F) << 14 | raw[3] << 21
    elif size == 2:  # noqa: PLR2004
        number = raw[0] & 0x7F | raw[1] << 7
    else:
        number = shift = 0
        for byte in raw:
            number |= (byte & 0x7F) << shift
            shift += 7
    return (number >> 1) ^ -(number & 1)
