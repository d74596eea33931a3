"""What a stage counts. Written by the loop without locks, read once a second by the heartbeat."""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

BUCKETS_MS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 60_000)
"""Upper bounds of the latency histogram."""

LONGEST_MS: Final = 366 * 24 * 60 * 60 * 1000
"""The longest latency that is counted, a year: longer ones are times that were not meant."""
_RECENT: Final = 20_000


@dataclass
class Metrics:
    """Counters since the start, and the newest latencies.

    `latencies` are milliseconds from an entry's record time to handing its alerts to the producer. `before_switch`:
    records passed over because a switch says that they were processed before it. `gone`: records that the group can
    read no more, by partition.
    """

    entries: int = 0
    alerts: Counter[str] = field(default_factory=Counter)
    dead: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    before_switch: int = 0
    gone: dict[tuple[str, int], int] = field(default_factory=dict)
    lag: dict[tuple[str, int], int] = field(default_factory=dict)
    fresh: deque[int] = field(default_factory=lambda: deque(maxlen=_RECENT))
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_MS) + 1))
    latency_sum_ms: int = 0

    def drain_latencies(self) -> list[int]:
        """Return the latencies since the last call, sorted; they are added to the histogram.

        A record's time is what its producer says. One ahead of this clock counts as no latency, and what nobody has
        waited for (microseconds, a time before 1970) as the longest that is counted.
        """
        drained = []
        while self.fresh:
            drained.append(min(max(self.fresh.popleft(), 0), LONGEST_MS))
        for latency in drained:
            self.buckets[bisect_left(BUCKETS_MS, latency)] += 1
        self.latency_sum_ms += sum(drained)
        return sorted(drained)


def percentile(ordered: list[int], percent: int) -> int | None:
    """Return the nearest-rank percentile of sorted numbers; None where there are none."""
    rank = -(-percent * len(ordered) // 100)  # rounded up
    return ordered[max(rank, 1) - 1] if ordered else None


def rate(now: int, before: int, seconds: float) -> float:
    """Events a second between two readings of a counter."""
    return round((now - before) / seconds, 1) if seconds > 0 else 0.0


def by_name(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return counts in a stable order."""
    return dict(sorted(counts))
