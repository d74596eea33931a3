"""The ledger: what both clusters hold, by ids, kept up to date while everything still runs.

It is begun before a switch, so that the pause does not pay for the reading. Of each partition it keeps marks of a
window on each cluster, which are enough for every exact position and for saying what has yet to cross:

- On the old cluster a window begins at the lowest offset that a group has committed, and where native records may not
  have crossed; on the new one where its native records may not have crossed. They have crossed before the offset that
  the caller knows (`crossed`: the connector's committed offset + 1, the `ends` of the last COMMIT; the higher of them).
  Where nothing is known, one that has a copy answers for those before it, as a flow reads a partition in order. Of more
  than log_window.MOST records those before the last ones are *assumed* to have crossed, if these do not tell otherwise.
- Both are then read further back, to the first record of the lowest time in them (exact.oldest): a copy has its
  record's time, so everything in the windows has all its occurrences in them.

What comes then is followed. Memory: 25 bytes a record a cluster; 200 more for positions, 250 for what has not crossed.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Container, Mapping, Sequence
from itertools import chain
from typing import Final, Self

from kafkalert.bus.records.marks import Mark, Marks
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.engine.consuming.skipping import Ranges
from kafkalert.errors import KafkalertError
from kafkalert.ops.failover.positions.exact import FOR_EVER, ExactPosition, NotCrossed, exact_position
from kafkalert.ops.failover.positions.groups import Committed, Passed
from kafkalert.ops.failover.positions.log_window import LogWindow, Progress, floors_of, shared_partitions
from kafkalert.ops.failover.positions.native_records import NativeRecords, Uncrossed

_POLL_SECONDS: Final = 0.2


class Ledger:
    """Follows the mirrored `topics` of two clusters, from `start` until `close`, each on a thread of its own.

    A cluster that hangs holds up nobody but its thread. Every other method may be called from any thread, and raises
    the KafkalertError that ended the reading, if one did.

    Groups leave `source` for `target`. Each of `topics` has equally many partitions on both; of those in `compacted`
    copies may be gone although nothing expired. `crossed` has, by cluster and partition, the offset before which all
    native records are known to have crossed.
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
        self._source = LogWindow(source, target.name, uncommitted=False)
        self._target = LogWindow(target, source.name, uncommitted=True)
        self._windows = (self._source, self._target)
        self._lowest: dict[Partition, int] = {}
        self._floors: dict[Partition, int] | None = None
        self._native: dict[str, dict[Partition, NativeRecords]] = {}
        self._changed = threading.Condition()
        self._error: Exception | None = None
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []
        self.unvouched: dict[str, dict[Partition, int]] = {}
        """By cluster, once ready: where native records before `crossed` must have crossed, and may not (LogWindow)."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, committed: Committed | None = None) -> None:
        """Find where windows begin, and follow from there. `committed` is on the source, and may only rise later.

        Raises UnreachableError, and ConfigError where the clusters do not have the same partitions.
        """
        partitions = shared_partitions(*self._windows, self._topics)
        source, target = self._windows
        starts = {window.name: window.places.starts(partitions) for window in self._windows}
        # In this order, so that what comes after one end has all its occurrences behind the other (exact.oldest).
        source.behind = source.log_ends(partitions)
        target.ends = target.behind = target.log_ends(partitions)
        source.ends = source.log_ends(partitions)
        for window in self._windows:
            window.begin_at(starts[window.name], self._known.get(window.name, {}))
        for partition, offset in chain.from_iterable(offsets.items() for offsets in (committed or {}).values()):
            if partition in source.begin and offset >= 0:
                self._lowest[partition] = min(self._lowest.get(partition, offset), offset)
                source.begin[partition] = max(starts[source.name][partition], min(source.begin[partition], offset))
        for window in self._windows:
            window.positions = dict(window.begin)
            name = f"ledger {window.name}"
            self._threads.append(threading.Thread(target=self._follow, args=(window,), name=name, daemon=True))
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
        read, left = (
            sum(numbers) for numbers in zip(*((each.read, each.left()) for each in self._windows), strict=True)
        )
        return Progress(read, left)

    def await_ready(self, seconds: float) -> bool:
        """Whether everything that was there at the start has been read; waits for that at most `seconds`."""
        return self._wait(lambda: bool(self._native), seconds)

    def ends(self, cluster: str) -> dict[Partition, int]:
        """Where each partition of a cluster ends now, by asking it. Raises UnreachableError."""
        self._check()
        return self.window(cluster).log_ends(self._source.begin)

    def uncrossed(self, cluster: str, ends: Mapping[Partition, int] | None = None) -> dict[Partition, Uncrossed]:
        """Which native records of `cluster` before `ends` the other one lacks; only partitions that lack something.

        Without `ends`: of what has been read. Asks no cluster. Before the ledger is ready everything counts as unread.
        """
        self._check()
        window = self.window(cluster)
        found: dict[Partition, Uncrossed] = {}
        with self._changed:
            for partition in window.begin if ends is None else ends:
                if lacks := self._lacks(window, partition, None if ends is None else ends[partition]):
                    found[partition] = lacks
        return found

    def exact_positions(
        self, committed: Committed, seconds: float, passed: Passed | None = None
    ) -> dict[str, dict[Partition, ExactPosition | NotCrossed]]:
        """Where each group goes on on the target that has committed these offsets on the source.

        `passed` is what the switch to the source had each group skip there. To be called once the groups have stopped
        and `uncrossed` of the source is empty; what a flow is still to repeat would be processed again. Partitions in
        which a group has committed nothing are left out: there it begins as its configuration says, on either cluster.
        Raises KafkalertError where both could not be read to their ends in `seconds`, or a group has committed an
        offset before the window.
        """
        sure = self.ends(self._source.name)
        target_ends = self.ends(self._target.name)
        source_ends = self.ends(self._source.name)  # one before the target's, one after: see exact_position

        def is_read() -> bool:
            return bool(self._native) and self._target.has_read(target_ends) and self._source.has_read(source_ends)

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
                    partition: self._exact(
                        partition,
                        at,
                        (sure[partition], target_ends[partition]),
                        passed_by[group].get(partition, ()),
                        hidden[partition],
                    )
                    for partition, at in offsets.items()
                    if partition in target_ends and at >= 0
                }
                for group, offsets in committed.items()
            }

    def _exact(
        self, partition: Partition, at: int, ends: tuple[int, int], passed: Ranges, hidden: Marks
    ) -> ExactPosition | NotCrossed:
        source, target = self._windows
        floor = (self._floors or {}).get(partition)
        if at < self._lowest.get(partition, source.begin[partition]):
            raise KafkalertError(
                f"A group's offset of {partition[0]}[{partition[1]}] went back meanwhile.", hint="Try again."
            )
        return exact_position(
            source.older[partition] + source.newer[partition] + hidden.between(source.positions[partition], FOR_EVER),
            target.older[partition] + target.newer[partition],
            at,
            ends[1],
            passed=passed,
            a_crossed=source.crossed[partition],
            b_crossed=target.crossed[partition],
            a_sure=ends[0],
            since=floor,
            whole_since=source.whole_since(partition, floor),
        )

    def _lacks(self, window: LogWindow, partition: Partition, end: int | None) -> Uncrossed:
        unread = max(0, (window.ends[partition] if end is None else end) - window.positions[partition])
        if not self._native:
            return Uncrossed(0, unread=max(1, unread))
        before = FOR_EVER if end is None else end
        native_records = self._native[window.name][partition]
        records, timestamp = native_records.missing(before)
        # A repeat harms only groups that go on where it arrives.
        harms = window is self._source and partition in self._lowest and not records
        again = native_records.repeating(window.newer[partition], before) if harms else 0
        return Uncrossed(records, again, unread, timestamp)

    def _follow(self, window: LogWindow) -> None:
        try:
            window.reader.start(window.begin)
            while not self._closed.is_set():
                read = window.reader.pump(_POLL_SECONDS)
                with self._changed:
                    self._take(window, read)
                if self._floors is not None and not window.is_filled:
                    self._fill(window, self._floors)
        except Exception as error:  # noqa: BLE001 - told to whoever asks next
            with self._changed:
                self._error = error
                self._changed.notify_all()
        finally:
            window.reader.close()

    def _take(self, window: LogWindow, read: list[tuple[Partition, Mark]]) -> None:
        for partition, mark in read:
            window.newer[partition].append(mark)
            if self._native:
                self._note(window, partition, mark)
        window.read += len(read)
        window.positions = dict(window.reader.positions)
        if self._floors is None and all(each.has_read(each.ends) for each in self._windows):
            self._floors = floors_of(*self._windows, self._lowest)
        self._changed.notify_all()

    def _fill(self, window: LogWindow, floors: Mapping[Partition, int]) -> None:
        for partition, mark in window.before(floors, self._closed):
            window.older[partition].append(mark)
            window.read += 1
        with self._changed:
            window.is_filled = True
            if all(each.is_filled for each in self._windows):
                self._settle()
            self._changed.notify_all()

    def _settle(self) -> None:
        """Pair what was read with its copies; from now on that is done as it comes."""
        source, target = self._windows
        here, there = (own.unvouched(other, self._floors or {}) for own, other in ((source, target), (target, source)))
        # No group reads tables there.
        there = {partition: at for partition, at in there.items() if partition[0] not in self._compacted}
        self.unvouched = {source.name: here, target.name: there}
        self._native = {
            log.name: {
                partition: NativeRecords(in_order=partition in log.untold or partition[0] in self._compacted)
                for partition in log.begin
            }
            for log in self._windows
        }
        for wanted in (True, False):  # native records first, so that no copy has to wait for its own
            for window in self._windows:
                for partition in window.begin:
                    for mark in chain(window.older[partition], window.newer[partition]):
                        if mark.native is wanted:
                            self._note(window, partition, mark)
        # A flow carries them in order.
        for log, partition in ((each, partition) for each in self._windows for partition in each.untold):
            log.crossed[partition] = max(log.crossed[partition], self._native[log.name][partition].crossed)

    def _note(self, window: LogWindow, partition: Partition, mark: Mark) -> None:
        if not mark.native:
            self._native[window.other][partition].copied(mark.id, may_be_early=mark.offset >= window.behind[partition])
        elif mark.offset >= window.crossed[partition]:
            self._native[window.name][partition].written(mark)

    def window(self, cluster: str) -> LogWindow:
        """Return the window on one of the clusters."""
        return self._source if cluster == self._source.name else self._target

    def _wait(self, is_so: Callable[[], bool], seconds: float) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or is_so(), seconds)
        self._check()
        return is_so()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error
