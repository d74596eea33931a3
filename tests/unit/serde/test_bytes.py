"""Bytes of anybody: a record or a DecodingError, at no more cost than their size."""

import random
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkalert.errors import DecodingError
from kafkalert.serde import records
from kafkalert.serde.booking import BookingReader
from kafkalert.serde.keys import FIELD, KeyReader
from kafkalert.serde.schemas import names
from kafkalert.serde.wire import long_bytes, text_bytes
from tests.support.data.records import BOTH, PLAIN, is_record, mutants


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (None, "null"),
        (b"", "empty"),
        (b"\x01", "not-framed"),
        (b"\xc3", "not-framed"),
        (b"\xc3\x01short", "not-framed"),
        (b"\x00\x00\x00", "not-framed"),
        (b"\xc3\x0112345678", "unknown-fingerprint"),
        (b"\x00\x00\x00\x00\x01", "no-registry"),
        (PLAIN.encode("CustomerId", {"id": "C1"}), "wrong-schema"),
        (PLAIN.framing.prefix("AccountId"), "bad-bytes"),
        (PLAIN.framing.prefix("AccountId") + b"\x02\xff", "bad-bytes"),
        (PLAIN.encode("AccountId", {"id": "a"}) + b"more", "trailing-bytes"),
    ],
)
def test_each_fault_has_its_code(data: bytes | None, code: str) -> None:
    """What a dead letter names is stable."""
    with pytest.raises(DecodingError) as error:
        PLAIN.decode("AccountId", data)
    assert error.value.code == code


def test_an_unknown_fingerprint_or_id_is_named() -> None:
    """The dead letter of an unknown schema says which."""
    with pytest.raises(DecodingError, match="0102030405060708"):
        PLAIN.decode("AccountId", b"\xc3\x01\x01\x02\x03\x04\x05\x06\x07\x08")
    with pytest.raises(DecodingError, match="Schema id 258 "):
        PLAIN.decode("AccountId", b"\x00\x00\x00\x01\x02")


@pytest.mark.parametrize("name", ["AccountId", "CustomerId", "ChannelType", "CustomerIds", "OutboundMessage"])
@pytest.mark.parametrize("number", [-1, -2, -3, -(2**31), -(2**62), -(2**63), 3, 64, 2**20, 2**31, 2**62, 2**63 - 1])
@pytest.mark.parametrize("rest", [b"", b"\x02a", b"\x02a\x00", b"\x01\x02a\x00\x00", b"\x00" * 40])
def test_huge_and_negative_numbers_cost_nothing(name: str, number: int, rest: bytes) -> None:
    """Lengths, counts, block sizes and indexes that lie are an error or a small record, at once."""
    for body in (long_bytes(number) + rest, b"\x02" + long_bytes(number) + rest, b"\x00\x00\x00" + long_bytes(number)):
        read = is_record(lambda body=body: PLAIN.decode(name, PLAIN.framing.prefix(name) + body))  # type: ignore[misc]
        is_time = name == "OutboundMessage" and body.startswith(long_bytes(number))  # which may be any number
        assert not read or is_time or abs(number) <= max(len(body), 3), (
            "it claims more than there are bytes, or symbols"
        )


def test_a_count_that_lies_takes_no_memory() -> None:
    """An array that claims 2**62 items in a few bytes is given up when the bytes end."""
    import tracemalloc  # noqa: PLC0415 - slows down what comes after

    body = long_bytes(2**62) + text_bytes("C1") * 100
    tracemalloc.start()
    assert not is_record(lambda: PLAIN.decode("CustomerIds", PLAIN.framing.prefix("CustomerIds") + body))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


@given(st.data(), st.binary(max_size=60))
@settings(max_examples=1000, deadline=None)
def test_any_bytes_are_a_record_or_an_error(data: st.DataObject, raw: bytes) -> None:
    """Bytes of anybody, with or without a true prefix, raise DecodingError or nothing."""
    name = data.draw(st.sampled_from(names()))
    prefix = data.draw(st.sampled_from([b"", b"\xc3\x01", b"\x00", *(BOTH.framing.prefix(one) for one in names())]))
    if is_record(lambda: BOTH.decode(name, prefix + raw)):
        datum = BOTH.decode(name, prefix + raw)
        assert BOTH.decode(name, BOTH.encode(name, datum)) == datum


def test_a_million_damaged_records_raise_nothing_else() -> None:
    """Records with a few bytes changed are read as something, or are DecodingErrors; nothing else ever comes out."""
    outcomes = {True: 0, False: 0}
    for name, raw in mutants(1, 1_000_000):
        try:
            BOTH.decode(name, raw)
        except DecodingError:
            outcomes[False] += 1
        else:
            outcomes[True] += 1
    assert min(outcomes.values()) > 50_000  # the changes neither spared nor broke everything


def test_a_million_random_bodies_raise_nothing_else() -> None:
    """Noise behind a true prefix is a DecodingError or, now and then, a record."""
    made = random.Random(2)  # noqa: S311 - nothing secret
    prefixes = [(name, BOTH.framing.prefix(name)) for name in names()]
    read = 0
    for _ in range(1_000_000 // len(prefixes)):
        raw = made.randbytes(made.randrange(24))
        for name, prefix in prefixes:
            with suppress(DecodingError):
                BOTH.decode(name, prefix + raw)
                read += 1
    assert 10 < read < 10_000


def test_damaged_records_become_model_or_errors() -> None:
    """From bytes to the model, too, nothing but a DecodingError comes out."""
    outcomes = Counter[bool]()
    for name, raw in mutants(3, 150_000):
        if name == "AccountEntry":
            outcomes[is_record(lambda raw=raw: BookingReader(BOTH).account(raw))] += 1  # type: ignore[misc]
        elif name == "CustomerIds":
            outcomes[is_record(lambda raw=raw: records.customer_ids(BOTH, raw))] += 1  # type: ignore[misc]
        elif name == "CustomerAlertSettings":
            outcomes[is_record(lambda raw=raw: records.settings(BOTH, raw))] += 1  # type: ignore[misc]
        elif name in FIELD:
            outcomes[is_record(lambda raw=raw, name=name: KeyReader(BOTH, name).logical(raw))] += 1  # type: ignore[misc]
    assert min(outcomes[True], outcomes[False]) > 1_000, outcomes
