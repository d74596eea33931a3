"""What became of the canaries of a drill, and whether that is well. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from kafkalert.engine.observe.metrics import percentile
from kafkalert.model.ids import AlertId
from kafkalert.ops.failover.result import Outcome

OK: Final = "OK"
NOT_OK: Final = "NOT OK"


@dataclass(frozen=True, slots=True)
class Sent:
    """A canary that was handed to a producer: when, in seconds of one clock, and on which leg (from 1; 0 before)."""

    alert: AlertId
    leg: int
    at: float


@dataclass(frozen=True, slots=True)
class Sight:
    """An alert as it came in from one cluster: whether it was written there, and when, by the clock of `Sent`."""

    cluster: str
    native: bool
    at: float


@dataclass(frozen=True, slots=True)
class Counted:
    """The canaries of a leg.

    `sent`: those that a cluster acknowledged. `unanswered`: of which none said whether it took them; they are not
    missed. `seen`: alerts that were written at least once; `lost`: that were not; `repeated`: more than once.
    `one_sided`: that did not come to the other cluster. `p50_ms`, `max_ms`: from a canary to its alert, as seen from
    here. `gap_seconds`: the longest without an alert.
    """

    sent: int
    unanswered: int
    seen: int
    lost: int
    repeated: int
    one_sided: int
    p50_ms: int | None
    max_ms: int | None
    gap_seconds: float | None

    def problems(self) -> list[str]:
        """Return what is wrong with it, in words."""
        told = (
            (self.lost, "lost: acknowledged, and no alert was written"),
            (self.repeated, "repeated: their alerts were written more than once"),
            (self.one_sided, "on one cluster alone: the mirror did not carry their alerts in time"),
        )
        found = [f"{count} of {self.sent} canaries were {words}." for count, words in told if count]
        return found if self.sent else ["No canary was acknowledged, so nothing is proven."]


@dataclass(frozen=True, slots=True)
class Leg:
    """One switch of a drill, and the canaries around it. `problem` is empty where the switch itself went well.

    `pause`: seconds until every instance ran again, by their heartbeats.
    """

    source: str
    target: str
    outcome: Outcome
    epoch: int | None
    seconds: float
    pause: float | None
    steps: Mapping[str, float]
    canaries: Counted
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A drill, ended. `active` is where stages run now, `home` where they ran before."""

    version: int
    context: str
    drill: str
    verdict: str
    home: str
    active: str
    legs: tuple[Leg, ...]
    seconds: float
    problems: tuple[str, ...]
    unknown: bool = False
    interrupted: bool = False


def count(
    sent: Sequence[Sent], answered: Mapping[AlertId, bool], sights: Mapping[AlertId, Collection[Sight]]
) -> Counted:
    """Return what became of these canaries.

    `answered` is whether a cluster took each, and lacks those without an answer.
    """
    taken = [canary for canary in sent if answered.get(canary.alert)]
    written = {canary.alert: [each for each in sights.get(canary.alert, ()) if each.native] for canary in sent}
    latencies, arrivals = [], []
    one_sided = 0
    for canary in sent:
        if written[canary.alert]:
            first = min(written[canary.alert], key=lambda each: each.at)
            latencies.append(round((first.at - canary.at) * 1000))
            arrivals.append(first.at)
            one_sided += len({each.cluster for each in sights[canary.alert]}) == 1
    latencies.sort()
    gaps = [later - before for before, later in pairwise(sorted(arrivals))]
    return Counted(
        sent=len(taken),
        unanswered=sum(canary.alert not in answered for canary in sent),
        seen=sum(bool(written[canary.alert]) for canary in taken),
        lost=sum(not written[canary.alert] for canary in taken),
        repeated=sum(len(each) > 1 for each in written.values()),
        one_sided=one_sided,
        p50_ms=percentile(latencies, 50),
        max_ms=latencies[-1] if latencies else None,
        gap_seconds=round(max(gaps), 3) if gaps else None,
    )


def problems_of(legs: Sequence[Leg], home: str, active: str) -> list[str]:
    """Everything that keeps a drill from being OK, in sentences."""
    found = []
    for leg in legs:
        problems = [leg.problem] if leg.problem else []
        found += [f"{leg.source} to {leg.target}: {each}" for each in [*problems, *leg.canaries.problems()]]
    if not legs:
        found.append("Nothing was switched.")
    if active != home:
        found.append(f"Stages run on {active} now, not on {home}: go back with `kafkalert failover --to {home}`.")
    return found
