"""Which of the records that were taken are not complete: no commit goes beyond the lowest of them."""

from collections import OrderedDict
from collections.abc import Iterable
from itertools import count
from typing import Final, NamedTuple

from kafkalert.bus.records.partitions import Partition
from kafkalert.engine.consuming.progress import Place

_ASSIGNMENTS: Final = count(1)
"""One for the whole process, so that a token of one stay never fits another one."""


class Token(NamedTuple):
    """One taking of one record. `assignment` numbers the times that a partition came."""

    partition: Partition
    assignment: int
    offset: int


class Completion:
    """The records that were taken and are not complete, by partition. It belongs to one thread, and has no lock.

    A partition's records are taken in the order of their offsets and completed in any. Each operation takes the same
    time however many records are under way.
    """

    def __init__(self) -> None:
        self._assignments: dict[Partition, int] = {}
        # Not a plain dict: it would look for its first entry past all that were removed before it.
        self._open: dict[Partition, OrderedDict[int, Place | None]] = {}

    def assigned(self, partitions: Iterable[Partition]) -> None:
        """Begin with these partitions, with nothing taken; what was taken before counts no more."""
        for partition in partitions:
            self._assignments[partition] = next(_ASSIGNMENTS)
            self._open[partition] = OrderedDict()

    def gone(self, partitions: Iterable[Partition]) -> None:
        """Forget these partitions: what was taken of them counts no more."""
        for partition in partitions:
            self._assignments.pop(partition, None)
            self._open.pop(partition, None)

    def assignment(self, partition: Partition) -> int | None:
        """Return the number of the time that a partition came; None where it is not read here."""
        return self._assignments.get(partition)

    def taken(self, partition: Partition, offset: int, place: Place | None = None) -> Token:
        """Take a record; it is complete once `completed` is called with the token.

        `place` is the one at the record, with the id of the record before it: see `place`. Raises KeyError where the
        partition is not read here, and ValueError where a later record is under way: the lowest offset would not be
        known any more.
        """
        offsets = self._open[partition]
        if offsets and offset <= next(reversed(offsets)):
            raise ValueError("Records of a partition are taken in the order of their offsets.")
        offsets[offset] = place
        return Token(partition, self._assignments[partition], offset)

    def is_open(self, token: Token) -> bool:
        """Whether this record is under way; not where it is complete, or its partition went since."""
        return (
            self._assignments.get(token.partition) == token.assignment and token.offset in self._open[token.partition]
        )

    def completed(self, token: Token) -> None:
        """Note that a record is complete; one that is not under way is passed over: its partition may have gone."""
        if self.is_open(token):
            del self._open[token.partition][token.offset]

    def returned(self, token: Token) -> None:
        """Nobody has begun this record: it is as if it had not been taken, and it may be taken again."""
        self.completed(token)

    def safe(self, partition: Partition, following: int) -> int:
        """Return the next offset to commit where all before `following` was taken.

        That is the lowest one that is not complete, or `following`.
        """
        return min(following, next(iter(self._open.get(partition, ())), following))

    def place(self, partition: Partition) -> Place | None:
        """Return the place at the lowest record that is not complete, as it was given; None where all are."""
        return next(iter(self._open.get(partition, {}).values()), None)

    def incomplete(self) -> dict[Partition, int]:
        """How many records are not complete, for each partition that has some."""
        return {partition: len(offsets) for partition, offsets in self._open.items() if offsets}
