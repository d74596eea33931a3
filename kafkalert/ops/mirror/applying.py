"""Brings connectors to what they should be, and waits until they run."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Final

from kafkalert.bus.connect.client import Connect, Connector, WorkerError
from kafkalert.bus.connect.flow import Flow, connector_config
from kafkalert.bus.connect.java import ReferenceOf
from kafkalert.config.sections import Settings
from kafkalert.errors import OutcomeUnknownError, UnreachableError
from kafkalert.ops.mirror.comparing import Comparison, compare
from kafkalert.ops.mirror.condition import Condition, look
from kafkalert.ops.mirror.late_answers import Settling
from kafkalert.ops.mirror.status import status

RUN_SECONDS: Final = 30.0
"""How long connectors may take until they run."""
_STEADY_SECONDS: Final = 2.0
"""How long a connector that was changed has to be seen running: at first its old tasks are."""
_MENDED_SECONDS: Final = 6.0
"""The same for one that had failed, before it is asked whether it has carried all; else it is waited for longer."""
_STEP_SECONDS: Final = 0.1
_UNTOLD: Final = "its worker has not said yet how it is since it was changed"


def survey(settings: Settings, flows: Sequence[Flow], reference_of: ReferenceOf) -> list[Comparison]:
    """How the connectors of `flows` are against how they should be.

    Raises UnreachableError for workers that do not answer, KafkalertError for one that refuses, RefusedError where a
    secret would have to be written out.
    """
    return [_compare(settings, flow, reference_of)[0] for flow in flows]


def apply(
    settings: Settings,
    comparisons: Sequence[Comparison],
    reference_of: ReferenceOf,
    *,
    resume: bool = False,
    seconds: float = RUN_SECONDS,
) -> list[Comparison]:
    """Create and correct connectors, restart what failed, and wait until they run; how they are then.

    What was stopped or paused stays so unless `resume`: a flow out of a cluster that was given up is stopped so that
    it may not push what was stranded there. One that does not run within `seconds` is told by its condition, and one
    of which that is not known yet as starting, with `told` False.

    Raises:
        UnreachableError: a worker does not answer; nothing was changed.
        OutcomeUnknownError: a worker did not say whether it did it.
        KafkalertError: a worker refused.
    """
    ordered: dict[Flow, tuple[list[Callable[[], None]], Settling]] = {}
    for comparison in comparisons:
        connect = Connect(settings.clusters[comparison.flow.target])
        name = comparison.flow.connector
        wanted = connector_config(settings, comparison.flow, reference_of)
        acts: list[Callable[[], None]] = []
        if comparison.differences:
            acts.append(partial(connect.put_config, name, wanted))
        elif comparison.condition is Condition.FAILED:  # a changed connector is restarted anyway
            acts.append(partial(connect.restart, name))
        resumed = comparison.held and resume
        if resumed:
            acts.append(partial(connect.resume, name))
        if acts:
            changed = [difference.key for difference in comparison.differences]
            ordered[comparison.flow] = acts, Settling(connect.status(name), wanted, changed, resumed=resumed)
    for flow, (acts, _) in ordered.items():
        for act in acts:
            _order(act, flow)
    give_up = monotonic() + seconds
    return [
        _settled(
            settings,
            comparison,
            reference_of,
            ordered[comparison.flow][1] if comparison.flow in ordered else None,
            give_up,
        )
        for comparison in comparisons
    ]


def _order(act: Callable[[], None], flow: Flow) -> None:
    try:
        act()
    except UnreachableError as error:
        raise OutcomeUnknownError(
            f"The Connect worker beside {flow.target} did not say whether it changed {flow.connector}.",
            hint="Run `kafkalert mirror apply` again: it shows what is left to do.",
        ) from error


def _settled(
    settings: Settings, before: Comparison, reference_of: ReferenceOf, settling: Settling | None, give_up: float
) -> Comparison:
    """How a connector is once it has been the same for a while, or when time is up; `settling` if it was changed."""
    mended = before.condition is Condition.FAILED
    pause = threading.Event()
    last: tuple[Condition, bool] | None = None
    since = monotonic()
    while True:
        found = _seen(settings, before, reference_of, settling)
        now = monotonic()
        if (found.condition, found.told) != last:
            last, since = (found.condition, found.told), now
        if settling is None and found.condition is not Condition.STARTING:
            return found
        settled = found.told and (found.condition in {Condition.RUNNING, Condition.FAILED} or found.held)
        if now >= give_up:
            return found
        long = mended and found.condition is Condition.RUNNING
        if settled and now - since >= (_MENDED_SECONDS if long else _STEADY_SECONDS):
            if not (long and _is_behind(settings, before.flow)):
                return found
            since = now
        pause.wait(_STEP_SECONDS)


def _is_behind(settings: Settings, flow: Flow) -> bool:
    """Whether a flow that had failed is known to have something left to carry, which may make it fail again."""
    (found,) = status(settings, [flow])
    return bool(found.lag_records)


def _seen(settings: Settings, before: Comparison, reference_of: ReferenceOf, settling: Settling | None) -> Comparison:
    """How a connector is now; as starting where its worker tells only how it was before it was changed."""
    connect = Connect(settings.clusters[before.flow.target])
    try:
        tasks = connect.tasks(before.flow.connector)
        seen, found = _compare(settings, before.flow, reference_of)
    except (UnreachableError, WorkerError) as error:
        reason = str(error).rstrip(".")
        return Comparison(before.flow, Condition.UNREACHABLE, reason, differences=(), told=False)
    if settling is None or settling.look(found, tasks, seen):
        return seen
    return replace(seen, condition=Condition.STARTING, reason=_UNTOLD, told=False)


def _compare(settings: Settings, flow: Flow, reference_of: ReferenceOf) -> tuple[Comparison, Connector | None]:
    wanted = connector_config(settings, flow, reference_of)
    condition, reason, found = look(settings, flow)
    config = Connect(settings.clusters[flow.target]).config(flow.connector)
    return compare(flow, (condition, reason), config, wanted), found
