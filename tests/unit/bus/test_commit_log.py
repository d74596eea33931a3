"""Keys of `__consumer_offsets`, and where a group's commits lie."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.bus.commit_log import committed_by, partition_of_group


def key(version: int, group: str, topic: str, partition: int) -> bytes:
    """As a broker writes it."""
    names = b"".join(pack(">h", len(name.encode())) + name.encode() for name in (group, topic))
    return pack(">h", version) + names + pack(">i", partition)


@given(st.sampled_from([0, 1]), st.text(max_size=30), st.text(max_size=30), st.integers(0, 2**31 - 1))
def test_a_commit_says_whose_it_is(version: int, group: str, topic: str, partition: int) -> None:
    assert committed_by(key(version, group, topic, partition)) == (group, (topic, partition))


@given(st.integers(2, 20))
def test_records_of_groups_are_no_commits(version: int) -> None:
    assert committed_by(key(version, "g", "t", 1)) is None


@given(st.binary(max_size=40), st.integers(0, 20))
def test_no_bytes_do_harm(noise: bytes, cut: int) -> None:
    """Nor a key that is cut off anywhere."""
    committed_by(noise)
    committed_by(pack(">h", 1) + noise)
    whole = key(1, "group", "topic", 3)
    assert committed_by(whole[:cut]) is None or cut >= len(whole)
    assert committed_by(None) is None


@pytest.mark.parametrize(
    ("group", "hashed"),
    [
        ("", 0),
        ("kafkalert.alerting", None),
        ("polygenelubricants", 2**31),  # String.hashCode is -2**31, whose absolute value Kafka takes for 0
        ("a", 97),
        ("Hello", 69609650),
        ("hello world, this is long", None),
    ],
)
def test_partition_is_by_javas_hash(group: str, hashed: int | None) -> None:
    """As Java defines it: s[0]*31^(n-1) + ... + s[n-1], in 32 bits with a sign."""
    total = sum(ord(char) * 31 ** (len(group) - 1 - place) for place, char in enumerate(group)) & 0xFFFFFFFF
    signed = total - 2**32 if total >= 2**31 else total
    if hashed is not None:
        assert abs(signed) == hashed
    expected = 0 if signed == -(2**31) else abs(signed)
    assert partition_of_group(group, 50) == expected % 50
