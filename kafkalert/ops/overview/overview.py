"""Where everything runs and what flows, followed for a screen that stays open: a snapshot that is always there."""

import logging
from collections import deque
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Final, Self

from kafkalert.config.sections import Settings
from kafkalert.config.stages import installed, readers
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import KafkalertError
from kafkalert.ops.failover.result import VERSION
from kafkalert.ops.failover.status.feed import Feed
from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord
from kafkalert.ops.failover.status.history import Switch, switches
from kafkalert.ops.failover.status.picture import Survey
from kafkalert.ops.overview.changes import Change, changes
from kafkalert.ops.overview.moving import Course, Moving
from kafkalert.ops.overview.series import Series
from kafkalert.ops.overview.snapshot import ContextSeen, Snapshot
from kafkalert.ops.overview.trends import Trends
from kafkalert.ops.overview.verdict import Judgement, Level, verdict

_LOG = logging.getLogger(__name__)
PERIOD_SECONDS: Final = 0.5
"""How often a snapshot is made."""
_MOST_CHANGES: Final = 500
_MOST_WAITING: Final = 5_000
"""Heartbeats that may wait until the next snapshot takes them; of more the oldest are left out."""
_MOST_AT_ONCE: Final = 2_000
_AGAIN_SECONDS: Final = 2.0
_BUG: Final = KafkalertError("The dashboard cannot tell: a bug. `kafkalert status` may.")


class Overview:
    """Follows a context from the block's begin to its end; `newest` is what is known now.

    It disturbs nothing: it joins no group, commits nothing, and reads heartbeats and control logs alone. Everything is
    asked on threads that nobody waits for, so an end takes no time where a cluster hangs.
    """

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        context = settings.context
        self._settings = settings
        self._clock = clock or SystemClock()
        self._context = ContextSeen(context.name, tuple(context.clusters), context.production, context.read_only)
        self._stages = frozenset(installed())
        self._beats: deque[HeartbeatRecord] = deque(maxlen=_MOST_WAITING)
        self._series, self._course = Series(self._stages - {*readers()}), Course()
        self._trends = Trends()
        self._changes: deque[Change] = deque(maxlen=_MOST_CHANGES)
        self._before: Survey | None = None
        self._answered = dict.fromkeys(context.clusters, self._clock.monotonic())
        self._closed = Event()
        asked = " and ".join(context.clusters)
        self.newest = self._made(0, Judgement(Level.LOADING, f"Asking {asked} ..."))

    def __enter__(self) -> Self:
        Thread(target=self._follow, name="overview", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()

    def _follow(self) -> None:
        """Look again and again; what cannot begin, as a certificate is not there, is told, and tried again."""
        number = 0
        while not self._closed.is_set():
            try:
                with Feed(self._settings, self._clock, hear=self._hear) as feed:
                    while not self._closed.wait(PERIOD_SECONDS):
                        number += 1
                        self._take_beats()
                        self.newest = self._seen(number, feed)
            except KafkalertError as error:
                self.newest = self._unseen(number, error)
            except Exception:  # noqa: BLE001 - a screen that stands still says nothing true
                _LOG.exception("overview")
                self.newest = self._unseen(number, _BUG)
            self._closed.wait(_AGAIN_SECONDS)

    def _seen(self, number: int, feed: Feed) -> Snapshot:
        try:
            return self._look(number, feed)
        except KafkalertError as error:
            return self._unseen(number, error)

    def _hear(self, beat: HeartbeatRecord) -> None:
        """Take a heartbeat of a stage that is installed; anybody may write others."""
        if beat.stage in self._stages:
            self._beats.append(beat)

    def _take_beats(self) -> None:
        now_ms = self._clock.wall_ms()
        for _ in range(min(len(self._beats), _MOST_AT_ONCE)):
            beat = self._beats.popleft()
            self._series.add(beat, now_ms // 1000)
            self._course.add(beat, now_ms)

    def _look(self, number: int, feed: Feed) -> Snapshot:
        found = feed.picture()
        if found is None:
            return self._made(number, self.newest.judgement)
        now = self._clock.monotonic()
        for cluster in found.clusters:
            if cluster.answers:
                self._answered[cluster.name] = now
        if self._before is not None:
            self._changes.extendleft(reversed(changes(self._before, found, datetime.now(UTC))))
        self._before = found
        view = feed.control_view()
        moving = self._course.moving(view, self._clock.wall_ms())
        return self._made(
            number,
            verdict(found, self._trends.take(found, datetime.now(UTC), now)),
            found,
            moving=moving,
            history=tuple(reversed(switches(view, VERSION))),
        )

    def _unseen(self, number: int, error: KafkalertError) -> Snapshot:
        return self._made(number, Judgement(Level.ACT, f"{error} {error.hint}".strip()))

    def _made(
        self,
        number: int,
        judgement: Judgement,
        survey: Survey | None = None,
        *,
        moving: Moving | None = None,
        history: tuple[Switch, ...] = (),
    ) -> Snapshot:
        now = self._clock.monotonic()
        second = self._clock.wall_ms() // 1000
        away = {name: now - at for name, at in self._answered.items() if now - at > 1}
        return Snapshot(
            number,
            datetime.now(UTC),
            now,
            self._context,
            judgement,
            survey,
            away if number else {},
            self._series.window(second - 1),  # the heartbeats of the last second are still on their way
            tuple(self._series.partitions(second)),
            tuple(self._changes),
            history,
            moving,
        )
