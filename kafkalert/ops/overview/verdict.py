"""Whether to act, in a sentence: the first thing that every screen and `kafkalert status` say. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.findings import planned_works
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import Finding, Instance, Survey
from kafkalert.ops.wording import counted, harmless

_ALERTING: Final = "alerting"
_LEAST_BACKLOG: Final = 1000
"""Fewer records that wait are the ordinary coming and going."""


class Level(StrEnum):
    """How urgent it is, in words."""

    LOADING = "LOADING"
    ALL_WELL = "ALL WELL"
    LOOK = "LOOK"
    ACT = "ACT"
    SWITCH = "SWITCH"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The level, and the sentence that says why and what to do."""

    level: Level
    sentence: str


@dataclass(frozen=True, slots=True)
class Trend:
    """What only somebody knows who has looked for longer.

    Attributes:
        waiting: records that wait; None where that is not known.
        growth: how many more wait each second; below 0 where they get fewer; None where that is not known.
        dead: records that were refused in the last minute.
        moved_to: where stages were moved to just now; empty if they were not.
        moved_seconds: how long ago.
    """

    waiting: float | None = None
    growth: float | None = None
    dead: int = 0
    moved_to: str = ""
    moved_seconds: float = 0.0


def verdict(found: Survey | None, trend: Trend | None = None) -> Judgement:
    """Judge what was found. The first that holds decides.

    Nothing is known yet; a switch is under way, or just over; no alerts go out; something else is wrong; the backlog
    grows or shrinks; records are refused; something is not known; all is well.
    """
    if found is None:
        return Judgement(Level.LOADING, "Asking ...")
    return next(_judgements(found, trend or Trend()))


def _judgements(found: Survey, trend: Trend) -> Iterator[Judgement]:
    pending = found.pending
    wrong = [finding for finding in found.findings if finding.grade is not Grade.WAITING]
    if pending is not None:
        yield Judgement(
            Level.SWITCH,
            f"{harmless(pending.by)} moves stages from {pending.source} to {pending.target}. Alerts wait meanwhile; "
            "`kafkalert failover cancel` calls it off.",
        )
    stops = [finding for finding in wrong if finding.stops_alerts]
    if trend.moved_to and not stops:
        yield Judgement(Level.SWITCH, f"Stages were moved to {trend.moved_to} {trend.moved_seconds:.0f} s ago.")
    yield from (_of(finding, Level.ACT) for finding in stops)
    yield from (_of(finding, Level.LOOK) for finding in wrong if finding.grade is Grade.BAD)
    yield from _backlog(trend)
    if trend.dead:
        yield Judgement(
            Level.LOOK,
            f"{counted(trend.dead, 'record')} could not be processed in the last minute: `kafkalert dlq list`.",
        )
    yield from (_of(finding, Level.LOOK) for finding in wrong)
    yield Judgement(Level.ALL_WELL, _well(found))


def _of(finding: Finding, level: Level) -> Judgement:
    return Judgement(level, finding.text)


def _backlog(trend: Trend) -> Iterator[Judgement]:
    waiting, growth = trend.waiting, trend.growth
    if waiting is None or growth is None or waiting < _LEAST_BACKLOG:
        return
    wait = f"{waiting:,.0f} records wait"
    if growth > 0:
        yield Judgement(Level.LOOK, f"{wait}, {growth:,.0f} more each second: more come in than are processed.")
    elif growth < 0:
        yield Judgement(
            Level.LOOK, f"{wait}, {-growth:,.0f} fewer each second: none will in {-waiting / growth:,.0f} s."
        )


def _well(found: Survey) -> str:
    """Return what flows, of those that are alive."""
    alerting = [
        instance for instance in found.instances if instance.stage == _ALERTING and instance.presence is Presence.ALIVE
    ]
    entries, alerts = (sum(map(figure, alerting)) for figure in (_entries, _alerts))
    halves = [instance.p50_ms for instance in alerting if instance.p50_ms is not None]
    most = [instance.p99_ms for instance in alerting if instance.p99_ms is not None]
    if not round(entries):
        flows = f"No bookings come in; {counted(len(alerting), 'instance')} of alerting wait{_s(alerting)} for some."
    else:
        within = f", half of them within {max(halves)} ms, 99 of 100 within {max(most)} ms" if halves and most else ""
        flows = f"{entries:,.0f} bookings a second become {alerts:,.0f} alerts{within}."
    return f"{flows} A planned switch would work." if planned_works(found) else flows


def _entries(instance: Instance) -> float:
    return instance.entries_per_second


def _alerts(instance: Instance) -> float:
    return instance.alerts_per_second


def _s(subjects: list[Instance]) -> str:
    return "s" * (len(subjects) == 1)
