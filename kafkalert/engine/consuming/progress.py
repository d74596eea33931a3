"""How far a stage has come: what to commit, and whether it has reached the end it was told to stop at."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from confluent_kafka import Message, TopicPartition

from kafkalert.bus.records.marks import ID_BYTES, record_id
from kafkalert.bus.records.partitions import Partition

_LOG = logging.getLogger(__name__)
_ID: Final = " id="
_LAST: Final = " last"
_TOPIC: Final = re.compile(r"(?:^| )topic=(\S{1,64})")
_HEX: Final = re.compile(rf"[0-9a-f]{{{2 * ID_BYTES}}}")
UNKNOWN: Final = -1
"""Below every offset and every epoch."""


class Place(NamedTuple):
    """Where a group is in a partition, in a way that holds on the other cluster, too.

    `offset` is the next one to read; `id` that of the last record before it, in hexadecimal, or empty where that is not
    known: by it the same place is found there. `adjacent`: that record is known to lie at the offset right before;
    elsewhere transaction markers may lie between, or a batch that could not be read. `leader`: where it is adjacent,
    the epoch of the leader that wrote it, by which a broker tells whether its log was cut before the offset (KIP-320).
    """

    offset: int
    id: str = ""
    adjacent: bool = False
    leader: int = UNKNOWN


class Progress:
    """Next offsets of the partitions assigned here. What is not assigned is neither kept nor committed.

    Here a record is done with once the loop has gone past it. What follows `advance` is for a stage whose records are
    not: see `engine.sinks.progress`.
    """

    def __init__(self) -> None:
        self._next: dict[Partition, int] = {}
        self._committed: dict[Partition, int] = {}
        self._last: dict[Partition, Message] = {}
        self._places: dict[Partition, Place] = {}

    def assigned(self, at: Mapping[Partition, Place]) -> None:
        """Begin to read these partitions here, each from its place (negative offset: not known yet)."""
        for partition, place in at.items():
            self._next[partition] = self._committed[partition] = place.offset
            self._places[partition] = place
            self._last.pop(partition, None)

    def gone(self, partitions: Iterable[Partition]) -> None:
        """Forget these partitions: they are read elsewhere from now on."""
        for partition in partitions:
            self._next.pop(partition, None)
            self._committed.pop(partition, None)
            self._last.pop(partition, None)
            self._places.pop(partition, None)

    def reached(self, partition: Partition, following: int, last: Message | None = None) -> None:
        """Everything before the offset `following` was processed, or is no record; `last` is the last record of it.

        A record that was read just before its partition went and came back may lie before what was assigned since.
        """
        if following > self._next.get(partition, following):
            self._next[partition] = following
            if last is not None:
                self._last[partition] = last

    def advance(self) -> bool:
        """Go on with what the stage has taken and not begun; whether it may be given more."""
        return True

    def await_room(self, seconds: float) -> None:
        """Wait until `advance` may have more to do, at most so long."""

    def obstacle(self) -> str:
        """Return for what the stage has waited for long before it takes more; empty where for nothing."""
        return ""

    def collect(self) -> None:
        """Note what has come to its end since the last time. To be called before what to commit is asked for."""

    def settle(self, seconds: float, waiting: Callable[[], None]) -> None:
        """Begin nothing more, and wait at most so long until what was begun is done with, calling `waiting`."""

    def unfinished(self) -> int:
        """How many records were begun and are not done with, so that no commit has them."""
        return 0

    def _safe(self, partition: Partition) -> int:
        """Return the offset before which all is done with."""
        return self._next[partition]

    def lag(self, ends: Mapping[Partition, int]) -> dict[Partition, int]:
        """How many offsets lie before each of these ends and were not read yet."""
        return {
            partition: max(0, end - at) for partition, end in ends.items() if (at := self._next.get(partition, -1)) >= 0
        }

    def uncommitted(self, only: Iterable[Partition] | None = None) -> dict[Partition, int]:
        """Return what a commit would move: next offsets above the last ones committed."""
        wanted = self._next.keys() if only is None else self._next.keys() & set(only)
        return {partition: safe for partition in wanted if (safe := self._safe(partition)) > self._committed[partition]}

    def placed(self, offsets: Mapping[Partition, int]) -> dict[Partition, Place]:
        """Return these next offsets, as far as they are read here, with the ids of the records before them."""
        found: dict[Partition, Place] = {}
        for partition, offset in offsets.items():
            last, before = self._last.get(partition), self._places.get(partition, Place(offset))
            if last is None:
                found[partition] = before if before.offset == offset else Place(offset, before.id)
            elif last.offset() == offset - 1:
                found[partition] = Place(
                    offset, record_id(last).hex(), adjacent=True, leader=_epoch(last.leader_epoch())
                )
            else:
                found[partition] = Place(offset, record_id(last).hex())
        return found

    def committed(self, places: Mapping[Partition, Place]) -> None:
        """Note that a commit of these was handed over; all outputs of what lies before them are acknowledged."""
        for partition, place in places.items():
            if partition in self._committed:
                self._committed[partition] = place.offset
                self._places[partition] = place

    def places(self) -> dict[Partition, Place]:
        """Return what was last committed of each partition that is read here, where that is known."""
        return {partition: place for partition, place in self._places.copy().items() if place.offset >= 0}

    def refused(self, partitions: Iterable[Partition]) -> None:
        """Note that the last commit of these did not succeed; the next one repeats it."""
        for partition in partitions:
            if partition in self._committed:
                self._committed[partition] = UNKNOWN

    def positions(self) -> dict[Partition, int]:
        """Return the offset of each partition that is read here before which all is done with, where it is known."""
        return {partition: safe for partition in self._next if (safe := self._safe(partition)) >= 0}

    def partitions(self) -> list[Partition]:
        """Return what is assigned here."""
        return sorted(self._next)

    def reading(self) -> dict[Partition, int]:
        """Return the offset to read next of each partition that is read here; negative where it is not known."""
        return self._next.copy()

    def next_offset(self, partition: Partition) -> int | None:
        """Return the offset to read next, or None where the partition is not read here."""
        return self._next.get(partition)

    def beyond(self, goal: Mapping[Partition, int], elsewhere: Mapping[Partition, int]) -> bool:
        """Whether every partition of `goal` is at its offset.

        For partitions read here what was processed here counts, for others `elsewhere`, the group's commits.
        """
        return all(
            end <= (self._safe(partition) if self._next.get(partition, -1) >= 0 else elsewhere.get(partition, 0))
            for partition, end in goal.items()
        )


def offsets(places: Mapping[Partition, Place], metadata: Callable[[Partition], str]) -> list[TopicPartition]:
    """Places as a commit takes them: with each partition's `metadata`, and the id where it is known."""

    def said(place: Place) -> str:
        return f"{_LAST * place.adjacent}{_ID}{place.id}" if place.id else ""

    return [
        TopicPartition(*partition, place.offset, f"{metadata(partition)}{said(place)}", place.leader)
        for partition, place in places.items()
    ]


def _epoch(told: int | None) -> int:
    return UNKNOWN if told is None else told


def with_topic(metadata: str, id_: str) -> str:
    """Return the `metadata` of a commit, with the id of the topic that it is about.

    A topic that was made anew has another id.
    """
    return f"{metadata} topic={id_}" if id_ else metadata


def topic_id(metadata: str | None) -> str:
    """Return the id of the topic that a commit is about; empty where it does not say."""
    found = _TOPIC.search((metadata or "").partition(_ID)[0])
    return found[1] if found else ""


def made_anew(told: TopicPartition, known: str) -> bool:
    """Whether a group's commit is about another topic of this name than that of the id `known`; says so."""
    if topic_id(told.metadata) in {"", known}:
        return False
    where = f"{told.topic}[{told.partition}]"
    _LOG.warning("%s was deleted and made anew; it is read from its beginning, not from %d on", where, told.offset)
    return True


def committed_place(told: TopicPartition) -> Place:
    """Return the place that a group's commit says; what another program has written there is no id."""
    before, _, words = (told.metadata or "").partition(_ID)
    if not _HEX.fullmatch(words):
        return Place(told.offset)
    if not before.endswith(_LAST):
        return Place(told.offset, words)
    return Place(told.offset, words, adjacent=True, leader=_epoch(told.leader_epoch))


def partition_of(message: Message) -> Partition:
    """Where a record that was read lies."""
    return message.topic() or "", message.partition() or 0
