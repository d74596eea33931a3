"""Whether a loop turns: a process may live, beat and answer probes while its loop stands still."""

from typing import Final

STUCK_SECONDS: Final = 10.0
"""A loop that has not turned for so long is stuck. A healthy one turns at least each five seconds, as its longest call
to a broker that is away is bounded by that."""
END_SECONDS: Final = 60.0
"""After so long the stage ends, so that its supervisor or the orchestrator starts it again."""
_LOOK_SECONDS: Final = 1.0


class Watchdog:
    """Counts for how long a loop stood still while its watcher was awake.

    A machine or a process that was stopped for an hour wakes as a whole: of the time between two looks one second
    counts at most, so that the loop has its chance to turn first.
    """

    def __init__(self) -> None:
        self._turned = float("-inf")
        self._looked = float("-inf")
        self.still = 0.0
        """Seconds."""

    def look(self, turned: float | None, now: float) -> None:
        """Look at a loop that last turned at the monotonic time `turned`; None where there is none to turn."""
        if turned is None or turned != self._turned:
            self._turned = float("-inf") if turned is None else turned
            self.still = 0.0
        else:
            self.still += min(now - self._looked, _LOOK_SECONDS)
        self._looked = now

    @property
    def stuck(self) -> bool:
        """Whether it has stood still for too long."""
        return self.still > STUCK_SECONDS
