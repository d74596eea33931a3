"""Whether a loop turns: a process may live, beat and answer probes while its loop stands still."""

from typing import Final

from kafkalert.errors import RestartError

STUCK_SECONDS: Final = 10.0
"""A loop that has not turned for so long is stuck. A healthy one turns at least each five seconds, as its longest call
to a broker that is away is bounded by that."""
END_SECONDS: Final = 60.0
"""After so long the stage ends, so that its supervisor or the orchestrator starts it again."""
_LOOK_SECONDS: Final = 1.0
LEAVE_SECONDS: Final = 20.0
"""How long a stay that left for a switch which was called off may take to commit."""


class LastCommit:
    """Whether a stay that leaves waits in vain for its last commit: its client does not get over what befell it.

    While a switch is pending, or its cluster is away, it waits with reason.
    """

    def __init__(self) -> None:
        self._since = float("inf")

    def is_late(self, *, waits: bool, now: float) -> bool:
        """Whether it has waited without a reason for too long; `waits`: whether it does, at `now` (s)."""
        self._since = min(self._since, now) if waits else float("inf")
        return now - self._since > LEAVE_SECONDS


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

    def check(self) -> None:
        """Raise RestartError once it has stood still for so long that it will not turn any more."""
        if self.still > END_SECONDS:
            raise RestartError(
                f"The stage's loop has stood still for {END_SECONDS:.0f} s.",
                hint="Nothing is lost: what was not committed is processed at the next start.",
            )

    @property
    def stuck(self) -> bool:
        """Whether it has stood still for too long."""
        return self.still > STUCK_SECONDS
