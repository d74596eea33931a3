"""What a compacted topic still holds of one key, and which of its rows was in force at a time. Pure.

Compaction removes the oldest records of a key first. So the records that are there are the newest part of its history:
what follows one of them is whole. What came before the first of them is known only where no record of its partition is
missing before it. A row that is not there now, nor its tombstone, was not there either for as long as tombstones are
kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from kafkalert.tables.origins import ORIGIN_BYTES, supersedes


@dataclass(frozen=True, slots=True)
class Version:
    """One record of the key.

    `row` begins with its origin (see `tables.origins`), and is that alone where the record takes the row out of force:
    a tombstone, or a value that cannot be read, and then `problem` is the reason's code.
    """

    partition: int
    offset: int
    timestamp: int
    row: bytes
    problem: str = ""

    @property
    def value(self) -> bytes | None:
        """The row's value, None where it is out of force."""
        return self.row[ORIGIN_BYTES:] or None


@dataclass(frozen=True, slots=True)
class InForce:
    """The row in force at a time: `version`, None where there was none. `known`: whether the topic still tells."""

    known: bool
    version: Version | None = None

    @property
    def value(self) -> bytes | None:
        """The row's value, None where there was none, or nobody knows."""
        return None if self.version is None else self.version.value


UNKNOWN = InForce(known=False)


@dataclass(frozen=True, slots=True)
class History:
    """All that is there of a key: its `versions` by partition, and in each by offset.

    `whole`: the partitions of which no record is missing before the key's first one, or at all where it has none there;
    of those that were not read nothing is said. `gone_before`: since when (ms) a tombstone would still be there.
    """

    versions: tuple[Version, ...]
    whole: Mapping[int, bool] = field(default_factory=dict)
    gone_before: int | None = None

    def now(self) -> InForce:
        """Return the row that is in force now."""
        return InForce(True, _counts([each[-1] for each in self._parts().values()]))

    def at(self, ms: int) -> InForce:
        """Return the row that was in force at a time: of what was written by then, by the records' times."""
        newest: list[Version] = []
        known = True
        parts = self._parts()
        for partition, versions in parts.items():
            before = [one for one in versions if one.timestamp <= ms]
            newest += before[-1:]
            known = known and (bool(before) or self.whole.get(partition, False))
        if not parts and not all(self.whole.values()):
            known = self.gone_before is not None and ms >= self.gone_before
        return InForce(True, _counts(newest)) if known else UNKNOWN

    def changes(self, start: int, stop: int) -> tuple[Version, ...]:
        """Return the records that were written after `start` and up to `stop` (ms)."""
        return tuple(one for one in self.versions if start < one.timestamp <= stop)

    def _parts(self) -> dict[int, list[Version]]:
        return {number: list(part) for number, part in groupby(self.versions, lambda one: one.partition)}


def _counts(newest: Iterable[Version]) -> Version | None:
    """Return the one that counts of the newest of each partition, as the tables have it."""
    counting: Version | None = None
    for one in newest:
        if counting is None or supersedes(one.row, counting.row):
            counting = one
    return counting
