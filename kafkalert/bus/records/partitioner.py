"""The partition of a key, as Java's default partitioner and every producer here choose it: murmur2 over its bytes."""

from typing import Final

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_32: Final = 0xFFFFFFFF
_POSITIVE: Final = 0x7FFFFFFF


def partition_of_key(key: bytes, count: int) -> int:
    """Return the partition that a record with this key has in a topic of `count` partitions."""
    return (murmur2(key) & _POSITIVE) % count


def murmur2(data: bytes) -> int:
    """Return the 32-bit hash of `data` that Kafka uses: MurmurHash2 with a seed of its own."""
    number = _SEED ^ len(data)
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        part = int.from_bytes(data[at : at + 4], "little") * _M & _32
        part = (part ^ part >> 24) * _M & _32
        number = number * _M & _32 ^ part
    if whole < len(data):
        number = (number ^ int.from_bytes(data[whole:], "little")) * _M & _32
    number = (number ^ number >> 13) * _M & _32
    return number ^ number >> 15
