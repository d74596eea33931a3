"""Every switch that there was, by the control log."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kafkalert.bus.control.event import Event
from kafkalert.bus.control.state import View
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import SystemClock
from kafkalert.model.moment import moment
from kafkalert.ops.failover.reconcile.recording import DETAIL
from kafkalert.ops.failover.result import VERSION
from kafkalert.ops.failover.status.watch import Watch
from kafkalert.ops.wording import harmless

_OUTCOMES: Final = {"COMMIT": "switched", "ABORT": "aborted"}


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a `failover reconcile` carried from `source` to `target`. `complete`: whether it came to its end."""

    at: datetime | None
    by: str
    source: str
    target: str
    records: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Switch:
    """One attempt. `seconds`: from PREPARE to its outcome.

    `lost`: how many entries at most had not crossed, by the control log; None where nobody knows, or it is under way.
    What `failover reconcile` has carried over since is not taken off; `reconciled` says it, until the next switch.

    `ended_by` and `note`: who called it off, and why.
    """

    version: int
    epoch: int
    id: str
    at: datetime | None
    mode: str
    source: str
    target: str
    outcome: str
    by: str
    reason: str
    seconds: float | None
    lost: int | None
    ended_by: str
    note: str
    reconciled: tuple[Reconciled, ...] = ()


def past(settings: Settings) -> tuple[list[Switch], list[str]]:
    """Every switch of a context, and what could not be read, in sentences. Raises UnreachableError."""
    with Watch(settings, SystemClock()) as watch:
        names = settings.context.clusters
        watch.await_control(names)
        read = watch.control.reachable()
        notes = [f"The control log of {name} could not be read." for name in names if name not in read]
        return switches(watch.control.view(), VERSION, watch.control.remarks()), notes


def switches(view: View, version: int, remarks: Iterable[Event] = ()) -> list[Switch]:
    """Return the attempts of `view`, the oldest first; of each the events that counted, and `remarks` of its epoch."""
    carried: dict[int, list[Reconciled]] = {}
    for event in remarks:
        carried.setdefault(event.epoch, []).extend(_reconciled(event))
    by_epoch: dict[int, list[Event]] = {}
    for event in view.history:
        by_epoch.setdefault(event.epoch, []).append(event)
    return [_switch(events, version, tuple(carried.get(epoch, ()))) for epoch, events in sorted(by_epoch.items())]


def _reconciled(event: Event) -> Iterator[Reconciled]:
    told = event.detail.get(DETAIL)
    for flow in told if isinstance(told, list) else ():
        match flow:
            case {"from": str(source), "to": str(target), "records": count} if (records := _count(count)) is not None:
                complete = event.detail.get("complete") is True
                yield Reconciled(when(event), event.by, source, target, records, complete)


def _switch(events: Sequence[Event], version: int, reconciled: tuple[Reconciled, ...]) -> Switch:
    first, last = events[0], events[-1]
    outcome = _OUTCOMES.get(last.event, "pending")
    return Switch(
        version,
        first.epoch,
        first.id,
        when(first),
        first.mode,
        first.source,
        first.target,
        outcome,
        first.by,
        first.reason,
        _seconds(last.detail.get("seconds"), first, last),
        _lost(first.mode, outcome, last.detail.get("lost")),
        last.by if outcome == "aborted" else "",
        last.reason if outcome == "aborted" else "",
        reconciled,
    )


def _seconds(told: Any, first: Event, last: Event) -> float | None:  # noqa: ANN401 - JSON that anybody may have written
    with suppress(OverflowError):
        if isinstance(told, int | float):
            return round(float(told), 3)
        return None if first is last else round(max(0, last.at - first.at) / 1000, 3)
    return None


def _lost(mode: str, outcome: str, told: Any) -> int | None:  # noqa: ANN401 - as above
    if outcome == "aborted":
        return 0
    if outcome != "switched":
        return None
    if isinstance(told, dict) and told:
        return _count(told.get("records"))
    return 0 if mode == "planned" else None


def _count(told: Any) -> int | None:  # noqa: ANN401 - as above
    """Return a number of records; None where it is none that Kafka could hold."""
    return told if type(told) is int and 0 <= told < 2**63 else None


def when(event: Event) -> datetime | None:
    """Return the time of an event, to the second; None where it is no time."""
    return moment(event.at // 1000 * 1000)


def moved(commit: Event | None) -> str:
    """Who moved stages to where they run, and when, as the end of a sentence; empty where nobody did."""
    if commit is None:
        return ""
    at = when(commit)
    return f": {harmless(commit.by)} moved them to {commit.target}" + (f" at {at:%H:%M:%S} UTC" if at else "")
