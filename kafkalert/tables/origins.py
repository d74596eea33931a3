"""Where a row's record lay, which is kept before the row: by it the record of a key counts that is to count."""

from struct import Struct
from typing import Final

from confluent_kafka import Message

_ORIGIN: Final = Struct(">qi")
_pack, _unpack = _ORIGIN.pack, _ORIGIN.unpack_from
ORIGIN_BYTES: Final = _ORIGIN.size
_TIME_BYTES: Final = 8


def origin(message: Message) -> bytes:
    """Return the record's time in ms, and its partition, packed so that they are ordered as these are."""
    return _pack(max(0, message.timestamp()[1]), message.partition() or 0)


def partition_of(row: bytes) -> int:
    """Return the partition in which the record of this row lay; the row begins with its origin."""
    partition: int = _unpack(row)[1]
    return partition


def supersedes(new: bytes, old: bytes) -> bool:
    """Whether the record of the row `new`, read after that of `old`, is the one that counts; both begin with origins.

    In one partition the later offset counts. A key has records in two partitions where partitions were added to its
    topic, or where somebody partitions otherwise. They are read in any order, so there the later record counts by its
    time. So every machine comes to the same row, whenever it reads, unless the times of a key's records go back within
    a partition just while two partitions have it.
    """
    new, old = new[:ORIGIN_BYTES], old[:ORIGIN_BYTES]
    return new > old or new[_TIME_BYTES:] == old[_TIME_BYTES:]
