"""AccountEntry by the quick way and by the common way."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkalert.errors import DecodingError
from kafkalert.serde import booking
from kafkalert.serde.booking import Booking, BookingReader
from kafkalert.serde.codec import Codec
from kafkalert.serde.wire import text_bytes

CODEC = Codec()
READER = BookingReader(CODEC)
LONGS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-(10**7), 10**7))
TEXTS = st.one_of(st.text(max_size=70), st.text(alphabet="0123456789.", max_size=12), st.just("CZK"))
INDICATORS = st.sampled_from(["CRDT", "DBIT", "DBIT", "CRDT", "", "crdt"])
ENTRIES = st.fixed_dictionaries(
    {
        "timestamp": LONGS,
        "accountId": TEXTS,
        "accountCurrency": st.one_of(st.sampled_from(["EUR", "JPY", "KWD"]), TEXTS),
        "bookingAmountNumeric": LONGS,
        "bookingAmount": TEXTS,
        "bookingCreditDebitIndicator": INDICATORS,
        "BalanceAfterBookingNumeric": LONGS,
        "balanceAfterBooking": TEXTS,
        "BalanceAfterBookingCreditDebitIndicator": INDICATORS,
    }
)


Read = Callable[[bytes | None, bytes], Booking]


def slowly(value: bytes | None, account: bytes) -> Booking:
    """As `BookingReader.read`, by the common way alone."""
    own, read = READER._any(value)
    if text_bytes(own.decode()) != account:
        raise DecodingError("wrong-key", "")
    return read


def outcome(read: Read, value: bytes | None, account: bytes) -> Booking | str:
    """What was booked, or the code of the error."""
    try:
        return read(value, account)
    except DecodingError as error:
        return error.code


def account_of(value: bytes | None) -> bytes | str:
    """The account by either way, which have to agree, or the code of the error."""
    try:
        own = READER.account(value)
    except DecodingError as error:
        return error.code
    assert own == READER._any(value)[0]
    return own


@settings(max_examples=1000)
@given(ENTRIES, st.booleans())
def test_both_ways_read_the_same_booking(entry: dict[str, Any], own: bool) -> None:
    """Whatever an entry says, and of whatever account it should be, both ways give the same."""
    value = CODEC.encode("AccountEntry", entry)
    account = text_bytes(entry["accountId"] if own else "NL01")
    assert outcome(READER.read, value, account) == outcome(slowly, value, account)
    account_of(value)


@settings(max_examples=2000)
@given(ENTRIES, st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4), st.integers(0, 60))
def test_both_ways_agree_on_broken_bytes(entry: dict[str, Any], changes: list[tuple[int, int]], cut: int) -> None:
    """Bytes changed or cut off are refused, or read alike, by both ways."""
    value = bytearray(CODEC.encode("AccountEntry", entry))
    for place, byte in changes:
        value[place % len(value)] = byte
    broken = bytes(value[: len(value) - cut] if cut < len(value) else value)
    account = text_bytes(entry["accountId"])
    assert outcome(READER.read, broken, account) == outcome(slowly, broken, account)
    account_of(broken)


def test_a_usual_entry_takes_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry as banks write it needs no general decoder."""
    entry = {
        "timestamp": 1_795_344_151_771,
        "accountId": "NL91ABNA0417164300",
        "accountCurrency": "EUR",
        "bookingAmountNumeric": 123_456_789_012,
        "bookingAmount": "1234567890.12",
        "bookingCreditDebitIndicator": "DBIT",
        "BalanceAfterBookingNumeric": -42,
        "balanceAfterBooking": "0.42",
        "BalanceAfterBookingCreditDebitIndicator": "DBIT",
    }
    value = CODEC.encode("AccountEntry", entry)
    monkeypatch.setattr(booking.BookingReader, "_any", None)
    assert READER.read(value, text_bytes("NL91ABNA0417164300")) == (
        b"EUR",
        123_456_789_012,
        -42,
        False,
    )
    assert READER.account(value) == b"NL91ABNA0417164300"
