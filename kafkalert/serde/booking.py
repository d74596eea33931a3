"""AccountEntry, decoded quickly: the one record that is decoded for nearly every entry.

Nearly all entries are plain: short printable texts, numbers that fit. Those are taken apart by one regular expression
over the Avro bytes; whatever it does not match goes the common way, so that both give the same or raise the same.
"""

import re
from typing import Final

from kafkalert.errors import DecodingError
from kafkalert.model.records import CREDIT, DEBIT
from kafkalert.serde.codec import Codec

Booking = tuple[bytes, str, int, bool, int]
"""What the rules need of an AccountEntry: account (UTF-8), currency, amount, whether it is a credit, signed balance.

Amounts in minor units. A plain tuple, because one is made for nearly every entry.
"""


def _text(least: int, most: int) -> bytes:
    """A printable ASCII text of these lengths as Avro writes it: each alternative is one length, then its bytes."""
    return b"|".join(re.escape(bytes([2 * n])) + b"[ -~]{%d}" % n for n in range(least, most + 1))


_SHORT: Final = rb"[\x80-\xff]{0,8}[\x00-\x7f]"  # a long of at most 62 bits and its sign
_PLAIN: Final = re.compile(
    b"".join(
        (
            _SHORT,  # timestamp
            b"(" + _text(1, 40) + b")",  # accountId
            rb"\x06([A-Z]{3})",  # accountCurrency
            b"(" + _SHORT + b")",  # bookingAmountNumeric
            b"(?:" + _text(0, 24) + b")",  # bookingAmount
            rb"\x08(CRDT|DBIT)",
            b"(" + _SHORT + b")",  # BalanceAfterBookingNumeric
            b"(?:" + _text(0, 24) + b")",  # balanceAfterBooking
            b"(?:" + _text(0, 8) + b")",  # BalanceAfterBookingCreditDebitIndicator
        )
    )
)


class BookingReader:
    """Reads AccountEntry records."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._prefix = codec.framing.prefix("AccountEntry")
        self._start = len(self._prefix)

    def read(self, value: bytes | None) -> Booking:
        """The booking in a framed AccountEntry. Raises DecodingError: those of `Codec.decode`, and "bad-indicator"."""
        if value is not None and value[: self._start] == self._prefix:
            plain = _PLAIN.fullmatch(value, self._start)
            if plain is not None:
                account, currency, amount, indicator, balance = plain.groups()
                return account[1:], currency.decode(), _long(amount), indicator == b"CRDT", _long(balance)
        return self._any(value)

    def _any(self, value: bytes | None) -> Booking:
        datum = self._codec.decode("AccountEntry", value)
        indicator = datum["bookingCreditDebitIndicator"]
        if indicator not in {CREDIT, DEBIT}:
            raise DecodingError("bad-indicator", "bookingCreditDebitIndicator is neither CRDT nor DBIT.")
        return (
            datum["accountId"].encode(),
            datum["accountCurrency"],
            datum["bookingAmountNumeric"],
            indicator == CREDIT,
            datum["BalanceAfterBookingNumeric"],
        )


def _long(raw: bytes) -> int:
    """An Avro long: base-128 varint of a zigzag number."""
    number = shift = 0
    for byte in raw:
        number |= (byte & 0x7F) << shift
        shift += 7
    return (number >> 1) ^ -(number & 1)
