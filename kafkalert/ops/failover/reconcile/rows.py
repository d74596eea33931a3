"""Which row of a key wins where both clusters of a compacted topic were written to, and where it has to be put.

*Old* is the source of the flow that was stopped, *new* its target. Within a cluster the log's order decides, as
compaction has it: a cluster's row of a key is its last one. Between the clusters time decides. So for each key that has
stranded rows:

- The old cluster's row is the last one written to it itself behind what the flow has confirmed.
- The new cluster's row is the last one in its log that is none of those, wherever it came from; but a copy does not
  take the place of a newer row that was written there, as long as that is to be had. It wins if it is newer by the
  records' timestamps, or equally old and written there itself; also if it follows the other in the new cluster's own
  log, which is then settled. Else the old cluster's row wins.
- A tombstone is a row like any other.

If the old cluster's row wins, it is carried, with those of its predecessors that are newer than the new cluster's row
and come behind all that have crossed; the others are superseded. Then the row that won is put, as a copy, at the end of
each log that does not end with it for that key. That is needed where the loser lies behind the winner: a row that was
stranded but is older by its time, or one that was written to the new cluster while the winner was being carried. Where
somebody has written to the old cluster since, that row crosses by itself, and is last there.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple


class Row(NamedTuple):
    """One record of a key. `id` is its mark's, as a number; `native`: written to the cluster where it was read."""

    offset: int
    id: int
    timestamp: int
    native: bool
    deletes: bool


@dataclass(slots=True)
class Key:
    """What both logs hold of one key; rows are noted in the order of their logs, the old cluster's first.

    `stranded` are the native records of the old cluster that may not have crossed; others are only noted for their
    place.
    """

    stranded: list[Row] = field(default_factory=list)
    since: Row | None = None
    last_old: Row | None = None
    theirs: Row | None = None
    hidden: Row | None = None
    last_new: Row | None = None
    crossed: tuple[int, ...] = ()
    others: tuple[int, ...] = ()
    follows: bool = False

    def on_old(self, row: Row, end: int) -> None:
        """Take a row of the old cluster: native ones before offset `end` are carried, later ones cross alone."""
        self.last_old = row
        if not row.native:
            return
        if row.offset >= end:
            self.since = row
        elif all(row.id != stranded.id for stranded in self.stranded):
            self.stranded.append(row)

    def on_new(self, row: Row) -> None:
        """Take a row of the new cluster."""
        self.last_new = row
        if any(row.id == stranded.id for stranded in self.stranded):
            self.crossed += () if row.id in self.crossed else (row.id,)
            self.follows = self.follows and row.id != self.stranded[-1].id
        elif row.native or row.id not in self.others:  # what this command puts again is no news
            self.others += () if row.id in self.others else (row.id,)
            theirs = self.theirs
            if not row.native and theirs is not None and theirs.native and _newer(theirs, row):
                self.hidden = row  # it came in late, over a newer one; of two copies the later one counts
                return
            self.theirs, self.hidden = row, None
            self.follows = bool(self.stranded) and self.stranded[-1].id in self.crossed

    def lost(self, gone: AbstractSet[int], *, on_new: bool) -> None:
        """Forget what was to be read at these offsets: compaction took it, as it was not the last one."""
        if on_new:
            while self.theirs is not None and self.theirs.offset in gone:
                self.theirs, self.hidden = self.hidden, None
            return
        if self.since is not None and self.since.offset in gone:
            self.since = None
        if any(row.offset in gone for row in self.stranded):
            self.stranded = [row for row in self.stranded if row.offset not in gone]

    def winner(self) -> tuple[Row | None, bool]:
        """Return the row that wins, and whether it is one of the old cluster's own. None: there is no row any more."""
        if not self.stranded:
            return self.last_new, False
        ours = self.stranded[-1]
        if self.theirs is not None and (self.follows or _newer(self.theirs, ours)):
            return self.theirs, False
        return ours, True

    def to_carry(self) -> Iterator[Row]:
        """Stranded rows that have to be carried, in order."""
        if not self.winner()[1]:
            return
        after = max((place for place, stranded in enumerate(self.stranded) if stranded.id in self.crossed), default=-1)
        for row in self.stranded[after + 1 :]:
            if self.theirs is None or not _newer(self.theirs, row):
                yield row

    def superseded(self) -> Iterator[Row]:
        """Stranded rows that are not carried and have not crossed, in order."""
        carried = {row.id for row in self.to_carry()}
        return (row for row in self.stranded if row.id not in carried and row.id not in self.crossed)

    def to_put_on_new(self) -> Row | None:
        """Return the row to be put at the new cluster's end, once all that have to be are carried there."""
        row, _ = self.winner()
        return None if row is None or _same(row, self.last_new) else row

    def to_put_on_old(self) -> Row | None:
        """Return the row to be put at the old cluster's end; None where it ends as it should."""
        row = self.since or self.winner()[0]
        return None if row is None or _same(row, self.last_old) else row

    def lies(self, row: Row) -> tuple[bool, int]:
        """Where a row that won can be read: whether on the new cluster, and its offset there.

        Where it is the last one, if it is on either: nothing takes that away.
        """
        for on_new, last in ((True, self.last_new), (False, self.last_old)):
            if last is not None and last.id == row.id:
                return on_new, last.offset
        return row is self.theirs, row.offset


def _newer(theirs: Row, ours: Row) -> bool:
    return theirs.timestamp > ours.timestamp or (theirs.timestamp == ours.timestamp and theirs.native)


def _same(wanted: Row, last: Row | None) -> bool:
    """Whether a log ends as wanted; for a table a deletion is as good as any other, and as no row at all."""
    if last is None:
        return wanted.deletes
    return wanted.id == last.id or (wanted.deletes and last.deletes)
