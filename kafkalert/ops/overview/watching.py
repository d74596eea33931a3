"""A context at a glance, again and again: what `kafkalert status -w` shows."""

from datetime import UTC, datetime
from typing import Self

from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import UnreachableError
from kafkalert.ops.failover.status.feed import Feed
from kafkalert.ops.failover.status.picture import Verdict
from kafkalert.ops.overview.status import VERSION, Status, status
from kafkalert.ops.overview.trends import Trends
from kafkalert.ops.overview.verdict import Level


class Watching:
    """Follows a context from the block's begin to its end, with clients of its own."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._feed = Feed(settings, self._clock)
        self._trends = Trends()

    def __enter__(self) -> Self:
        self._feed.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._feed.__exit__()

    def now(self) -> Status:
        """Return what is known now, without a wait. Raises ConfigError where a cluster has no control log."""
        at = datetime.fromtimestamp(self._clock.wall_ms() / 1000, UTC)
        names = self._settings.context.clusters
        try:
            found = self._feed.picture()
        except UnreachableError as error:
            sentence = f"{error} Look at your network first."
            return self._unknown(at, Level.ACT, sentence, Verdict.UNREACHABLE)
        if found is None:
            return self._unknown(at, Level.LOADING, f"Asking {' and '.join(names)} ...", None)
        return status(found, at, self._trends.take(found, at, self._clock.monotonic()))

    def _unknown(self, at: datetime, level: Level, sentence: str, verdict: Verdict | None) -> Status:
        return Status(VERSION, self._settings.context.name, at, level, sentence, verdict)
