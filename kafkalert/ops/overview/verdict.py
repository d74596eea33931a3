"""Whether to act, and how, in one sentence: the same for `status`, bare `failover` and the dashboard."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.findings import WORST_FIRST
from kafkalert.ops.failover.status.movement import Trend, moving, working
from kafkalert.ops.failover.status.picture import Finding, Survey
from kafkalert.ops.wording import counted

__all__ = ["Judgement", "Level", "Trend", "verdict"]
JUST_SECONDS: Final = 30.0
"""So long after a switch it is still what matters most."""


class Level(StrEnum):
    """What an operator has to do.

    LOOK: it works, but not as it should, or something is not known. ACT: it does not work, or not for long. SWITCH:
    stages move, or did so just now.
    """

    LOADING = "LOADING"
    ALL_WELL = "ALL WELL"
    LOOK = "LOOK"
    ACT = "ACT"
    SWITCH = "SWITCH"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict: a level, and the sentence that says why and what to do."""

    level: Level
    sentence: str


def verdict(found: Survey | None, trend: Trend | None = None) -> Judgement:
    """Return the verdict on what was found, None as long as that is not known; `trend` is what is known besides.

    A switch that is under way, or just over, comes first; then what is wrong, the worst first. `found` is as `judged`
    has it: its findings decide.
    """
    if found is None:
        return Judgement(Level.LOADING, "Asking the clusters ...")
    if not any(one.answers for one in found.clusters):
        return Judgement(Level.ACT, _nobody(found))
    if found.pending is not None:
        return Judgement(Level.SWITCH, _under_way(found))
    wrong = next(iter(concerns(found, trend)), None)
    if trend is not None and trend.switched_seconds is not None and trend.switched_seconds <= JUST_SECONDS:
        return Judgement(Level.SWITCH, _just_over(trend, wrong))
    if wrong is not None:
        return Judgement(Level.ACT if wrong.grade is Grade.BAD else Level.LOOK, wrong.text)
    return Judgement(Level.ALL_WELL, _well(found))


def concerns(found: Survey, trend: Trend | None = None) -> tuple[Finding, ...]:
    """Return what is wrong or not known, the worst first; what a single look says of movement gives way to `trend`."""
    findings = list(found.findings)
    if trend is not None:
        told = [*moving(found)]
        findings = [one for one in findings if one not in told]
        findings += moving(found, trend)
    wrong = [one for one in findings if one.grade is not Grade.WAITING]
    return tuple(sorted(wrong, key=lambda one: WORST_FIRST.index(one.grade)))


def _nobody(found: Survey) -> str:
    names = [one.name for one in found.clusters]
    who = f"Neither {' nor '.join(names)} answers" if len(names) > 1 else f"{''.join(names)} does not answer"
    return f"{who} from here. Look at your network first."


def _under_way(found: Survey) -> str:
    pending = found.pending
    if pending is None:
        return ""
    away = [f"{one.name} does not answer." for one in found.clusters if not one.answers]
    told = f"{pending.by} moves all stages from {pending.source} to {pending.target}. Alerts wait meanwhile."
    return " ".join([told, *away])


def _just_over(trend: Trend, wrong: Finding | None) -> str:
    moved = f"Stages moved from {trend.source} to {trend.target} {trend.switched_seconds:.0f} s ago."
    return f"{moved} {wrong.text}" if wrong is not None else moved


def _well(found: Survey) -> str:
    """Tell what alerting does now; of several instances by the slowest."""
    return " ".join(_flow(found)) + "  A planned switch would work." * (len(found.clusters) > 1)


def _flow(found: Survey) -> Iterator[str]:
    here = working(found)
    entries = round(sum(one.entries_per_second for one in here))
    alerts = round(sum(one.alerts_per_second for one in here))
    p50 = max((one.p50_ms for one in here if one.p50_ms is not None), default=None)
    p99 = max((one.p99_ms for one in here if one.p99_ms is not None), default=None)
    if not entries and not alerts:
        yield "Alerting waits for bookings; none comes in now."
        return
    become = "becomes" if entries == 1 else "become"
    late = "" if p50 is None or p99 is None else f", half of them within {p50} ms, 99 of 100 within {p99} ms"
    yield f"{counted(entries, 'booking')} a second {become} {counted(alerts, 'alert')}{late}."
