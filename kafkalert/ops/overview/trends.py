"""How things move, by what was found again and again."""

from collections import deque
from datetime import datetime
from typing import Final

from kafkalert.ops.failover.status.movement import Trend, working
from kafkalert.ops.failover.status.picture import Survey

WINDOW_SECONDS: Final = 30.0
"""Whether a backlog grows is told by so long a time."""
LEAST_SECONDS: Final = 5.0
"""By less it is not told: heartbeats come each second, and not together."""


class Trends:
    """Remembers what it needs of each survey."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, int]] = deque()
        self._who: frozenset[str] = frozenset()
        self._epoch: int | None = None
        self._active = ""
        self._moved: tuple[float, str, str] | None = None

    def take(self, found: Survey, at: datetime, now: float) -> Trend:
        """Return how things move, now that `found` was found: at a time of day, and at a monotonic one (s)."""
        growth = self._grown(found, now)
        self._note_switch(found, at, now)
        if self._moved is None:
            return Trend(growth)
        then, source, target = self._moved
        return Trend(growth, None, now - then, source, target)

    def _grown(self, found: Survey, now: float) -> float | None:
        here = working(found)
        who = frozenset(one.instance for one in here)
        if who != self._who:  # partitions go to others meanwhile, and are counted twice, or not at all
            self._waiting.clear()
            self._who = who
        self._waiting.append((now, sum(one.lag for one in here)))
        while now - self._waiting[0][0] > WINDOW_SECONDS:
            self._waiting.popleft()
        then, before = self._waiting[0]
        return None if now - then < LEAST_SECONDS else (self._waiting[-1][1] - before) / (now - then)

    def _note_switch(self, found: Survey, at: datetime, now: float) -> None:
        """Remember the last COMMIT; one that was before the first survey by its own time."""
        if self._epoch is None:
            others = [one.name for one in found.clusters if one.name != found.active]
            if found.since is not None and others:
                self._moved = (now - max(0.0, (at - found.since).total_seconds()), others[0], found.active)
        elif found.epoch > self._epoch and found.active != self._active:
            self._moved = (now, self._active, found.active)
        self._epoch, self._active = found.epoch, found.active
