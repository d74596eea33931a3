"""When an instance writes what any other could write as well: not at once, and not if it was done meanwhile."""

import random
from collections.abc import Callable, Mapping
from typing import Final

from kafkalert.bus.control.event import Event, Key

GRACE_SECONDS: Final = 2.0
"""How much longer than an attempt's own time it is waited for its operator."""
STANDARD_SECONDS: Final = 30.0
LONGEST_SECONDS: Final = 3600.0


class Overdue:
    """Remembers since when something is due, by this process's clock; `delay` gives the seconds to wait beyond that."""

    def __init__(self, monotonic: Callable[[], float], delay: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._delay = delay
        self._copy_at: float | None = None
        self._pending: Key | None = None
        self._abort_at = 0.0

    def lacking(self, lacks: Mapping[str, list[Event]]) -> dict[str, list[Event]]:
        """Return what of `lacks` is to be written now: all of it, once something has been missing for the delay."""
        now = self._monotonic()
        if not lacks:
            self._copy_at = None
        elif self._copy_at is None:
            self._copy_at = now + self._delay()
        elif now >= self._copy_at:
            self._copy_at = now + self._delay()  # the next try, if this one fails
            return dict(lacks)
        return {}

    def attempt(self, pending: Event | None) -> Event | None:
        """`pending` if it has been so for longer than its own time, the grace and the delay."""
        now = self._monotonic()
        if pending is None:
            self._pending = None
        elif pending.key != self._pending:
            self._pending = pending.key
            self._abort_at = now + allowed(pending) + GRACE_SECONDS + self._delay()
        elif now >= self._abort_at:
            self._abort_at = now + GRACE_SECONDS + self._delay()
            return pending
        return None


def soon() -> float:
    """Return a random delay, in seconds, so that not all instances write at once."""
    return random.uniform(0.5, 3.0)  # noqa: S311 - nobody guards anything by it


def aborted(prepare: Event, by: str, at: int) -> Event:
    """Return the ABORT of an attempt whose time is over."""
    return Event(prepare.epoch, prepare.id, "ABORT", "planned", prepare.source, prepare.target, by, at, "timeout")


def allowed(prepare: Event) -> float:
    """Seconds that an attempt gives itself; whatever it says, not for ever."""
    seconds = prepare.detail.get("timeoutSeconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return STANDARD_SECONDS
    return float(min(max(seconds, 0.0), LONGEST_SECONDS))
