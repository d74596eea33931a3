"""Where consumer groups are, partition by partition, and putting one elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaException

from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import RefusedError, UsageError
from kafkalert.ops.active import standing
from kafkalert.ops.failover.positions.groups import Groups
from kafkalert.ops.group_names import chosen, inputs
from kafkalert.ops.offsets import Position
from kafkalert.ops.tail.log import Ends, Log
from kafkalert.ops.wording import counted

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Next:
    """A position of groups alone: where one is in each partition, or the nearest offset that is there."""

    def __str__(self) -> str:
        return "next"


NEXT: Final = Next()


@dataclass(frozen=True, slots=True)
class GroupOffset:
    """Where a group is in one partition: `offset` is the next one that it reads, None where it has committed none.

    `start` and `end` are the partition's own; `left` counts what the group has yet to read, `gone` what it has not read
    and is there no more. `members`: of the group.
    """

    version: int
    cluster: str
    group: str
    members: int
    topic: str
    partition: int
    offset: int | None
    start: int
    end: int
    left: int
    gone: int = 0


class GroupOffsets:
    """The groups of a context on one cluster, the active one unless another is named. Raises UnreachableError."""

    def __init__(self, settings: Settings, cluster: str = "", clock: Clock | None = None) -> None:
        view = standing(settings) if len(settings.context.clusters) > 1 else None
        self.cluster = cluster or (settings.context.clusters[0] if view is None else view.active)
        self._epoch = 0 if view is None else view.epoch
        self._settings = settings
        self._clock = clock or SystemClock()
        self._groups = Groups(settings, settings.clusters[self.cluster])
        self._log = Log(settings.clusters[self.cluster])

    def show(self, group: str = "") -> list[GroupOffset]:
        """Where groups are; `group` may lack the prefix. Raises UsageError where it is none of this context."""
        known = chosen(self._settings, self.cluster, self._groups, group)
        attendance, committed = self._groups.attendance(known), self._groups.committed(known)
        found: list[GroupOffset] = []
        for name in known:
            at = committed[name]
            ends = self._log.ends({*at, *self._inputs(name, at)})
            found += [
                self._row(name, attendance[name].members, partition, at.get(partition), ends[partition])
                for partition in sorted(ends)
            ]
        return found

    def seek(
        self,
        group: str,
        position: Position | Next,
        approve: Callable[[Sequence[str]], None],
        *,
        topic: str = "",
    ) -> list[GroupOffset]:
        """Put a group without members at `position`, in `topic` alone where it is given, once `approve` returns.

        Raises UsageError, RefusedError where the group has members; or what `approve` raises.
        """
        rows = [row for row in self.show(group) if not topic or row.topic == topic]
        if not rows:
            raise UsageError(f"{group} reads nothing of {topic}.", hint=f"See `kafkalert group show {group}`.")
        group = rows[0].group
        self._check_empty(group, rows[0].members)
        ends = {(row.topic, row.partition): Ends(row.start, row.end) for row in rows}
        if isinstance(position, Next):
            wanted = {(row.topic, row.partition): _nearest(row) for row in rows}
        else:
            wanted = self._log.positions(position, ends, self._clock.wall_ms())
        approve([_change(row, wanted[row.topic, row.partition]) for row in rows])
        try:
            # A stage that is held goes on once its group's commit is another one, be it of the same offset.
            self._groups.move(group, wanted, epoch=self._epoch, remark=f"sought={self._clock.wall_ms()}")
        except KafkaException as error:
            self._check_empty(group, self._groups.attendance([group])[group].members)
            raise RefusedError(f"{self.cluster} does not take it: {error.args[0].str()}.") from error
        return [row for row in self.show(group) if not topic or row.topic == topic]

    def _inputs(self, group: str, committed: dict[Partition, int]) -> list[Partition]:
        """All partitions that a group reads, as far as is known: those of a stage, and of what it has committed in."""
        topics = {topic for topic, _ in committed} | {*inputs(self._settings, group)}
        return self._log.topics(topics).partitions if topics else []

    def _row(self, group: str, members: int, partition: Partition, at: int | None, ends: Ends) -> GroupOffset:
        left = ends.high - max(ends.low, ends.low if at is None else at)
        gone = 0 if at is None else max(0, ends.low - at)
        return GroupOffset(
            VERSION, self.cluster, group, members, *partition, at, ends.low, ends.high, max(0, left), gone
        )

    def _check_empty(self, group: str, members: int) -> None:
        if members:
            raise RefusedError(
                f"Group {group} has {counted(members, 'member')} on {self.cluster}; nothing was changed.",
                hint="Stop its stage on every machine, then seek again.",
            )


def _nearest(row: GroupOffset) -> int:
    """Where a group is, or the nearest offset that is there."""
    return min(max(row.start if row.offset is None else row.offset, row.start), row.end)


def _change(row: GroupOffset, wanted: int) -> str:
    """Return what it means to put a group there."""
    place = f"{row.topic}[{row.partition}]"
    if row.offset is None:
        return f"{place}: to {wanted:,}; {row.end - wanted:,} to read"
    moved = wanted - _nearest(row)
    what = []
    if moved:
        what += [f"{counted(abs(moved), 'record')} {'processed again' if moved < 0 else 'never processed'}"]
    if row.gone:
        what += [f"{counted(row.gone, 'record')} gone, never processed"]
    return f"{place}: from {row.offset:,} to {wanted:,}; {', '.join(what) or 'no change'}"
