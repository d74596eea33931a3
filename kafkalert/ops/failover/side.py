"""One cluster's part of the ledger: where its windows begin, and what was read of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import Final

from kafkalert.bus.mark_reader import MarkReader, Places
from kafkalert.bus.marks import Mark, Marks, Partition
from kafkalert.config.sections import Cluster
from kafkalert.errors import KafkalertError

MOST: Final = 500_000
"""So many records of a cluster are read, in some seconds. If there are more that are not known to have crossed, the
last ones of each partition are. A flow carries a partition in order, so what is missing of older ones is missing of
these, too; by their times nobody knows which are new."""
_POLL_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the ledger has come: records read, offsets that are left as far as is known, and whether it is ready."""

    read: int
    left: int
    is_ready: bool


class Side:
    """What the ledger knows of one cluster; `other` is the other one's name.

    `uncommitted`: everything is read, also in and behind transactions of others that are open, or were aborted. All of
    these are by partition.

    Attributes:
        crossed: the offset before which natives count as crossed.
        begin: where reading begins; what lies before it and belongs to the window is read later.
        ends: where the backlog ends.
        behind: at or behind this lie all copies of what was written to the other cluster behind its `ends`.
        positions: everything before this was read.
        older: what lies before `begin`.
        newer: what lies behind.
    """

    def __init__(self, cluster: Cluster, other: str, *, uncommitted: bool) -> None:
        self.name = cluster.name
        self.places = Places(cluster)
        self.reader = MarkReader(cluster, other, uncommitted=uncommitted)
        self._cluster, self._other, self._uncommitted = cluster, other, uncommitted
        self.crossed: dict[Partition, int] = {}
        self._starts: Mapping[Partition, int] = {}
        self.begin: dict[Partition, int] = {}
        self.ends: dict[Partition, int] = {}
        self.behind: dict[Partition, int] = {}
        self.positions: dict[Partition, int] = {}
        self.older: dict[Partition, Marks] = {}
        self.newer: dict[Partition, Marks] = {}
        self.untold: Collection[Partition] = ()
        """Of these nobody knows how far natives have crossed; what is seen to have crossed tells."""
        self.is_filled = False
        self.read = 0
        """Records read so far."""
        self._before = 0

    def log_ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Where each partition ends now, as far as it is read here. Raises UnreachableError."""
        return (self.places.high_watermarks if self._uncommitted else self.places.ends)(partitions)

    def begin_at(self, starts: Mapping[Partition, int], known: Mapping[Partition, int]) -> bool:
        """Set `crossed` and `begin`, `behind` being set; returns whether it was assumed of any record that it crossed.

        `starts`: the logs' first offsets; `known`: before these natives have crossed.
        """
        self._starts = starts
        # One beyond the end was of an earlier topic of that name.
        told = {one: max(starts[one], at) for one, at in known.items() if at <= self.behind.get(one, -1)}
        self.untold = starts.keys() - told
        sure = dict(starts) | told
        left = {one: self.behind[one] - at for one, at in sure.items()}
        most = MOST // len(starts) if sum(left.values()) > MOST else MOST
        self.crossed = {one: max(at, self.behind[one] - most) for one, at in sure.items()}
        self.begin = dict(self.crossed)
        self.older = {one: Marks() for one in starts}
        self.newer = {one: Marks() for one in starts}
        return self.crossed != sure

    def whole_since(self, one: Partition, floor: int | None) -> int | None:
        """The time (ms) from which on a partition's records are all in its window; None where that is not known.

        `floor`: the time from which on it was read. Where it begins with what is left of the log, what is gone may have
        been of that time, too.
        """
        first = self.older[one].offsets[0] if self.older[one] else self.begin[one]
        if floor is None or 0 < self._starts[one] >= first:
            return None
        return max(0, floor)  # what has no time has -1, and is not found by it

    def has_read(self, ends: Mapping[Partition, int]) -> bool:
        """Whether everything before these offsets was read."""
        return all(self.positions[one] >= end for one, end in ends.items())

    def left(self) -> int:
        """Offsets to read until the backlog is read, as far as is known."""
        return self._before + sum(max(0, end - self.positions[one]) for one, end in self.ends.items())

    def high_watermarks(self) -> dict[Partition, int]:
        """The offset after the last record of all, of each partition. Raises UnreachableError."""
        return self.places.high_watermarks(self.begin)

    def open_transactions(self) -> dict[Partition, tuple[int, int]]:
        """Where one is open: the last stable offset, from which records wait for its end, and the log's end."""
        # In this order: what is written between the two answers may not look as if it waited.
        ends, stable = self.high_watermarks(), self.places.ends(self.begin)
        return {one: (stable[one], end) for one, end in ends.items() if end > stable[one]}

    def open_copies(self, ends: Mapping[Partition, int], seconds: float) -> dict[Partition, Marks]:
        """Copies at or behind `ends`, the last stable offsets: a transaction of somebody else is open before them.

        The mirror's are never part of one. Raises KafkalertError where they cannot be read within `seconds`.
        """
        marks = self.places.high_watermarks(ends)
        wanted = {one: end for one, end in marks.items() if end > ends[one]}
        found: dict[Partition, Marks] = {one: Marks() for one in wanted}
        if not wanted:
            return found
        reader = MarkReader(self._cluster, self._other, uncommitted=True)
        give_up = monotonic() + seconds
        try:
            reader.start({one: ends[one] for one in wanted})
            while not reader.reached(wanted):
                if monotonic() > give_up:
                    raise KafkalertError(
                        f"What lies behind an open transaction on {self.name} could not be read within {seconds:g} s.",
                        hint="Try again when it has ended.",
                    )
                for one, mark in reader.pump(_POLL_SECONDS):
                    if not mark.native:
                        found[one].append(mark)
        finally:
            reader.close()
        return found

    def before(self, floors: Mapping[Partition, int], stop: Event) -> Iterator[tuple[Partition, Mark]]:
        """What lies before `begin`, from the first record of each partition's time (ms) on, by rising offset.

        Ends early at `stop`. Raises KafkalertError.
        """
        begins = self.places.since(floors)
        wanted = {one: self.begin[one] for one, offset in begins.items() if offset < self.begin[one]}
        if not wanted:
            return
        reader = MarkReader(self._cluster, self._other, uncommitted=self._uncommitted)
        try:
            reader.start({one: begins[one] for one in wanted})
            while wanted and not stop.is_set():
                self._before = sum(max(0, end - reader.positions[one]) for one, end in wanted.items())
                yield from ((one, mark) for one, mark in reader.pump(_POLL_SECONDS) if mark.offset < self.begin[one])
                done = [one for one, end in wanted.items() if reader.positions[one] >= end]
                reader.stop(done)
                for one in done:
                    del wanted[one]
        finally:
            self._before = 0
            reader.close()
