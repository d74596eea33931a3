"""Whether a group gets on in a partition: told by how its offset moves, with no threshold for a lag.

A window of observations of one partition is judged, the newest last. How large a lag may be depends on the topic; how a
healthy group moves does not:

- Who has nothing to read is never behind. Where records were deleted before they were read, that is a warning all the
  same.
- Who is back where it was not long ago (REWOUND) reads again what it had read.
- Who has read by now all that was there at some earlier observation keeps up, whatever came since.
- Who does not, and does not move, is STALLED if it goes on committing the same offset, and STOPPED if it commits
  nothing. It has stopped, too, once it has been silent for longer than the time for which it was seen to commit.
- Who does not, and moves, loses ground (WARN) if its lag never fell between two observations, and has grown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from kafkalert.model.grade import Grade

_CADENCE: Final = 3
"""So many commits tell how often a group commits; a pause after fewer says nothing."""


class Verdict(StrEnum):
    """Whether a group gets on; the worst last."""

    OK = "OK"
    WARN = "WARN"
    REWOUND = "REWOUND"
    STALLED = "STALLED"
    STOPPED = "STOPPED"

    @property
    def grade(self) -> Grade:
        """What it means to whoever reads it."""
        return {Verdict.OK: Grade.GOOD, Verdict.WARN: Grade.WAITING}.get(self, Grade.BAD)


SEVERITY: Final[dict[Verdict | None, int]] = {
    one: place for place, one in enumerate((Verdict.OK, Verdict.WARN, None, *list(Verdict)[2:]))
}
"""The order of verdicts, the worst last; one that is not known is worse than a warning."""


class Trend(StrEnum):
    """How a lag changes."""

    GROWING = "growing"
    FALLING = "falling"
    STEADY = "steady"


@dataclass(frozen=True, slots=True)
class Observation:
    """A partition at a moment.

    `time`: seconds that only go forward. `committed`: the group's offset, None where it has none. `start`, `end`: the
    log's, from its first record to behind its last. `stable`: up to where it can be read, less than `end` behind a
    transaction that is open. `commits`: how many commits of the group were counted here up to now, at whatever offset.
    """

    time: float
    committed: int | None
    start: int
    end: int
    stable: int
    commits: int = 0

    @property
    def position(self) -> int:
        """Where the group goes on: not before the first record that is there."""
        return self.start if self.committed is None else max(self.committed, self.start)

    @property
    def behind(self) -> int:
        """How many offsets lie behind its position."""
        return max(0, self.end - self.position)

    @property
    def gone(self) -> int:
        """How many offsets were deleted before the group read what they had."""
        return 0 if self.committed is None else max(0, self.start - self.committed)

    @property
    def is_outside(self) -> bool:
        """Whether the group is behind the end: the log lost its end, or was made anew."""
        return self.committed is not None and self.committed > self.end


@dataclass(frozen=True, slots=True)
class Movement:
    """What a window says; None for what it does not say.

    `rate_in`, `rate_out`: offsets a second that came, and that the group passed. `catch_up`: the seconds until nothing
    waits, if both stay; None also where that is never.
    """

    verdict: Verdict | None
    trend: Trend | None = None
    rate_in: float | None = None
    rate_out: float | None = None
    catch_up: float | None = None


def judge(window: Sequence[Observation], *, waits: bool | None = None) -> Movement:
    """Return what a window says of a partition.

    `waits`: whether a record is there that the group has yet to read; None where nobody knows. Its offset may lie
    before the end although none is, with transaction markers alone between them, or what compaction took.
    """
    last = window[-1]
    waiting = last.behind > 0 if waits is None else waits
    rate_in, rate_out = _rate_in(window), _rate_out(window)
    verdict = _verdict(window) if waiting else Verdict.OK
    if verdict is Verdict.OK and (last.gone or last.is_outside):
        verdict = Verdict.WARN
    if not waiting:
        return Movement(verdict, Trend.STEADY, rate_in, rate_out, 0.0)
    if len(window) == 1:
        return Movement(verdict)
    up_to_date = _keeps_up(window)
    trend = Trend.STEADY if up_to_date else _trend(window)
    catch_up = 0.0 if up_to_date else _catch_up(last.behind, rate_in, rate_out)
    return Movement(verdict, trend, rate_in, rate_out, catch_up)


def _verdict(window: Sequence[Observation]) -> Verdict | None:
    """Return the verdict of a partition in which something waits; None after a single look."""
    first, last = window[0], window[-1]
    if len(window) == 1:
        return None
    if _went_back(window):
        return Verdict.REWOUND
    if last.position >= last.stable == first.stable:
        return Verdict.WARN  # a transaction is open all the time, and what waits lies behind it
    if _keeps_up(window):
        return Verdict.OK
    if first.committed == last.committed:
        return Verdict.STALLED if last.commits > first.commits else Verdict.STOPPED
    return _moving(window)


def _moving(window: Sequence[Observation]) -> Verdict:
    """Return the verdict of a group that has moved, and does not keep up."""
    if _is_silent(window):
        return Verdict.STOPPED
    never_fell = all(after.behind >= before.behind for before, after in pairwise(window))
    return Verdict.WARN if never_fell and window[-1].behind > window[0].behind else Verdict.OK


def _went_back(window: Sequence[Observation]) -> bool:
    """Whether the group was further at an earlier observation than it is now."""
    reached = -1 if window[-1].committed is None else window[-1].committed
    return any(one.committed is not None and one.committed > reached for one in window)


def _keeps_up(window: Sequence[Observation]) -> bool:
    """Whether the group has read all that could be read at an earlier observation."""
    return any(one.stable <= window[-1].position for one in window[:-1])


def _commits(window: Sequence[Observation]) -> list[Observation]:
    """Return the observations at which another commit was seen than before."""
    return [
        after
        for before, after in pairwise(window)
        if after.commits != before.commits or after.committed != before.committed
    ]


def _is_silent(window: Sequence[Observation]) -> bool:
    seen = _commits(window)
    return len(seen) >= _CADENCE and window[-1].time - seen[-1].time > seen[-1].time - seen[0].time


def _trend(window: Sequence[Observation]) -> Trend:
    change = window[-1].behind - window[0].behind
    return Trend.GROWING if change > 0 else Trend.FALLING if change < 0 else Trend.STEADY


def _rate_in(window: Sequence[Observation]) -> float | None:
    """Return what came a second; a log that lost its end counts from there on."""
    seconds = window[-1].time - window[0].time
    came = sum(max(0, after.end - before.end) for before, after in pairwise(window))
    return came / seconds if seconds > 0 else None


def _rate_out(window: Sequence[Observation]) -> float | None:
    """Return what the group passed a second: from its first commit in the window to the last, where there are two."""
    seen, since = _commits(window), window
    if len(seen) > 1 and not _is_silent(window):
        since = window[window.index(seen[0]) : window.index(seen[-1]) + 1]
    seconds = since[-1].time - since[0].time
    passed = sum(
        max(0, after.committed - before.committed)
        for before, after in pairwise(since)
        if after.committed is not None and before.committed is not None
    )
    return passed / seconds if seconds > 0 else None


def _catch_up(behind: int, rate_in: float | None, rate_out: float | None) -> float | None:
    if rate_in is None or rate_out is None or rate_out <= rate_in:
        return None
    return behind / (rate_out - rate_in)
