"""The partition of a key, as Java's producers choose it."""

import pytest

from kafkalert.bus.records.partitioner import murmur2, partition_of_key

# From Kafka's own test of its hash (org.apache.kafka.common.utils), as signed numbers.
KNOWN = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("data", KNOWN)
def test_the_hash_is_javas(data: bytes) -> None:
    assert murmur2(data) == KNOWN[data] % 2**32


def test_a_negative_hash_has_a_partition() -> None:
    """The sign is cut off, not turned round."""
    assert partition_of_key(b"21", 7) == (-973932308 & 0x7FFFFFFF) % 7
    assert {partition_of_key(str(number).encode(), 3) for number in range(50)} == {0, 1, 2}
