"""What flowed in each of the last seconds, by heartbeats: the charts of a screen, full from the first moment on."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kafkalert.model.records import Channel
from kafkalert.ops.failover.status.heartbeats import STOPPED, HeartbeatRecord

SECONDS: Final = 180
"""How far back charts go."""
LATE_SECONDS: Final = 4
"""A beat may come so late; seconds that are older change no more."""
_CHANNELS: Final = frozenset(channel.value for channel in Channel)
_RATE_SECONDS: Final = 10
_ALIVE_SECONDS: Final = 3
MOST_PARTITIONS: Final = 2_000
"""Of so many partitions the past is kept; those of somebody who writes heartbeats of more are left out."""
MOST_INSTANCES: Final = 500
"""The same of instances."""
Numbers = Sequence[float | None]
"""One for each second, the oldest first; None where nobody told anything."""


@dataclass(frozen=True, slots=True)
class Window:
    """The last seconds of all instances together: bookings processed, brought in, and alerts a second; what waits.

    `channels`: alerts a second by channel.
    """

    bookings: Numbers = ()
    brought: Numbers = ()
    alerts: Numbers = ()
    waiting: Numbers = ()
    channels: Mapping[str, Numbers] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartitionSeen:
    """A partition that a stage reads.

    Attributes:
        stage: who reads it.
        partition: "TOPIC/P".
        waiting: records that are not processed; None where nobody reads it, as nobody knows then.
        rate: records processed a second, lately; None where that is not known.
        left: seconds until nothing waits, at the pace of the last seconds; None where it does not shrink.
        history: records that waited in each of the last seconds.
        reader: the host of who reads it; empty where nobody does.
    """

    stage: str
    partition: str
    waiting: int | None
    rate: float | None
    left: float | None
    history: Numbers
    reader: str


@dataclass(frozen=True, slots=True)
class _Told:
    reads: bool
    entries: float
    alerts: float
    waiting: int


@dataclass(frozen=True, slots=True)
class _At:
    second: int
    waiting: int
    position: int | None
    host: str
    stage: str


class Series:
    """Keeps what heartbeats tell, by the second in which they were written. Not for several threads at a time.

    `sources`: stages that bring bookings in; those that they bring are counted apart from those that are processed.
    """

    def __init__(self, sources: Collection[str] = ()) -> None:
        self._sources = sources
        self._told: dict[int, dict[str, _Told]] = defaultdict(dict)
        self._totals: dict[str, tuple[int, Mapping[str, int]]] = {}
        self._rates: dict[int, dict[str, dict[str, float]]] = defaultdict(dict)
        self._partitions: dict[str, dict[int, _At]] = defaultdict(dict)
        self._newest = 0

    def add(self, beat: HeartbeatRecord, now: int) -> None:
        """Take a beat at the second `now`; one that came already, by the other cluster, changes nothing."""
        second = beat.time // 1000
        if not now - SECONDS <= second <= now + LATE_SECONDS or beat.state == STOPPED:
            return
        if second > self._newest:
            self._newest = second
            self._forget(second - SECONDS - LATE_SECONDS)
        if beat.instance not in self._totals and len(self._totals) >= MOST_INSTANCES:
            return
        reads = beat.stage not in self._sources
        self._told[second][beat.instance] = _Told(reads, beat.rates.entries, beat.rates.alerts, beat.lag)
        totals = {name: count for name, count in beat.totals.alerts.items() if name in _CHANNELS}
        before = self._totals.get(beat.instance)
        if before is None or beat.time > before[0]:
            if before is not None and 0 < beat.time - before[0] < 5000:  # noqa: PLR2004 - ms
                span = (beat.time - before[0]) / 1000
                grown = {name: max(0, count - before[1].get(name, 0)) for name, count in totals.items()}
                self._rates[second][beat.instance] = {name: count / span for name, count in grown.items()}
            self._totals[beat.instance] = beat.time, totals
        for name, waiting in beat.lags.items():
            if name in self._partitions or len(self._partitions) < MOST_PARTITIONS:
                end = beat.ends.get(name)
                position = None if end is None else end - waiting
                self._partitions[name][second] = _At(second, waiting, position, beat.host, beat.stage)

    def window(self, now: int) -> Window:
        """Return the charts that end before the second `now`."""
        seconds = range(now - SECONDS, now)
        told = [self._told.get(second) for second in seconds]
        names = sorted({name for rates in self._rates.values() for each in rates.values() for name in each})
        return Window(
            [_sum(each, lambda beat: beat.entries if beat.reads else 0.0) for each in told],
            [_sum(each, lambda beat: 0.0 if beat.reads else beat.entries) for each in told],
            [_sum(each, lambda beat: beat.alerts) for each in told],
            [_sum(each, lambda beat: float(beat.waiting)) for each in told],
            {name: [self._channel(second, name) for second in seconds] for name in names},
        )

    def partitions(self, now: int, width: int = SECONDS) -> list[PartitionSeen]:
        """Return every partition of which somebody told lately, those in which most waits first."""
        found = []
        for name, told in self._partitions.items():
            newest = told[max(told)]
            if now - newest.second > SECONDS:
                continue
            history = [told[second].waiting if second in told else None for second in range(now - width, now)]
            reader = newest.host if now - newest.second <= _ALIVE_SECONDS + 1 else ""
            rate, left = _pace(told, newest) if reader else (None, None)
            waiting = newest.waiting if reader else None
            found.append(PartitionSeen(newest.stage, name, waiting, rate, left, history, reader))
        return sorted(found, key=lambda each: (bool(each.reader), -(each.waiting or 0), each.partition))

    def _channel(self, second: int, name: str) -> float | None:
        rates = self._rates.get(second)
        return None if rates is None else sum(each.get(name, 0.0) for each in rates.values())

    def _forget(self, before: int) -> None:
        every: list[dict[int, Any]] = [self._told, self._rates, *self._partitions.values()]
        for kept in every:
            for second in [second for second in kept if second < before]:
                del kept[second]
        for name in [name for name, told in self._partitions.items() if not told]:
            del self._partitions[name]
        for instance in [instance for instance, (time, _) in self._totals.items() if time // 1000 < before]:
            del self._totals[instance]


def _sum(told: Mapping[str, _Told] | None, figure: Callable[[_Told], float]) -> float | None:
    return None if told is None else sum(map(figure, told.values()))


def _pace(told: Mapping[int, _At], newest: _At) -> tuple[float | None, float | None]:
    """Return records processed a second, and seconds until nothing waits, by the last seconds."""
    earlier = [at for second, at in told.items() if newest.second - _RATE_SECONDS <= second < newest.second]
    if not earlier:
        return None, None
    first = min(earlier, key=lambda at: at.second)
    span = newest.second - first.second
    known = newest.position is not None and first.position is not None
    rate = max(0, newest.position - first.position) / span if known else None  # type: ignore[operator]  # both known
    shrinks = (first.waiting - newest.waiting) / span
    return rate, newest.waiting / shrinks if shrinks > 0 and newest.waiting else None
