"""What has to be so before a cluster's return may begin. Each check refuses with what is and what to do."""

from contextlib import suppress
from threading import Event
from time import monotonic
from typing import Final

from kafkalert.bus.connect.client import Connect, WorkerError
from kafkalert.bus.connect.flow import Flow
from kafkalert.config.sections import Settings
from kafkalert.errors import RefusedError, UnreachableError
from kafkalert.ops.failover.reconcile.order import Note
from kafkalert.ops.failover.status.watch import Watch
from kafkalert.ops.mirror.condition import Condition, condition_of
from kafkalert.ops.mirror.status import FlowStatus
from kafkalert.ops.wording import harmless

_SETTLED: Final = frozenset({Condition.STOPPED, Condition.RUNNING, Condition.PAUSED})
WORKER_SECONDS: Final = 20.0
"""A worker whose cluster was away answers, and knows its connectors, only some time after that cluster does."""
_STEP_SECONDS: Final = 0.2


def check_control(watch: Watch, settings: Settings, old: str) -> str:
    """Check that both clusters answer, stages are elsewhere and nobody switches; return which cluster is in use.

    Raises RefusedError.
    """
    watch.await_control(settings.context.clusters)
    reachable = watch.control.reachable()
    for name in settings.context.clusters:
        if name not in reachable:
            raise RefusedError(
                f"Cluster {name} does not answer, or does not let its control log be read.",
                hint=f"Start {name} first; nothing was changed.",
            )
    view = watch.control.view()
    if view.active == old:
        raise RefusedError(
            f"Stages run on {old}, since epoch {view.epoch}: it is in use, and not the one that returns.",
            hint="`kafkalert failover` shows where each runs. --from names the other cluster, also where records are "
            "stranded on both.",
        )
    if view.pending is not None:
        raise RefusedError(
            f"A switch from {view.pending.source} to {view.pending.target} is under way: {harmless(view.pending.by)}.",
            hint="Wait for its end, or call it off with `kafkalert failover cancel`.",
        )
    return view.active


def is_stopped(settings: Settings, flow: Flow, note: Note) -> bool:
    """Whether a flow is known to be stopped, as a forced switch does it; `note` is told where that is waited for."""
    with suppress(UnreachableError, WorkerError):
        return _settled(settings, flow, note)[0] is Condition.STOPPED
    return False


def goes_on(settings: Settings, flow: Flow) -> bool:
    """Whether a flow runs, so that nothing is stranded; False where it is stopped. Raises RefusedError otherwise."""
    condition, reason = _settled(settings, flow)
    if condition in {Condition.RUNNING, Condition.STOPPED}:
        return condition is Condition.RUNNING
    what = f"The mirror from {flow.source} to {flow.target} is {condition}{f' ({reason})' if reason else ''}"
    if condition is Condition.STARTING:
        raise RefusedError(
            f"{what}: whether it goes on by itself, or was stopped, is not known yet.",
            hint="`kafkalert mirror status` shows it. Run this again then.",
        )
    raise RefusedError(
        f"{what}, not stopped; from where it would go on cannot be changed.",
        hint=f"Stop its connector {flow.connector} beside {flow.target}, then run this again.",
    )


def check_stopped(settings: Settings, flow: Flow) -> None:
    """Check that a flow that was stopped still is, and so stays where it is. Raises RefusedError."""
    if goes_on(settings, flow):
        raise RefusedError(
            f"The mirror from {flow.source} to {flow.target} is running: somebody has let it go on.",
            hint="What was written there crosses by itself; `kafkalert mirror status` shows how far it is.",
        )


def check_runs(found: FlowStatus) -> None:
    """Check that a flow runs, or is about to. Raises RefusedError."""
    if found.state not in {Condition.RUNNING, Condition.STARTING}:
        raise RefusedError(
            f"The mirror from {found.source} to {found.target} is not running: {found.state}"
            f"{f' ({found.reason})' if found.reason else ''}.",
            hint="`kafkalert mirror apply --resume` lets it go on. If that is refused, stop its connector "
            f"{found.connector} beside {found.target}; either way, run this again then."
            if found.state is Condition.PAUSED
            else "Run this again: it then looks for what is stranded there too."
            if found.state is Condition.STOPPED
            else "`kafkalert mirror apply` mends it; it has to catch up first.",
        )


def _settled(settings: Settings, flow: Flow, note: Note = lambda _: None) -> tuple[Condition, str]:
    """How a flow is, once its workers know: while they share out their work anew they tell of no state, or refuse."""
    give_up = monotonic() + WORKER_SECONDS
    while True:
        try:
            found = _condition(settings, flow)
            if found[0] in _SETTLED or monotonic() > give_up:
                return found
        except (UnreachableError, WorkerError):
            if monotonic() > give_up:
                raise
        note(f"waiting for the worker beside {flow.target} to tell of {flow.source} to {flow.target}")
        Event().wait(_STEP_SECONDS)


def _condition(settings: Settings, flow: Flow) -> tuple[Condition, str]:
    return condition_of(Connect(settings.clusters[flow.target]).status(flow.connector))
