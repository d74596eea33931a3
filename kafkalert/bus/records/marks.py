"""Marks: the little of a record by which it is found again on the other cluster.

The two clusters hold the same records at different offsets and in different orders. What is equal on both is the
record's id, and its time (topics are CreateTime, and the mirror keeps it). A record is native to the cluster that its
producer wrote it to; its copies carry the header `ka-origin.SOURCE`.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from struct import pack
from typing import Any, Final, NamedTuple, overload

from confluent_kafka import Message

ID_HEADER: Final = "ka-id"
ORIGIN_HEADER: Final = "ka-origin."
"""With the name of the cluster that a copy comes from."""
REPLAYED_HEADER: Final = "ka-replayed"
"""How often a record was replayed that a stage had put away: it comes again with its old id, and is another record."""
ID_BYTES: Final = 8


class Mark(NamedTuple):
    """One record of one partition.

    `id` is ID_BYTES long and equal for a record and its copies; `native` is whether it was written to this cluster
    itself; `timestamp` is the record's, in ms (-1: it has none).
    """

    offset: int
    id: bytes
    native: bool
    timestamp: int


def mark(message: Message, other: str) -> Mark:
    """Return the mark of a record read from one cluster, `other` being the other one's name.

    The id comes from the header `ka-id`; without one, from key, value and timestamp, so that equal records without
    an id count as one. The last header of a name counts, and an empty id is none, as stages have it. A record that was
    replayed is another one than the record that was put away: the one was processed, the other may not be.
    """
    named = replayed = None
    native = True
    headers: Any = message.headers()
    if headers:
        origin = ORIGIN_HEADER + other
        for name, value in headers:
            if name == ID_HEADER:
                named = value
            elif name == origin:
                native = False
            elif name == REPLAYED_HEADER:
                replayed = value
    timestamp: int = message.timestamp()[1]
    return Mark(message.offset() or 0, _hashed(named, replayed, message), native, timestamp)


def record_id(message: Message) -> bytes:
    """Return the id of a record, as its mark has it."""
    headers: Any = message.headers()
    named = replayed = None
    for name, value in headers or ():
        if name == ID_HEADER:
            named = value
        elif name == REPLAYED_HEADER:
            replayed = value
    return _hashed(named, replayed, message)


def _hashed(named: bytes | None, replayed: bytes | None, message: Message) -> bytes:
    raw = named or _content(message.key(), message.value(), message.timestamp()[1])
    if replayed:  # the record that was put away is processed, and this one may not be
        raw += b"\0replayed " + replayed
    return blake2b(raw, digest_size=ID_BYTES).digest()


def _content(key: Any, value: Any, timestamp: int) -> bytes:  # noqa: ANN401 - bytes; the library says str too
    # A tombstone is not an empty value.
    lengths = pack(">iiq", -1 if key is None else len(key), -1 if value is None else len(value), timestamp)
    return lengths + (key or b"") + (value or b"")


class Marks(Sequence[Mark]):
    """Marks of one partition by rising offset, 25 bytes each."""

    __slots__ = ("are_native", "ids", "offsets", "timestamps")

    def __init__(self, marks: Sequence[Mark] = ()) -> None:
        self.offsets = array("q")
        self.timestamps = array("q")
        self.are_native = bytearray()
        self.ids = bytearray()
        for added in marks:
            self.append(added)

    def append(self, added: Mark) -> None:
        """Add a mark, whose offset is above all others."""
        self.offsets.append(added.offset)
        self.timestamps.append(added.timestamp)
        self.are_native.append(added.native)
        self.ids += added.id

    def between(self, start: int, stop: int) -> "Marks":
        """Return a copy of those from the offset `start` to before `stop`."""
        first, last = bisect_left(self.offsets, start), bisect_left(self.offsets, stop)
        return self[first:last]

    def numbers(self) -> Sequence[int]:
        """Return a copy of the ids, as numbers: smaller and quicker where there are many."""
        return memoryview(bytes(self.ids)).cast("Q").tolist()

    def id_at(self, place: int) -> bytes:
        """Return the id of the mark in that place, counted from 0."""
        return bytes(self.ids[place * ID_BYTES : (place + 1) * ID_BYTES])

    def __len__(self) -> int:
        return len(self.offsets)

    @overload
    def __getitem__(self, index: int) -> Mark: ...
    @overload
    def __getitem__(self, index: slice) -> "Marks": ...
    def __getitem__(self, index: int | slice) -> "Mark | Marks":
        if isinstance(index, slice):
            first, last, _ = index.indices(len(self))
            part = Marks()
            part.offsets, part.timestamps = self.offsets[first:last], self.timestamps[first:last]
            part.are_native, part.ids = self.are_native[first:last], self.ids[first * ID_BYTES : last * ID_BYTES]
            return part
        at = range(len(self))[index]
        return Mark(self.offsets[at], self.id_at(at), bool(self.are_native[at]), self.timestamps[at])

    def __iter__(self) -> Iterator[Mark]:
        ids = bytes(self.ids)
        parts = (ids[at : at + ID_BYTES] for at in range(0, len(ids), ID_BYTES))
        return map(Mark._make, zip(self.offsets, parts, map(bool, self.are_native), self.timestamps, strict=True))

    def __add__(self, later: "Marks") -> "Marks":
        """Both, where all of `later` lies behind."""
        both = self[:]
        both.offsets += later.offsets
        both.timestamps += later.timestamps
        both.are_native += later.are_native
        both.ids += later.ids
        return both
