"""The ledger: what both clusters hold, by ids, kept up to date while everything still runs.

It is begun before a switch, so that the pause does not pay for the reading. Of each partition it keeps marks of a
window on each cluster, which are enough for every cut and for saying what has yet to cross:

- On the old cluster a window begins at the lowest offset that a group has committed, and where natives may not have
  crossed; on the new one where its natives may not have crossed. Natives have crossed before the offset that the caller
  knows (`crossed`: the connector's committed offset + 1, the `ends` of the last COMMIT; the higher of them). Where
  nothing is known, a native that has a copy answers for those before it; where more than side.MOST records would have
  to be read, those before the last ones are *assumed* to have crossed. A flow that runs reads a partition in order.
- Both are then read further back, to the first record of the lowest time in them (cut.oldest): a copy has its record's
  time, so everything in the windows has all its occurrences in them.

What comes then is followed. Memory: 25 bytes a record and cluster; 200 more in a cut, and for what has not crossed.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Container, Mapping, Sequence
from itertools import chain
from typing import Final, Self

from kafkalert.bus.marks import Mark, Marks, Partition
from kafkalert.config.sections import Cluster
from kafkalert.engine.skipping import Ranges
from kafkalert.errors import ConfigError, KafkalertError
from kafkalert.ops.failover.cut import FOR_EVER, Cut, NotCrossed, cut, oldest
from kafkalert.ops.failover.natives import Natives, Uncrossed
from kafkalert.ops.failover.side import Progress, Side

_POLL_SECONDS: Final = 0.2

Committed = Mapping[str, Mapping[Partition, int]]
"""Each group's committed offsets. Partitions where it has none are absent, or negative."""

Passed = Mapping[str, Mapping[Partition, Ranges]]
"""By group and partition: offsets that it passes over."""


class Ledger:
    """Follows the mirrored `topics` of two clusters, from `start` until `close`, each on a thread of its own.

    A cluster that hangs holds up nobody but its thread. Every other method may be called from any thread, and raises
    the KafkalertError that ended the reading, if one did.

    Groups leave `source` for `target`. Each of `topics` has equally many partitions on both; of those in `compacted`
    copies may be gone although nothing expired. `crossed` has, by cluster and partition, the offset before which all
    natives are known to have crossed.
    """

    def __init__(
        self,
        source: Cluster,
        target: Cluster,
        topics: Sequence[str],
        *,
        crossed: Mapping[str, Mapping[Partition, int]] | None = None,
        compacted: Container[str] = (),
    ) -> None:
        self._topics = list(topics)
        self._known = crossed or {}
        self._compacted = compacted
        # Stages and the mirror see of the source what is committed. On the target, copies count wherever they lie; what
        # others have open or aborted there was not processed on the source, and so is not passed over.
        self._source = Side(source, target.name, uncommitted=False)
        self._target = Side(target, source.name, uncommitted=True)
        self._sides = (self._source, self._target)
        self._lowest: dict[Partition, int] = {}
        self._floors: dict[Partition, int] | None = None
        self._natives: dict[str, dict[Partition, Natives]] = {}
        self._changed = threading.Condition()
        self._error: Exception | None = None
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []
        self.assumed: frozenset[str] = frozenset()
        """Names of clusters of whose natives it was assumed that those before the last side.MOST have crossed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, committed: Committed | None = None) -> None:
        """Find where windows begin, and follow from there. `committed` is on the source, and may only rise later.

        Raises UnreachableError, and ConfigError where the clusters do not have the same partitions.
        """
        partitions = self._partitions()
        source, target = self._sides
        starts = {side.name: side.places.starts(partitions) for side in self._sides}
        # In this order, so that what comes after one end has all its occurrences behind the other (cut.oldest).
        source.behind = source.log_ends(partitions)
        target.ends = target.behind = target.log_ends(partitions)
        source.ends = source.log_ends(partitions)
        for side in self._sides:
            if side.begin_at(starts[side.name], self._known.get(side.name, {})):
                self.assumed |= {side.name}
        for one, offset in chain.from_iterable(offsets.items() for offsets in (committed or {}).values()):
            if one in source.begin and offset >= 0:
                self._lowest[one] = min(self._lowest.get(one, offset), offset)
                source.begin[one] = max(starts[source.name][one], min(source.begin[one], offset))
        for side in self._sides:
            side.positions = dict(side.begin)
            name = f"ledger {side.name}"
            self._threads.append(threading.Thread(target=self._follow, args=(side,), name=name, daemon=True))
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop reading; a cluster that does not answer is not waited for."""
        self._closed.set()
        for thread in self._threads:
            thread.join(2 * _POLL_SECONDS)

    def progress(self) -> Progress:
        """How far it is."""
        self._check()
        read, left = (sum(parts) for parts in zip(*((side.read, side.left()) for side in self._sides), strict=True))
        return Progress(read, left, bool(self._natives))

    def await_ready(self, seconds: float) -> bool:
        """Whether everything that was there at the start has been read; waits for that at most `seconds`."""
        return self._wait(lambda: bool(self._natives), seconds)

    def ends(self, cluster: str) -> dict[Partition, int]:
        """Where each partition of a cluster ends now, by asking it. Raises UnreachableError."""
        self._check()
        return self.side(cluster).log_ends(self._source.begin)

    def uncrossed(self, cluster: str, ends: Mapping[Partition, int] | None = None) -> dict[Partition, Uncrossed]:
        """What of `cluster`'s natives before `ends` is not on the other one; only partitions that lack something.

        Without `ends`: of what has been read. Asks no cluster. Before the ledger is ready everything counts as unread.
        """
        self._check()
        side = self.side(cluster)
        found: dict[Partition, Uncrossed] = {}
        with self._changed:
            for one in side.begin if ends is None else ends:
                if lacks := self._lacks(side, one, None if ends is None else ends[one]):
                    found[one] = lacks
        return found

    def cuts(
        self, committed: Committed, seconds: float, passed: Passed | None = None
    ) -> dict[str, dict[Partition, Cut | NotCrossed]]:
        """Where each group goes on on the target that has committed these offsets on the source.

        `passed` is what the switch to the source had each group skip there. To be called once the groups have stopped
        and `uncrossed` of the source is empty; what a flow is still to repeat would be processed again. Partitions in
        which a group has committed nothing are left out: there it begins as its configuration says, on either cluster.
        Raises KafkalertError where both could not be read to their ends in `seconds`, or a group has committed an
        offset before the window.
        """
        sure = self.ends(self._source.name)
        target_ends = self.ends(self._target.name)
        source_ends = self.ends(self._source.name)  # one before the target's, one after: see cut

        def is_read() -> bool:
            return bool(self._natives) and self._target.has_read(target_ends) and self._source.has_read(source_ends)

        if not self._wait(is_read, seconds):
            raise KafkalertError(
                f"Both clusters could not be read to their ends within {seconds:g} s.",
                hint="Try again when they are less busy.",
            )
        hidden = defaultdict(Marks, self._source.open_copies(source_ends, seconds))
        passed_by = defaultdict(dict, passed or {})
        with self._changed:
            return {
                group: {
                    one: self._cut(one, at, (sure[one], target_ends[one]), passed_by[group].get(one, ()), hidden[one])
                    for one, at in offsets.items()
                    if one in target_ends and at >= 0
                }
                for group, offsets in committed.items()
            }

    def _cut(self, one: Partition, at: int, ends: tuple[int, int], passed: Ranges, hidden: Marks) -> Cut | NotCrossed:
        source, target = self._sides
        floor = (self._floors or {}).get(one)
        if at < self._lowest.get(one, source.begin[one]):
            raise KafkalertError(f"A group's offset of {one[0]}[{one[1]}] went back meanwhile.", hint="Try again.")
        return cut(
            source.older[one] + source.newer[one] + hidden.between(source.positions[one], FOR_EVER),
            target.older[one] + target.newer[one],
            at,
            ends[1],
            passed=passed,
            a_crossed=source.crossed[one],
            b_crossed=target.crossed[one],
            a_sure=ends[0],
            since=floor,
            whole_since=source.whole_since(one, floor),
        )

    def _lacks(self, side: Side, one: Partition, end: int | None) -> Uncrossed:
        unread = max(0, (side.ends[one] if end is None else end) - side.positions[one])
        if not self._natives:
            return Uncrossed(0, unread=max(1, unread))
        before = FOR_EVER if end is None else end
        natives = self._natives[side.name][one]
        records, timestamp = natives.missing(before)
        # A repeat harms only groups that go on where it arrives.
        harms = side is self._source and one in self._lowest and not records
        again = natives.repeating(side.newer[one], before) if harms else 0
        return Uncrossed(records, again, unread, timestamp)

    def _partitions(self) -> list[Partition]:
        here, there = (set(side.places.partitions(self._topics)) for side in self._sides)
        if here != there:
            raise ConfigError(
                f"{min(here ^ there)[0]} is divided otherwise on {self._target.name} than on {self._source.name}.",
                hint="Run `kafkalert topics plan`.",
            )
        return sorted(here)

    def _follow(self, side: Side) -> None:
        try:
            side.reader.start(side.begin)
            while not self._closed.is_set():
                read = side.reader.pump(_POLL_SECONDS)
                with self._changed:
                    self._take(side, read)
                if self._floors is not None and not side.is_filled:
                    self._fill(side, self._floors)
        except Exception as error:  # noqa: BLE001 - told to whoever asks next
            with self._changed:
                self._error = error
                self._changed.notify_all()
        finally:
            side.reader.close()

    def _take(self, side: Side, read: list[tuple[Partition, Mark]]) -> None:
        for one, mark in read:
            side.newer[one].append(mark)
            if self._natives:
                self._note(side, one, mark)
        side.read += len(read)
        side.positions = dict(side.reader.positions)
        if self._floors is None and all(each.has_read(each.ends) for each in self._sides):
            self._floors = self._times()
        self._changed.notify_all()

    def _fill(self, side: Side, floors: Mapping[Partition, int]) -> None:
        for one, mark in side.before(floors, self._closed):
            side.older[one].append(mark)
            side.read += 1
        with self._changed:
            side.is_filled = True
            if all(each.is_filled for each in self._sides):
                self._settle()
            self._changed.notify_all()

    def _times(self) -> dict[Partition, int]:
        """The time from which each partition's windows have to begin."""
        source, target = self._sides
        floors: dict[Partition, int] = {}
        for one in source.begin:
            bounds = {"a_crossed": source.crossed[one], "b_crossed": target.crossed[one]}
            if (time := oldest(source.newer[one], target.newer[one], self._lowest.get(one), **bounds)) is not None:
                floors[one] = time
        return floors

    def _settle(self) -> None:
        """Pair what was read with its copies; from now on that is done as it comes."""
        self._natives = {
            side.name: {one: Natives(in_order=one in side.untold or one[0] in self._compacted) for one in side.begin}
            for side in self._sides
        }
        for wanted in (True, False):  # natives first, so that no copy has to wait for its own
            for side in self._sides:
                for one in side.begin:
                    for mark in chain(side.older[one], side.newer[one]):
                        if mark.native is wanted:
                            self._note(side, one, mark)
        for side, one in ((each, one) for each in self._sides for one in each.untold):  # a flow carries them in order
            side.crossed[one] = max(side.crossed[one], self._natives[side.name][one].crossed)

    def _note(self, side: Side, one: Partition, mark: Mark) -> None:
        if not mark.native:
            other = self._target if side is self._source else self._source
            self._natives[other.name][one].copied(mark.id, may_be_early=mark.offset >= side.behind[one])
        elif mark.offset >= side.crossed[one]:
            self._natives[side.name][one].written(mark)

    def side(self, cluster: str) -> Side:
        """What is known of one of the clusters."""
        return self._source if cluster == self._source.name else self._target

    def _wait(self, is_so: Callable[[], bool], seconds: float) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or is_so(), seconds)
        self._check()
        return is_so()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error
