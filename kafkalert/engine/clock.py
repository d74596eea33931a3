"""The one clock of a stage, passed in wherever time matters."""

import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def wall_ms(self) -> int:
        """Milliseconds since the epoch, UTC: what records carry."""
        ...

    def monotonic(self) -> float:
        """Seconds that only go forward: what waits and rates are measured by."""
        ...


class SystemClock:
    """The machine's clocks."""

    def wall_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic()
