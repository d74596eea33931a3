"""Brings connectors to what they should be, and waits until they run."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import Final

from kafkalert.bus.connect import Connect
from kafkalert.bus.flow import Flow, connector_config
from kafkalert.bus.java import ReferenceOf
from kafkalert.config.sections import Settings
from kafkalert.errors import OutcomeUnknownError, UnreachableError
from kafkalert.ops.mirror.comparing import Comparison, compare
from kafkalert.ops.mirror.condition import Condition, look

RUN_SECONDS: Final = 30.0
"""How long connectors may take until they run."""
_STEADY_SECONDS: Final = 2.0
"""How long a connector that was changed has to be seen running: at first its old tasks are."""
_MENDED_SECONDS: Final = 6.0
"""The same for one that had failed: its tasks read and write again before the same cause can stop them again."""
_STEP_SECONDS: Final = 0.2


def survey(settings: Settings, flows: Sequence[Flow], reference_of: ReferenceOf) -> list[Comparison]:
    """How the connectors of `flows` are against how they should be.

    Raises UnreachableError for workers that do not answer, KafkalertError for one that refuses, RefusedError where a
    secret would have to be written out.
    """
    return [_compare(settings, flow, reference_of) for flow in flows]


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
    it may not push what was stranded there. One that does not run within `seconds` is told by its condition.

    Raises:
        OutcomeUnknownError: a worker did not say whether it did it.
        KafkalertError: a worker refused.
    """
    touched = []
    for one in comparisons:
        connect = Connect(settings.clusters[one.flow.target])
        name = one.flow.connector
        acts: list[Callable[[], None]] = []
        if one.differences:
            wanted = connector_config(settings, one.flow, reference_of)
            acts.append(partial(connect.put_config, name, wanted))
        elif one.condition is Condition.FAILED:  # a changed connector is restarted anyway
            acts.append(partial(connect.restart, name))
        if one.held and resume:
            acts.append(partial(connect.resume, name))
        for act in acts:
            _order(act, one.flow)
        if acts:
            touched.append(one.flow)
    give_up = monotonic() + seconds
    return [_settled(settings, one, reference_of, give_up) if one.flow in touched else one for one in comparisons]


def _order(act: Callable[[], None], flow: Flow) -> None:
    try:
        act()
    except UnreachableError as error:
        raise OutcomeUnknownError(
            f"The Connect worker beside {flow.target} did not say whether it changed {flow.connector}.",
            hint="Run `kafkalert mirror apply` again: it shows what is left to do.",
        ) from error


def _settled(settings: Settings, before: Comparison, reference_of: ReferenceOf, give_up: float) -> Comparison:
    """How a connector is once it has been the same for a while, or when time is up."""
    mended = before.condition is Condition.FAILED
    pause = threading.Event()
    last: Condition | None = None
    since = monotonic()
    while True:
        found = _compare(settings, before.flow, reference_of)
        now = monotonic()
        if found.condition is not last:
            last, since = found.condition, now
        settled = found.condition in {Condition.RUNNING, Condition.FAILED} or found.held
        long = mended and found.condition is Condition.RUNNING
        if now >= give_up or (settled and now - since >= (_MENDED_SECONDS if long else _STEADY_SECONDS)):
            return found
        pause.wait(_STEP_SECONDS)


def _compare(settings: Settings, flow: Flow, reference_of: ReferenceOf) -> Comparison:
    wanted = connector_config(settings, flow, reference_of)
    condition, reason, _ = look(settings, flow)
    return compare(flow, (condition, reason), Connect(settings.clusters[flow.target]).config(flow.connector), wanted)
