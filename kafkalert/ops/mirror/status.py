"""Each flow: whether it runs, and how far it is behind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from kafkalert.bus.connect.client import Connect, Connector
from kafkalert.bus.connect.flow import Flow
from kafkalert.bus.denied import HINT
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import DeniedError, KafkalertError, RefusedError
from kafkalert.model.moment import moment
from kafkalert.ops.failover.positions.asking import at_once
from kafkalert.ops.mirror.carried import carried, carried_if_told
from kafkalert.ops.mirror.condition import TOPIC_SECONDS, Condition, look, mend, partitions
from kafkalert.ops.mirror.expired import Expired, Told, expired
from kafkalert.ops.mirror.lag import Lag, measure

WORKER_SECONDS: Final = 2.5
OFFSET_SECONDS: Final = 1.5
SECONDS: Final = 8.0
"""How long all of it may take; with start-up it stays below the promised 10 s."""


@dataclass(frozen=True, slots=True)
class TopicLag:
    """One topic of a flow, as `Lag` has it."""

    topic: str
    records: int | None
    seconds: float | None
    complete: bool


@dataclass(frozen=True, slots=True)
class FlowStatus:
    """One flow.

    Attributes:
        source, target: names of clusters.
        connector: its name on the Connect workers beside `target`.
        state: how it is.
        reason: why it is so, where there is more to say; of a failed task what its trace says first.
        tasks: how many there are; `running`, how many of them run.
        lag_records: native records of the source that are not on the target yet; None where that is not known.
        lag_seconds: age of the oldest of them.
        lag_complete: False where others may be missing too, as not all was read.
        lag_reason: why the lag is not known, or not in full.
        topics: the same by topic, as far as it was asked for.
        hint: what mends it, where that is known.
        expired: what of a topic was gone on the source before it could cross.
        expired_reason: why that is not known.
        expired_since: from when on it is known, where it is not in full.
        denied: whether the lag is not known for want of a right, which `lag_reason` names.
    """

    source: str
    target: str
    connector: str
    state: Condition
    reason: str
    tasks: int
    running: int
    lag_records: int | None
    lag_seconds: float | None
    lag_complete: bool
    lag_reason: str
    topics: tuple[TopicLag, ...] = ()
    hint: str = ""
    expired: tuple[Expired, ...] = ()
    expired_reason: str = ""
    expired_since: datetime | None = None
    denied: bool = False

    @property
    def known(self) -> bool:
        """Whether worker and clusters answered."""
        return self.state is not Condition.UNREACHABLE and self.lag_records is not None


@dataclass(frozen=True, slots=True)
class _Look:
    """What the worker of a flow says."""

    condition: Condition
    reason: str
    found: Connector | None = None
    hint: str = ""


def status(
    settings: Settings,
    flows: Sequence[Flow],
    *,
    topics: bool = False,
    whole: bool = False,
    most: int | None = None,
    seconds: float = SECONDS,
    clock: Clock | None = None,
) -> list[FlowStatus]:
    """How each of `flows` is, all at once and within about `seconds`; what does not answer is part of the result.

    Args:
        settings: where clusters and workers are.
        flows: as `kafkalert.ops.mirror.selection.chosen` gives them.
        topics: whether the lag is wanted by topic.
        whole: whether all is read that is not confirmed, as `measure` has it; the lag is not known where the worker
            does not tell what is.
        most: how many records are read of a source at most, about, for its lag.
        seconds: how long it may take.
        clock: the time.

    Raises:
        ConfigError: a cluster has no Connect worker.
    """
    time = clock or SystemClock()
    give_up = time.monotonic() + seconds
    for flow in flows:
        Connect(settings.clusters[flow.target])  # wrong configuration is no state of a flow
    asked: dict[tuple[Flow, str], Callable[[], _Look | list[TopicLag] | Told]] = {}
    for flow in flows:
        asked[flow, "look"] = partial(_look, settings, flow)
        asked[flow, "lag"] = partial(_topics, settings, flow, time, give_up, whole=whole, most=most)
        asked[flow, "expired"] = partial(expired, settings, flow, time, give_up)
    told = at_once(asked, seconds)
    return [
        replace(
            _status(flow, _seen(flow, told[flow, "look"]), told[flow, "lag"], topics=topics),
            **_expired(told[flow, "expired"], told[flow, "lag"]),
        )
        for flow in flows
    ]


def check_allowed(found: Sequence[FlowStatus]) -> None:
    """Raise RefusedError where a lag is not known for want of a right."""
    for flow in found:
        if flow.denied:
            what = f"How far {flow.source} -> {flow.target} is behind is not known. {flow.lag_reason}."
            raise RefusedError(what, hint=HINT)


def _look(settings: Settings, flow: Flow) -> _Look:
    condition, reason, found = look(settings, flow, seconds=WORKER_SECONDS)
    return _Look(condition, reason, found, mend(flow, condition, reason))


def _seen(flow: Flow, told: object) -> _Look:
    """Return what a worker says, also where it does not answer, or not so that anything could be learnt."""
    if isinstance(told, _Look):
        return told
    if isinstance(told, KafkalertError):
        return _Look(Condition.UNREACHABLE, str(told).rstrip("."), hint=told.hint)
    if isinstance(told, TimeoutError):
        return _Look(
            Condition.UNREACHABLE, "its worker does not answer", hint=f"Start the worker beside {flow.target}."
        )
    raise told if isinstance(told, Exception) else TypeError(told)


def _topics(
    settings: Settings, flow: Flow, clock: Clock, give_up: float, *, whole: bool, most: int | None
) -> list[TopicLag]:
    """Return the lag of each topic of a flow. Raises KafkalertError where a cluster or worker does not tell."""
    there = partitions(settings, flow.source, seconds=TOPIC_SECONDS)
    asked = [(topic, number) for topic, count in there.items() for number in range(count)]
    # Where that is not told more has to be read; all that the source has, if it were `whole`.
    committed = (carried if whole else carried_if_told)(settings, flow, OFFSET_SECONDS)
    lags = measure(settings, flow, asked, committed, clock, give_up, whole=whole, most=most)
    return [_sum(topic, [lags[topic, number] for number in range(count)]) for topic, count in there.items()]


def _sum(topic: str, parts: Sequence["Lag | TopicLag | None"]) -> TopicLag:
    """Several lags as one; unknown where one of them is."""
    known = [part for part in parts if part is not None and part.records is not None and part.seconds is not None]
    if len(known) < len(parts):
        return TopicLag(topic, None, None, complete=False)
    records, seconds = (
        sum(part.records or 0 for part in known),
        max((part.seconds or 0.0 for part in known), default=0.0),
    )
    return TopicLag(topic, records, seconds, complete=all(part.complete for part in known))


def _expired(found: object, lags: object) -> dict[str, Any]:
    """Where the lag is not known, nobody has to be told that this is not known either."""
    if isinstance(found, Told):
        return {"expired": found.topics} | ({} if found.since is None else {"expired_since": moment(found.since)})
    if not isinstance(found, KafkalertError | TimeoutError):
        raise found if isinstance(found, Exception) else TypeError(found)
    reason = str(found).rstrip(".") or "it could not be read in time"
    return {"expired_reason": reason if isinstance(lags, list) else ""}


def _status(flow: Flow, seen: _Look, lags: object, *, topics: bool) -> FlowStatus:
    reason = ""
    if isinstance(lags, list):
        total = _sum("", lags)
        if total.records is None:
            reason = "the backlog could not be read in time"
        elif not total.complete:
            reason = "the estimate of the backlog is incomplete; this loses no data"
    elif isinstance(lags, KafkalertError | TimeoutError):
        total = TopicLag("", None, None, complete=False)
        reason = str(lags).rstrip(".") or "a cluster does not answer"
    else:
        raise lags if isinstance(lags, Exception) else TypeError(lags)
    tasks = seen.found.tasks if seen.found else ()
    return FlowStatus(
        flow.source,
        flow.target,
        flow.connector,
        seen.condition,
        seen.reason,
        len(tasks),
        sum(task.state == "RUNNING" for task in tasks),
        total.records,
        total.seconds,
        total.complete,
        reason,
        tuple(lags) if topics and isinstance(lags, list) else (),
        seen.hint,
        denied=isinstance(lags, DeniedError),
    )
