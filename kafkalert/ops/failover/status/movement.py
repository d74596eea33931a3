"""What grows or shrinks: bookings that wait for alerting, and dead letters."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from kafkalert.config.stages import installed
from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.heartbeats import RUNNING
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import Finding, Instance, Survey
from kafkalert.ops.wording import counted, harmless, lasting

ALERTING: Final = "alerting"
LEAST_WAITING: Final = 100
"""So many bookings may wait at any moment, without anything being late."""
LATE_SECONDS: Final = 5.0
"""What waits for no longer than that, at the present rate, is as usual."""
_LONG_SECONDS: Final = 60.0
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Trend:
    """How things move, as far as whoever watches them knows; None where he does not.

    `backlog_per_second`: how many bookings more wait each second, less where it is negative. `dead_letters`: those that
    came lately, by reason. `switched_seconds`: since the last COMMIT, which moved stages from `source` to `target`.
    """

    backlog_per_second: float | None = None
    dead_letters: Mapping[str, int] | None = None
    switched_seconds: float | None = None
    source: str = ""
    target: str = ""


def working(found: Survey) -> list[Instance]:
    """Return the instances of alerting that send alerts: what they say is of now."""
    return [
        one
        for one in found.instances
        if (one.stage, one.state, one.cluster) == (ALERTING, RUNNING, found.active)
        and one.presence is Presence.ALIVE
        and one.known
    ]


def moving(found: Survey, trend: Trend | None = None) -> Iterator[Finding]:
    """Yield what should move otherwise; without a `trend`, as far as a single look tells."""
    yield from _backlog(found, None if trend is None else trend.backlog_per_second)
    yield from _dead_letters(found, None if trend is None else trend.dead_letters)


def _backlog(found: Survey, growth: float | None) -> Iterator[Finding]:
    here = working(found)
    waiting, rate = sum(one.lag for one in here), sum(one.entries_per_second for one in here)
    if waiting < LEAST_WAITING or waiting < rate * LATE_SECONDS:
        return
    what = f"{counted(waiting, 'booking')} wait{'s' * (waiting == 1)}"
    if growth is None:
        work = f", which is work for {lasting(waiting / rate)} at the present rate" if rate >= 1 else ""
        yield Finding(Grade.DOUBTFUL, f"{what} for alerting{work}.")
    elif growth >= 1:
        is_long = waiting > rate * _LONG_SECONDS
        yield Finding(
            Grade.BAD if is_long else Grade.DOUBTFUL,
            f"{what}, and each second there are {growth:,.0f} more: alerting does not keep up. Start another instance: "
            "`kafkalert run alerting`.",
        )
    elif growth <= -1:
        yield Finding(Grade.DOUBTFUL, f"{what}. Alerting catches up in about {lasting(waiting / -growth)}.")
    else:
        yield Finding(Grade.DOUBTFUL, f"{what}, and they do not get fewer.")


def _dead_letters(found: Survey, lately: Mapping[str, int] | None) -> Iterator[Finding]:
    if lately is None:
        own = (one for one in found.instances if one.stage in installed())  # anybody may write a heartbeat
        lately = sum((Counter(one.new_dead_letters) for one in own), Counter())
    count = sum(lately.values())
    if count < 1:
        return
    ordered = sorted(lately.items(), key=lambda one: (-one[1], one[0]))
    reasons = [f"{number:,} {harmless(reason)}" for reason, number in ordered[:_NAMED] if number > 0]
    more = f", and {len(ordered) - _NAMED} other reasons" if len(ordered) > _NAMED else ""
    became = "became a dead letter" if count == 1 else "became dead letters"
    yield Finding(
        Grade.DOUBTFUL,
        f"{counted(count, 'record')} {became} lately: {', '.join(reasons)}{more}. No alert comes of what is put away.",
    )
