"""Where everything runs, followed: a picture for a screen that stays open."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Final, Self

from kafkalert.bus.control.state import View
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord
from kafkalert.ops.failover.status.picture import Survey
from kafkalert.ops.failover.status.questions import FEW, MIRROR, Question, Questions
from kafkalert.ops.failover.status.survey import ANSWER_SECONDS, WATCH_SECONDS, surveyed
from kafkalert.ops.failover.status.watch import Watch

PERIOD_SECONDS: Final = 1.0
"""How long after an answer its question is asked again."""
MIRROR_SECONDS: Final = 3.0
"""The same of the mirror: to know how far it is behind takes reading."""
STALE_SECONDS: Final = 10.0
"""An answer that is older is none."""
_FLOW_SECONDS: Final = 4.0


class Feed:
    """What a survey finds, at any moment from the block's begin to its end: see `picture`. Its clients are its own.

    Each question is asked again and again on a thread of its own: one that hangs makes its own answer old, and no
    other. What is too old is told as not known, and never as it was. `hear` is given each heartbeat, also those of the
    last minutes before; one may come twice, by both clusters, on their threads.
    """

    def __init__(
        self, settings: Settings, clock: Clock | None = None, *, hear: Callable[[HeartbeatRecord], None] | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._watch = Watch(settings, self._clock, hear=hear)
        self._calls = Questions(settings, _FLOW_SECONDS, most=FEW, stays_open=True).calls
        self._answers: dict[Question, tuple[float, object]] = {}
        self._closed = Event()
        self._began = 0.0

    def __enter__(self) -> Self:
        self._began = self._clock.monotonic()
        self._watch.__enter__()
        for key, call in self._calls.items():
            Thread(target=self._ask, args=(key, call), name=f"ask {' '.join(key)}", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._watch.__exit__()

    def picture(self) -> Survey | None:
        """Return what is known now, without a wait; None while what begins is not known yet, for 5 s at most.

        Raises UnreachableError where no cluster answers, ConfigError where one has no control log.
        """
        now = self._clock.monotonic()
        problem = self._watch.control.problem()
        if problem is not None:
            raise problem
        if now - self._began < ANSWER_SECONDS and not self._has_begun(now):
            return None
        return surveyed(self._settings, self._watch, {key: self._told(key, now) for key in self._calls}, now)

    def control_view(self) -> View:
        """Return what the control logs say now."""
        return self._watch.control.view()

    def _has_begun(self, now: float) -> bool:
        """Whether all have answered, and been listened to for long enough to say who is silent."""
        names = {*self._settings.context.clusters}
        listened = all(self._watch.watcher.watched(name, now) >= WATCH_SECONDS for name in names)
        return listened and self._answers.keys() >= self._calls.keys() and self._watch.control.reachable() >= names

    def _told(self, key: Question, now: float) -> object:
        at, answer = self._answers.get(key, (float("-inf"), None))
        return answer if now - at < STALE_SECONDS else TimeoutError()

    def _ask(self, key: Question, call: Callable[[], object]) -> None:
        while not self._closed.is_set():
            answer: object
            try:
                answer = call()
            except Exception as error:  # noqa: BLE001 - told in the picture
                answer = error
            self._answers[key] = self._clock.monotonic(), answer
            self._closed.wait(MIRROR_SECONDS if key == MIRROR else PERIOD_SECONDS)
