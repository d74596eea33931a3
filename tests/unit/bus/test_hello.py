"""What a broker answers before anybody signs in; bytes that are no such answer are refused, whatever they are."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.bus.hello import Spoken, parse, request

LEVELS = st.dictionaries(
    st.text("abcdefghijklmnopqrstuvwxyz.", min_size=1, max_size=200), st.integers(0, 2**15 - 1), max_size=200
)


def varint(value: int) -> bytes:
    """As KIP-482 has it: seven bits a byte, the lowest first."""
    head = value & 0x7F
    return bytes([head | 0x80]) + varint(value >> 7) if value > 0x7F else bytes([head])


def features(levels: dict[str, int], *, newest_first: bool) -> bytes:
    """A tagged field of features, each with a lowest and a highest level."""
    found = varint(len(levels) + 1)
    for name, level in levels.items():
        numbers = (level, 0) if newest_first else (0, level)
        found += varint(len(name) + 1) + name.encode() + struct.pack(">hh", *numbers) + b"\0"
    return found


def answer(requests: dict[int, int], could: dict[str, int], now: dict[str, int]) -> bytes:
    """A broker's answer of version 3, written by hand from Kafka's protocol guide."""
    body = struct.pack(">ih", 0x6B61, 0) + varint(len(requests) + 1)
    for key, newest in requests.items():
        body += struct.pack(">hhh", key, 0, newest) + b"\0"
    tags = {0: features(could, newest_first=False), 1: struct.pack(">q", 7), 2: features(now, newest_first=True)}
    body += struct.pack(">i", 0) + varint(len(tags))
    return body + b"".join(varint(tag) + varint(len(content)) + content for tag, content in tags.items())


@given(st.dictionaries(st.integers(0, 1000), st.integers(0, 2**15 - 1), max_size=300), LEVELS, LEVELS)
def test_what_a_broker_tells_is_read_as_it_was_written(
    requests: dict[int, int], could: dict[str, int], now: dict[str, int]
) -> None:
    assert parse(answer(requests, could, now)) == Spoken(requests, now, could)


@given(st.binary(max_size=200))
def test_other_bytes_are_no_answer(content: bytes) -> None:
    """Nor do they end in anything but ValueError: an HTTP server may listen there."""
    with pytest.raises(ValueError, match="no Kafka"):
        parse(b"HTTP" + content)


@given(st.data())
def test_an_answer_that_is_cut_off_is_none(data: st.DataObject) -> None:
    whole = answer({18: 4}, {"metadata.version": 30}, {"metadata.version": 25})
    with pytest.raises(ValueError, match="no Kafka"):
        parse(whole[: data.draw(st.integers(0, len(whole) - 1))])


def test_an_old_broker_tells_no_features() -> None:
    """It answers in the form of version 0, with the code of a version that it does not know."""
    assert parse(struct.pack(">ihi", 0x6B61, 35, 0)) == Spoken()


def test_the_request_has_its_size_before_it() -> None:
    whole = request()
    assert struct.unpack_from(">ihh", whole) == (len(whole) - 4, 18, 3)
