"""One cluster's part of the ledger: where its windows begin, and what was read of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from threading import Event
from time import monotonic
from typing import Final

from kafkalert.bus.records.mark_reader import MarkReader, Places, reached
from kafkalert.bus.records.marks import Mark, Marks
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.errors import ConfigError, KafkalertError
from kafkalert.ops.failover.positions.exact import oldest

MOST: Final = 500_000
"""So many records of a cluster are read, in some seconds. If there are more that are not known to have crossed, the
last ones of each partition are; by their times nobody knows which are new. A flow carries a partition in order, so
older native records have crossed if one of these has (`unvouched`)."""
_POLL_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the ledger has come: records read, and offsets that are left as far as is known."""

    read: int
    left: int


class LogWindow:
    """What the ledger knows of one cluster; `other` is the other one's name.

    `uncommitted`: everything is read, also in and behind transactions of others that are open, or were aborted. All of
    these are by partition.

    Attributes:
        crossed: the offset before which native records count as crossed.
        assumed: the partitions of which nobody knows that, as older ones than the last `most` offsets are not read.
        begin: where reading begins; what lies before it and belongs to the window is read later.
        ends: where the backlog ends.
        behind: at or behind this lie all copies of what was written to the other cluster behind its `ends`.
        positions: everything before this was read.
        older: what lies before `begin`.
        newer: what lies behind.
    """

    def __init__(self, cluster: Cluster, other: str, *, uncommitted: bool) -> None:
        self.name, self.other = cluster.name, other
        self.places = Places(cluster)
        self.reader = MarkReader(cluster, other, uncommitted=uncommitted)
        self._cluster, self._uncommitted = cluster, uncommitted
        self.crossed: dict[Partition, int] = {}
        self.assumed: Collection[Partition] = ()
        self.most = MOST
        self._starts: Mapping[Partition, int] = {}
        self.begin: dict[Partition, int] = {}
        self.ends: dict[Partition, int] = {}
        self.behind: dict[Partition, int] = {}
        self.positions: dict[Partition, int] = {}
        self.older: dict[Partition, Marks] = {}
        self.newer: dict[Partition, Marks] = {}
        self.untold: Collection[Partition] = ()
        """Of these nobody knows how far native records have crossed; what is seen to have crossed tells."""
        self.is_filled = False
        self.read = 0
        """Records read so far."""
        self._before = 0

    def log_ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Where each partition ends now, as far as it is read here. Raises UnreachableError."""
        return (self.places.high_watermarks if self._uncommitted else self.places.ends)(partitions)

    def begin_at(self, starts: Mapping[Partition, int], known: Mapping[Partition, int]) -> None:
        """Set `crossed`, `assumed` and `begin`, `behind` being set.

        `starts`: the logs' first offsets; `known`: before these native records have crossed.
        """
        self._starts = starts
        # One beyond the end was of an earlier topic of that name.
        told = {
            partition: max(starts[partition], at)
            for partition, at in known.items()
            if at <= self.behind.get(partition, -1)
        }
        self.untold = starts.keys() - told
        sure = dict(starts) | told
        self.most = share([self.behind[partition] - at for partition, at in sure.items()], MOST)
        self.crossed = {partition: max(at, self.behind[partition] - self.most) for partition, at in sure.items()}
        self.assumed = [partition for partition, at in sure.items() if self.crossed[partition] > at]
        self.begin = dict(self.crossed)
        self.older = {partition: Marks() for partition in starts}
        self.newer = {partition: Marks() for partition in starts}

    def unvouched(self, other: "LogWindow", floors: Mapping[Partition, int]) -> dict[Partition, int]:
        """Those of `assumed` in which native records before `crossed` may not have crossed, by what was read of both.

        With each, the offset of the first native record that shows it.

        Native records are looked at from the times `floors` on, as the other's copies were read from there. Of a
        partition without any nothing is known. Copies behind the other's `ends` do not count: copies of native records
        that lie before what is read here may have come since, too.
        """
        found: dict[Partition, int] = {}
        for partition in self.assumed:
            behind, end, floor = self.behind[partition], other.ends[partition], floors.get(partition, 0)
            read = chain(self.older[partition], self.newer[partition])
            own = [mark for mark in read if mark.native and mark.offset < behind and mark.timestamp >= floor]
            there = chain(other.older[partition], other.newer[partition]) if own else ()
            copies = {mark.id for mark in there if not mark.native and mark.offset < end}
            last = max((mark.offset for mark in own if mark.id in copies), default=-1)
            if own and last < min(self.crossed[partition], own[-1].offset):
                found[partition] = next(mark.offset for mark in own if mark.offset > last)
        return found

    def committed_behind(self, found: Mapping[Partition, int], seconds: float) -> list[Partition]:
        """Those with a native record, from the offset in `found` on, that no transaction of others keeps from crossing.

        Raises KafkalertError where that cannot be read within `seconds`.
        """
        if not self._uncommitted or not found:
            return sorted(found)
        ends = {partition: min(end, self.behind[partition]) for partition, end in self.places.ends(found).items()}
        late = KafkalertError(
            f"What others wrote to {self.name} could not be read within {seconds:g} s.",
            hint="Try again when it is less busy.",
        )
        read = self._between(found, ends, seconds, late, uncommitted=False)
        return sorted({partition for partition, mark in read if mark.native})

    def whole_since(self, partition: Partition, floor: int | None) -> int | None:
        """Return the time (ms) from which on a partition's records are all in its window; None where that is not known.

        `floor`: the time from which on it was read. Where it begins with what is left of the log, what is gone may have
        been of that time, too.
        """
        first = self.older[partition].offsets[0] if self.older[partition] else self.begin[partition]
        if floor is None or 0 < self._starts[partition] >= first:
            return None
        return max(0, floor)  # what has no time has -1, and is not found by it

    def has_read(self, ends: Mapping[Partition, int]) -> bool:
        """Whether everything before these offsets was read."""
        return reached(self.positions, ends)

    def left(self) -> int:
        """Offsets to read until the backlog is read, as far as is known."""
        return self._before + sum(max(0, end - self.positions[partition]) for partition, end in self.ends.items())

    def high_watermarks(self) -> dict[Partition, int]:
        """Return the offset after the last record of all, of each partition. Raises UnreachableError."""
        return self.places.high_watermarks(self.begin)

    def open_transactions(self) -> dict[Partition, tuple[int, int]]:
        """Where one is open: the last stable offset, from which records wait for its end, and the log's end."""
        # In this order: what is written between the two answers may not look as if it waited.
        ends, stable = self.high_watermarks(), self.places.ends(self.begin)
        return {partition: (stable[partition], end) for partition, end in ends.items() if end > stable[partition]}

    def open_copies(self, ends: Mapping[Partition, int], seconds: float) -> dict[Partition, Marks]:
        """Return copies at or behind `ends`, the last stable offsets: somebody's transaction is open before them.

        The mirror's are never part of one. Raises KafkalertError where they cannot be read within `seconds`.
        """
        late = KafkalertError(
            f"What lies behind an open transaction on {self.name} could not be read within {seconds:g} s.",
            hint="Try again when it has ended.",
        )
        found: dict[Partition, Marks] = defaultdict(Marks)
        for partition, mark in self._between(ends, self.places.high_watermarks(ends), seconds, late, uncommitted=True):
            if not mark.native:
                found[partition].append(mark)
        return found

    def _between(
        self,
        starts: Mapping[Partition, int],
        ends: Mapping[Partition, int],
        seconds: float,
        late: KafkalertError,
        *,
        uncommitted: bool,
    ) -> Iterator[tuple[Partition, Mark]]:
        """Yield what lies from `starts` on before `ends`. Raises `late` after so many seconds."""
        wanted = {partition: end for partition, end in ends.items() if end > starts[partition]}
        if not wanted:
            return
        reader = MarkReader(self._cluster, self.other, uncommitted=uncommitted)
        give_up = monotonic() + seconds
        try:
            reader.start({partition: starts[partition] for partition in wanted})
            while not reader.reached(wanted):
                if monotonic() > give_up:
                    raise late
                yield from (
                    (partition, mark) for partition, mark in reader.pump(_POLL_SECONDS) if mark.offset < ends[partition]
                )
        finally:
            reader.close()

    def before(self, floors: Mapping[Partition, int], stop: Event) -> Iterator[tuple[Partition, Mark]]:
        """Yield what lies before `begin`, from the first record of each partition's time (ms) on, by rising offset.

        Ends early at `stop`. Raises KafkalertError.
        """
        begins = self.places.since(floors)
        wanted = {
            partition: self.begin[partition] for partition, offset in begins.items() if offset < self.begin[partition]
        }
        if not wanted:
            return
        reader = MarkReader(self._cluster, self.other, uncommitted=self._uncommitted)
        try:
            reader.start({partition: begins[partition] for partition in wanted})
            while wanted and not stop.is_set():
                self._before = sum(max(0, end - reader.positions[partition]) for partition, end in wanted.items())
                yield from (
                    (partition, mark)
                    for partition, mark in reader.pump(_POLL_SECONDS)
                    if mark.offset < self.begin[partition]
                )
                done = [partition for partition, end in wanted.items() if reader.positions[partition] >= end]
                reader.stop(done)
                for partition in done:
                    del wanted[partition]
        finally:
            self._before = 0
            reader.close()


def shared_partitions(source: LogWindow, target: LogWindow, topics: Iterable[str]) -> list[Partition]:
    """Return the partitions of `topics`, which both clusters have to have alike. Raises ConfigError."""
    wanted = list(topics)
    here, there = (set(window.places.partitions(wanted)) for window in (source, target))
    if here != there:
        raise ConfigError(
            f"{min(here ^ there)[0]} is divided otherwise on {target.name} than on {source.name}.",
            hint="Run `kafkalert topics plan`.",
        )
    return sorted(here)


def floors_of(source: LogWindow, target: LogWindow, lowest: Mapping[Partition, int]) -> dict[Partition, int]:
    """Return the time (ms) from which each partition's windows have to begin; see `exact.oldest`.

    `lowest`: the offset from which on its groups have yet to process records.
    """
    times = {
        partition: oldest(
            source.newer[partition],
            target.newer[partition],
            lowest.get(partition),
            a_crossed=source.crossed[partition],
            b_crossed=target.crossed[partition],
        )
        for partition in source.begin
    }
    return {partition: time for partition, time in times.items() if time is not None}


def share(needs: Iterable[int], most: int) -> int:
    """Return what each may have at most, so that they have `most` together.

    What some do not need is left to the others.
    """
    rising = sorted(needs)
    for others, need in zip(range(len(rising), 0, -1), rising, strict=True):
        if need * others > most:
            return most // others
        most -= need
    return rising[-1] if rising else most
