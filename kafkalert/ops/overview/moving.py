"""A switch as it is seen from outside while it goes on: by the control log and heartbeats alone, whoever ordered it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kafkalert.bus.control.event import Event
from kafkalert.bus.control.state import View
from kafkalert.ops.failover.status.heartbeats import PREPARED, RUNNING, HeartbeatRecord

AFTER_SECONDS: Final = 30.0
"""For so long a switch that is over is still shown."""
_BEFORE_MS: Final = 2000
_AHEAD_MS: Final = 60_000
_MOST: Final = 10_000


class Doing(StrEnum):
    """What an instance does at a moment of a switch."""

    WORKS = "works"
    STANDS_STILL = "stands still"
    JOINS = "joins"


@dataclass(frozen=True, slots=True)
class Track:
    """One instance on its way: what it did from which moment (ms) on. `paused`: seconds without work, or None."""

    stage: str
    instance: str
    host: str
    told: tuple[tuple[int, Doing], ...]
    paused: float | None


@dataclass(frozen=True, slots=True)
class Moving:
    """One switch, times in ms. `outcome`: COMMIT or ABORT; while it is under way empty, and `ended` None."""

    source: str
    target: str
    mode: str
    by: str
    reason: str
    began: int
    ended: int | None
    outcome: str
    tracks: tuple[Track, ...]


class Course:
    """Remembers what instances told since the last switch began. Not for several threads at a time."""

    def __init__(self) -> None:
        self._beats: dict[str, dict[int, HeartbeatRecord]] = defaultdict(dict)
        self._count = 0

    def add(self, beat: HeartbeatRecord, now_ms: int) -> None:
        """Take a beat; one that came already changes nothing."""
        oldest = now_ms - round(AFTER_SECONDS * 2000)
        is_new = beat.time not in self._beats.get(beat.instance, {})
        if is_new and oldest < beat.time < now_ms + _AHEAD_MS and self._count < _MOST:
            self._beats[beat.instance][beat.time] = beat.brief()
            self._count += 1
        if self._count >= _MOST // 2:
            self._forget(oldest)

    def moving(self, view: View, now_ms: int) -> Moving | None:
        """Return the switch that is under way by the control logs, or that ended lately; None if there is none."""
        if view.pending is not None:
            return self._seen(view.pending, None)
        if not view.history or now_ms - view.history[-1].at > AFTER_SECONDS * 1000:
            return None
        last = view.history[-1]
        begin = next((event for event in view.history if event.id == last.id), last)
        return self._seen(begin, last)

    def _seen(self, begin: Event, end: Event | None) -> Moving:
        ended = None if end is None else end.at
        tracks = [self._track(begin, sorted(beats.items())) for beats in self._beats.values()]
        return Moving(
            begin.source,
            begin.target,
            begin.mode,
            begin.by,
            begin.reason,
            begin.at,
            ended,
            "" if end is None else end.event,
            tuple(sorted(filter(None, tracks), key=lambda track: (track.stage, track.instance))),
        )

    def _track(self, begin: Event, beats: Sequence[tuple[int, HeartbeatRecord]]) -> Track | None:
        seen = [(at, beat) for at, beat in beats if at >= begin.at - _BEFORE_MS]
        if not seen:
            return None
        told: list[tuple[int, Doing]] = []
        for at, beat in seen:
            doing = _doing(beat)
            if not told or told[-1][1] is not doing:
                told.append((at, doing))
        last = seen[-1][1]
        stood = next((at for at, doing in told if doing is not Doing.WORKS), None)
        again = next((at for at, doing in told if stood is not None and at > stood and doing is Doing.WORKS), None)
        paused = None if stood is None or again is None else (again - stood) / 1000
        return Track(last.stage, last.instance, last.host, tuple(told), paused)

    def _forget(self, oldest: int) -> None:
        for beats in self._beats.values():
            for at in [at for at in beats if at < oldest]:
                del beats[at]
        for instance in [instance for instance, beats in self._beats.items() if not beats]:
            del self._beats[instance]
        self._count = sum(map(len, self._beats.values()))


def _doing(beat: HeartbeatRecord) -> Doing:
    if beat.state == RUNNING and not beat.attempt:
        return Doing.WORKS
    return Doing.STANDS_STILL if beat.attempt or beat.state == PREPARED else Doing.JOINS
