"""A context at a glance, as `kafkalert status` tells it: what is not known now is None, never what it was."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from kafkalert.config.sections import Settings
from kafkalert.config.stages import installed, readers
from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.findings import state_grade
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import (
    ClusterSeen,
    Finding,
    GroupLag,
    Instance,
    PendingSwitch,
    Survey,
    Verdict,
)
from kafkalert.ops.failover.status.survey import look
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.mirror.status import FlowStatus
from kafkalert.ops.overview.verdict import Level, Trend, verdict
from kafkalert.ops.wording import harmless

VERSION: Final = 1
_IN_PART: Final = "not all was read"


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    """One instance of a stage; what it said of itself is None where it is not of now.

    `waiting`: records that it has yet to process, None also of a source; `entries`: those that it has, since its
    start; `dead_letters`: since then, by reason. `p50_ms`, `p99_ms`: None also where there was no alert in its last
    second. `heard_seconds_ago`: None where no heartbeat of it arrived. `unheard`: clusters that answer, but on which it
    is not heard. `stranger`: no stage of its name is installed here.
    """

    stage: str
    instance: str
    host: str
    presence: Presence
    state: str | None
    cluster: str
    epoch: int
    waiting: int | None
    entries_per_second: float | None
    alerts_per_second: float | None
    p50_ms: int | None
    p99_ms: int | None
    entries: int | None
    dead_letters: Mapping[str, int] | None
    restarts: int | None
    heard_seconds_ago: float | None
    unheard: tuple[str, ...]
    stranger: bool

    @property
    def grade(self) -> Grade:
        """What its state means."""
        return state_grade(self.presence, self.state or "")

    @property
    def known(self) -> bool:
        """Whether what it said is of now."""
        return self.entries is not None


@dataclass(frozen=True, slots=True)
class FlowSeen:
    """A flow of the mirror; what is not known is None. `lag_complete`: False where more may wait."""

    source: str
    target: str
    state: Condition | None
    lag_records: int | None
    lag_seconds: float | None
    lag_complete: bool
    reason: str


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The dead letters of a stage for one reason, since its instances started; `lately`: of the last two minutes."""

    stage: str
    reason: str
    count: int
    lately: int


@dataclass(frozen=True, slots=True)
class Status:
    """A context at a glance. `level` and `sentence` are the verdict; `findings` all that is wrong, the worst first.

    `absent`: the stages of this installation of which there is no instance. Where no cluster answers, or before one
    does, nearly all is None.
    """

    version: int
    context: str
    at: datetime
    level: Level
    sentence: str
    verdict: Verdict | None
    active: str | None = None
    epoch: int | None = None
    pending: PendingSwitch | None = None
    clusters: tuple[ClusterSeen, ...] | None = None
    flows: tuple[FlowSeen, ...] | None = None
    instances: tuple[InstanceStatus, ...] | None = None
    absent: tuple[str, ...] | None = None
    groups: tuple[GroupLag, ...] | None = None
    dead_letters: tuple[DeadLetters, ...] | None = None
    findings: tuple[Finding, ...] = ()


def look_at(settings: Settings) -> Status:
    """Look once, for about a second; three where a cluster is dead. Raises UnreachableError if none answers."""
    return status(look(settings), datetime.now(UTC))


def status(found: Survey, at: datetime, trend: Trend | None = None) -> Status:
    """Return what was found at a time, with the verdict on it."""
    judgement = verdict(found, trend)
    return Status(
        VERSION,
        found.context,
        at,
        judgement.level,
        judgement.sentence,
        found.verdict,
        found.active,
        found.epoch,
        found.pending,
        found.clusters,
        tuple(_flow(one, found) for one in found.flows) or _unknown_flows(found),
        tuple(_instance(one) for one in found.instances),
        _absent(found),
        found.groups,
        _dead_letters(found),
        found.findings,
    )


def _instance(one: Instance) -> InstanceStatus:
    # One that is held fetches nothing, and hears of no end; of what a source has yet to bring nobody knows.
    is_told = one.known and not one.state.startswith("held") and one.stage in readers()
    return InstanceStatus(
        stage=harmless(one.stage),
        instance=harmless(one.instance),
        host=harmless(one.host),
        presence=one.presence,
        state=harmless(one.state) if one.known or one.presence is Presence.STOPPED else None,
        cluster=one.cluster,
        epoch=one.epoch,
        waiting=one.lag if is_told else None,
        entries_per_second=round(one.entries_per_second, 1) if one.known else None,
        alerts_per_second=round(one.alerts_per_second, 1) if one.known else None,
        p50_ms=one.p50_ms if one.known else None,
        p99_ms=one.p99_ms if one.known else None,
        entries=one.entries if one.known else None,
        dead_letters={harmless(reason): count for reason, count in one.dead_letters.items()} if one.known else None,
        restarts=one.restarts if one.known else None,
        heard_seconds_ago=one.since_beat,
        unheard=one.unheard,
        stranger=one.stage not in installed(),
    )


def _flow(one: FlowStatus, found: Survey) -> FlowSeen:
    """Return a flow; where its ends do not answer it may run or not, whatever its worker says."""
    answering = {each.name for each in found.clusters if each.answers}
    is_blind = one.state is Condition.RUNNING and not {one.source, one.target} <= answering
    is_unknown = is_blind or one.state is Condition.UNREACHABLE
    return FlowSeen(
        one.source,
        one.target,
        None if is_unknown else one.state,
        one.lag_records,
        one.lag_seconds,
        one.lag_complete,
        one.reason or (_IN_PART if one.lag_records is not None and not one.lag_complete else one.lag_reason),
    )


def _unknown_flows(found: Survey) -> tuple[FlowSeen, ...]:
    names = [one.name for one in found.clusters]
    ways = [(source, target) for source in names for target in names if source != target]
    return tuple(FlowSeen(source, target, None, None, None, lag_complete=False, reason="") for source, target in ways)


def _absent(found: Survey) -> tuple[str, ...]:
    there = {one.stage for one in found.instances if one.presence is not Presence.STOPPED}
    return tuple(name for name in sorted(installed()) if name not in there)


def _dead_letters(found: Survey) -> tuple[DeadLetters, ...]:
    """Return those of the instances that are known, most first."""
    counts: Counter[tuple[str, str]] = Counter()
    lately: Counter[tuple[str, str]] = Counter()
    for one in found.instances:
        if one.known and one.stage in installed():
            counts.update({(one.stage, reason): count for reason, count in one.dead_letters.items()})
            lately.update({(one.stage, reason): count for reason, count in one.new_dead_letters.items()})
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return tuple(
        DeadLetters(harmless(stage), harmless(reason), count, lately[stage, reason])
        for (stage, reason), count in ordered
        if count
    )
