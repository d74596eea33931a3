"""Looks at groups for a while, or for as long as somebody watches: windows of observations become a picture."""

from collections import deque
from collections.abc import Iterator
from threading import Event, Thread
from typing import Final, Self

from kafkalert.bus.control.log import ControlLog
from kafkalert.config import names
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import DeniedError, UnreachableError
from kafkalert.ops.active import with_active_first
from kafkalert.ops.lag.looking import Key, Look, Looker
from kafkalert.ops.lag.movement import Observation, Verdict
from kafkalert.ops.lag.picture import VERSION, Snapshot, by_urgency, group_lag, moment, partition_lag, worst

SECONDS: Final = 6.0
"""How long a group that may not get on is looked at: many commit every 5 s only."""
LEAST_SECONDS: Final = 1.0
"""How long all are looked at."""
MOVING_SECONDS: Final = 2.5
"""How long at least while something moves: kafkalert's stages commit once a second, and rates are told by commits."""
STEP_SECONDS: Final = 0.5
WINDOW: Final = 15
"""Looks that a window has at most, while somebody watches."""


class Watching:
    """The groups of a context on one cluster, looked at from the block's begin to its end.

    That is the active cluster, also after a switch, unless another is named. `group` and `topic` are as of Looker.
    """

    def __init__(
        self, settings: Settings, *, group: str = "", topic: str = "", cluster: str = "", clock: Clock | None = None
    ) -> None:
        self._settings = settings
        self._wanted = {"group": group, "topic": topic}
        self._clock = clock or SystemClock()
        self._cluster = cluster or with_active_first(settings).context.clusters[0]
        self._looker: Looker | None = None
        self._windows: dict[Key, deque[Observation]] = {}
        self._look = Look(0, {}, {}, {})
        self._pause = Event()
        self._control = None if cluster or len(settings.context.clusters) == 1 else self._control_log()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()
        if self._control is not None:
            Thread(target=self._control.close, name="close", daemon=True).start()  # hangs with its cluster

    def notes(self) -> list[str]:
        """Return what could not be seen for lack of a right."""
        return [] if self._looker is None else self._looker.notes()

    def once(self, seconds: float = SECONDS) -> Snapshot:
        """Look for a second or so, and for `seconds` at most while it is not clear that all is well.

        Raises UnreachableError, DeniedError; UsageError where there is no such group or topic.
        """
        began = self._clock.monotonic()
        while True:
            self._take()
            found = self._snapshot()
            passed = self._clock.monotonic() - began
            if passed >= min(seconds, _needed(found, seconds)) and self._compared():
                return found
            self._pause.wait(max(STEP_SECONDS, seconds / WINDOW))

    def follow(self, every: float) -> Iterator[Snapshot]:
        """Yield a snapshot every so many seconds, without an end.

        A cluster that does not answer is a snapshot, too, but for the first; that raises what `once` raises.
        """
        yield self.once(LEAST_SECONDS)
        while True:
            self._pause.wait(every)
            self._follow_active()
            try:
                self._take()
            except (UnreachableError, DeniedError) as error:
                self._leave()
                now = moment(self._clock.wall_ms())
                yield Snapshot(VERSION, now, self._cluster, 0.0, None, (), (), str(error))
            else:
                yield self._snapshot()

    def _take(self) -> None:
        """Look once more; what is no longer read has no window."""
        if self._looker is None:
            self._looker = Looker(self._settings, self._cluster, self._clock, **self._wanted)
        self._look = self._looker.look()
        self._windows = {key: self._windows.get(key, deque(maxlen=WINDOW)) for key in self._look.seen}
        for key, observation in self._look.seen.items():
            self._windows[key].append(observation)

    def _compared(self) -> bool:
        """Whether there were two looks at each partition, the least that says how it moves."""
        return all(len(window) > 1 for window in self._windows.values())

    def _snapshot(self) -> Snapshot:
        look, looker = self._look, self._looker
        rows = []
        for (group, place), window in self._windows.items():
            transaction = looker.transaction(place, window[-1].stable) if looker is not None else ""
            waiting = look.waiting[group, place]
            rows.append(partition_lag(group, place, list(window), waiting, look.at, transaction=transaction))
        rows.sort(key=lambda one: (*by_urgency(one), one.topic, one.partition))
        groups = [
            group_lag(group, members, own)
            for group, members in look.members.items()
            if (own := [one for one in rows if one.group == group])
        ]
        times = [window[-1].time - window[0].time for window in self._windows.values()]
        return Snapshot(
            VERSION,
            moment(look.at),
            self._cluster,
            round(max(times, default=0.0), 1),
            worst(rows),
            tuple(sorted(groups, key=by_urgency)),
            tuple(rows),
        )

    def _control_log(self) -> ControlLog:
        clusters = [self._settings.clusters[name] for name in self._settings.context.clusters]
        log = ControlLog(clusters, self._settings.topic(names.CONTROL), home=clusters[0].name)
        log.start()
        return log

    def _follow_active(self) -> None:
        """Go to the other cluster where stages were moved there."""
        if self._control is None or not self._control.settled():
            return
        active = self._control.view().active
        if active != self._cluster:
            self._leave()
            self._cluster = active

    def _leave(self) -> None:
        """Leave the cluster; what was seen there says nothing of what comes."""
        if self._looker is not None:
            self._looker.close()
        self._looker = None
        self._windows = {}


def _needed(found: Snapshot, seconds: float) -> float:
    """Return for how long groups have to be looked at; `seconds` where it is not clear that all is well."""
    if found.verdict is not Verdict.OK:
        return seconds
    moves = any(one.rate_in or one.rate_out for one in found.partitions)
    return MOVING_SECONDS if moves or any(one.records for one in found.partitions) else LEAST_SECONDS
