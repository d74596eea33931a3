"""How far a stage has come: offsets to commit, and whether it has reached the end it was told to stop at."""

from collections.abc import Iterable, Mapping
from typing import Final

from confluent_kafka import Message, TopicPartition

Partition = tuple[str, int]
UNKNOWN: Final = -1
"""Below every offset: what the group has committed is not known."""


class Progress:
    """Next offsets of the partitions assigned here. What is not assigned is neither kept nor committed."""

    def __init__(self) -> None:
        self._next: dict[Partition, int] = {}
        self._committed: dict[Partition, int] = {}

    def assigned(self, at: Mapping[Partition, int]) -> None:
        """These partitions are read here from now on, each from its offset (negative: not known yet)."""
        for partition, offset in at.items():
            self._next[partition] = self._committed[partition] = offset

    def gone(self, partitions: Iterable[Partition]) -> None:
        """These are read elsewhere from now on."""
        for partition in partitions:
            self._next.pop(partition, None)
            self._committed.pop(partition, None)

    def reached(self, partition: Partition, following: int) -> None:
        """Everything before the offset `following` was processed, or is no record.

        A record that was read just before its partition went and came back may lie before what was assigned since.
        """
        if following > self._next.get(partition, following):
            self._next[partition] = following

    def uncommitted(self, only: Iterable[Partition] | None = None) -> dict[Partition, int]:
        """What a commit would move: next offsets above the last ones committed."""
        wanted = self._next.keys() if only is None else self._next.keys() & set(only)
        return {one: self._next[one] for one in wanted if self._next[one] > self._committed[one]}

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """A commit of these was handed over."""
        for partition, offset in offsets.items():
            if partition in self._committed:
                self._committed[partition] = offset

    def refused(self, partitions: Iterable[Partition]) -> None:
        """The last commit of these did not succeed; the next one repeats it."""
        for partition in partitions:
            if partition in self._committed:
                self._committed[partition] = UNKNOWN

    def positions(self) -> dict[Partition, int]:
        """The next offset of each partition that is read here, where it is known."""
        return {partition: offset for partition, offset in self._next.items() if offset >= 0}

    def partitions(self) -> list[Partition]:
        """What is assigned here."""
        return sorted(self._next)

    def next_offset(self, partition: Partition) -> int | None:
        """The offset to read next, or None where the partition is not read here."""
        return self._next.get(partition)

    def beyond(self, goal: Mapping[Partition, int], elsewhere: Mapping[Partition, int]) -> bool:
        """Whether every partition of `goal` is at its offset.

        For partitions read here what was processed here counts, for others `elsewhere`, the group's commits.
        """
        return all(
            end <= (self._next[one] if self._next.get(one, -1) >= 0 else elsewhere.get(one, 0))
            for one, end in goal.items()
        )


def offsets(positions: Mapping[Partition, int], metadata: str) -> list[TopicPartition]:
    """Offsets as a commit takes them."""
    return [TopicPartition(topic, number, offset, metadata) for (topic, number), offset in positions.items()]


def partition_of(message: Message) -> Partition:
    """Where a record that was read lies."""
    return message.topic() or "", message.partition() or 0
