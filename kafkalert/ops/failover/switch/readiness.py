"""How far each instance is while a switch goes on."""

from typing import Final

from kafkalert.config.stages import installed
from kafkalert.engine.clock import Clock
from kafkalert.ops.failover.status.heartbeats import STOPPED, HeartbeatRecord
from kafkalert.ops.failover.status.instances import GONE_SECONDS, InstanceWatcher, Presence, WatchedInstance
from kafkalert.ops.failover.switch.progress_log import InstanceSeen

_IDLE: Final = frozenset({Presence.SILENT, Presence.STUCK})
_RUNS: Final = "running"
_BETWEEN_STAYS: Final = ("starting", "loading")
"""What states begin with, in which nothing is processed, and that an instance leaves by itself."""


class Readiness:
    """Keeps, for each instance, when it stood still for an attempt and when it ran on the target.

    `began` is the moment of `InstanceWatcher`'s clock from which times are counted; `attempt` is empty where nobody
    has to stand still.
    """

    def __init__(self, watcher: InstanceWatcher, *, target: str, clock: Clock) -> None:
        self._watcher = watcher
        self._target = target
        self._clock = clock
        self._attempt = ""
        self._epoch = 0
        self._began = self._readable = clock.monotonic()
        self._before: dict[str, str] = {}
        self._prepared: dict[str, float] = {}
        self._running: dict[str, float] = {}
        self._uncommitted: set[str] = set()
        self._unheeding: set[str] = set()

    def begin(self, attempt: str, epoch: int) -> None:
        """From now on `attempt` is waited for, and then `epoch`."""
        self._attempt, self._epoch = attempt, epoch
        self._began = self._readable = self._clock.monotonic()
        for name, member in self._watcher.members().items():
            self._before.setdefault(name, member.beat.state)
            # One that is between two stays, and has processed something, was brought there by an error.
            if member.beat.state.startswith(_BETWEEN_STAYS) and member.beat.totals.entries:
                self._uncommitted.add(name)

    def read_back(self) -> None:
        """PREPARE stands in the log now: who reads it from here on sees it."""
        self._readable = self._clock.monotonic()

    def look(self) -> tuple[InstanceSeen, ...]:
        """How each instance is now; those that ended before it began are left out."""
        since = round(self._clock.monotonic() - self._began, 3)
        found = []
        for name, member in sorted(self._watcher.members().items(), key=_order):
            beat = member.beat
            if self._attempt and beat.attempt == self._attempt:
                self._prepared.setdefault(name, since)
                if beat.uncommitted:
                    self._uncommitted.add(name)
            if self._is_through(beat):
                self._running.setdefault(name, since)
            presence = member.presence(self._clock.monotonic())
            idle = presence in _IDLE or name in self._unheeding
            if idle and name not in self._prepared and name not in self._running:
                self._uncommitted.add(name)
            if presence is Presence.STOPPED and name not in self._prepared:
                continue
            state = presence.value if presence in _IDLE else beat.state
            times = (self._prepared.get(name), self._running.get(name))
            found.append(InstanceSeen(beat.stage, name, state, beat.cluster, *times))
        return tuple(found)

    def working(self, members: int) -> list[str]:
        """Instances that may still work where they did; their consumer groups have so many `members` there.

        They neither stand still, nor have they ended, and their lease is not over. It lasts from PREPARE on, whatever
        beats say: who works on then has not read the log. One that lives on and turns may still be delivering and
        committing; then it is a member of its group. A beat alone proves nothing: anybody can write one.
        """
        now = self._clock.monotonic()
        there = self._unacknowledged(now)
        if now - self._readable < GONE_SECONDS:
            return list(there)
        busy = [name for name, presence in there.items() if presence is Presence.ALIVE] if members else []
        self._unheeding = there.keys() - set(busy)
        return busy

    def excused(self) -> int:
        """How many members of groups may stay: instances that are stuck, and whose lease is over.

        Who is silent loses its place in the group by the group's own timeout.
        """
        now = self._clock.monotonic()
        if now - self._readable < GONE_SECONDS:
            return 0
        return sum(presence is Presence.STUCK for presence in self._unacknowledged(now).values())

    def _unacknowledged(self, now: float) -> dict[str, Presence]:
        """Those that neither stand still for this attempt, nor have ended."""
        return {
            name: member.presence(now)
            for name, member in self._watcher.members().items()
            if member.presence(now) is not Presence.STOPPED and member.beat.attempt != self._attempt
        }

    def missing(self) -> list[str]:
        """Instances that are alive, and do not run on the target yet; not those that took no notice of the attempt."""
        now = self._clock.monotonic()
        return [
            name
            for name, member in self._watcher.members().items()
            if name not in self._running
            and name not in self._unheeding
            and member.beat.stage in installed()
            and member.presence(now) is Presence.ALIVE
        ]

    def deserted(self) -> list[str]:
        """Instances that hang, of stages that nobody runs on the target, so that nothing is done there."""
        members = {
            name: member
            for name, member in self._watcher.members().items()
            if member.beat.state != STOPPED and member.beat.stage in installed()
        }
        manned = {members[name].beat.stage for name in self._running if name in members}
        now = self._clock.monotonic()
        return [
            name
            for name, member in members.items()
            if member.beat.stage not in manned and (member.presence(now) in _IDLE or name in self._unheeding)
        ]

    def uncommitted(self) -> list[str]:
        """Instances that may not have committed what they had processed.

        They were silent, or stuck, before they stood still, whatever became of them, or never stood still; or an error
        had ended their stay.
        """
        return sorted(self._uncommitted)

    def last_running(self) -> float | None:
        """Seconds from the begin until the last of them ran on the target; None where none does."""
        return max(self._running.values(), default=None)

    def _is_through(self, beat: HeartbeatRecord) -> bool:
        if beat.cluster != self._target or beat.epoch < self._epoch or self._epoch == 0:
            return False
        # One without partitions of its own stands by, and one that was held may still be: as before is well enough.
        as_before = beat.state == self._before.get(beat.instance) and not beat.state.startswith(_BETWEEN_STAYS)
        return beat.state == _RUNS or as_before


def _order(item: tuple[str, WatchedInstance]) -> tuple[str, str]:
    return item[1].beat.stage, item[0]
