"""Waits for the mirror: until the flow that runs has caught up, and until a flow that was stopped has."""

import threading
from collections.abc import Collection
from typing import Final

from kafkalert.bus.connect.flow import Flow
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock
from kafkalert.errors import KafkalertError, RefusedError
from kafkalert.ops.failover.reconcile.checks import WORKER_SECONDS, check_runs
from kafkalert.ops.failover.reconcile.order import Note
from kafkalert.ops.mirror.carried import carried
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.mirror.lag import measure
from kafkalert.ops.mirror.status import FlowStatus, status

BEHIND: Final = 1_000
"""So many records are on their way at any time where much is written: such a flow counts as one that has caught up."""
_LOOK_SECONDS: Final = 5.0
_STEP_SECONDS: Final = 0.3


def await_back(
    settings: Settings, flow: Flow, tables: Collection[str], clock: Clock, seconds: float, note: Note
) -> None:
    """Wait until the flow that runs has carried what was written meanwhile, tables to the last row.

    The newest records are enough to see that much is missing, but not always that nothing is: what came from the
    target is dropped by the flow, so never confirmed, and may be any number. Then all of it is read, in the time that
    is left.

    Raises RefusedError where it does not run, or not within `seconds`, or where that cannot be read within them.
    """
    give_up = clock.monotonic() + seconds
    while True:
        (found,) = status(settings, [flow], topics=True, seconds=_LOOK_SECONDS, clock=clock)
        check_runs(found)
        if _is_near(found, tables) and not found.lag_complete:
            note(f"{flow.source} to {flow.target}: reading what it has not confirmed")
            left = _left(clock, give_up)
            (found,) = status(settings, [flow], topics=True, whole=True, seconds=left, clock=clock)
            check_runs(found)
        is_near = _is_near(found, tables)
        if found.state is Condition.RUNNING and is_near and found.lag_complete:
            return
        count = _number(found)
        note(f"{flow.source} to {flow.target}: {count} to carry")
        if clock.monotonic() > give_up:
            if is_near and not found.lag_complete:
                raise RefusedError(
                    f"It could not be read within {seconds:g} s how far the mirror from {flow.source} to "
                    f"{flow.target} is: {found.lag_reason}.",
                    hint="Give it longer by --timeout: all has to be read that the flow has not confirmed, also what "
                    f"came from {flow.target}.",
                )
            raise RefusedError(
                f"The mirror from {flow.source} to {flow.target} has not caught up within {seconds:g} s: {count} to "
                "carry.",
                hint="Wait, or give it longer by --timeout. `kafkalert mirror status` shows how far it is.",
            )
        threading.Event().wait(_STEP_SECONDS)


def await_rows(settings: Settings, flow: Flow, partitions: Collection[Partition], clock: Clock, seconds: float) -> None:
    """Wait until every row that lies in these partitions now has been carried. Raises KafkalertError.

    Each look reads all that is not confirmed, as in `await_back`, which has seen that the flow is not far behind.
    """
    give_up = clock.monotonic() + seconds
    while True:
        confirmed = carried(settings, flow, WORKER_SECONDS)
        limit = clock.monotonic() + _left(clock, give_up)
        lags = measure(settings, flow, list(partitions), confirmed, clock, limit, whole=True)
        known = [lag for lag in lags.values() if lag is not None and lag.complete]
        if len(known) == len(lags) and not any(lag.records for lag in known):
            return
        if clock.monotonic() > give_up:
            raise KafkalertError(
                f"The mirror from {flow.source} to {flow.target} did not carry the tables' rows within {seconds:g} s."
                if any(lag.records for lag in known)
                else f"It could not be read within {seconds:g} s whether the mirror from {flow.source} to "
                f"{flow.target} has carried the tables' rows.",
                hint="Give it longer by --timeout; `kafkalert mirror status` shows whether the flow runs.",
            )
        threading.Event().wait(_STEP_SECONDS)


def await_out(settings: Settings, flow: Flow, clock: Clock, seconds: float, note: Note, *, most: int = 0) -> None:
    """Wait until a resumed flow runs and at most `most` records wait for it. Raises KafkalertError after `seconds`."""
    give_up = clock.monotonic() + seconds
    while True:
        (found,) = status(settings, [flow], seconds=_LOOK_SECONDS, clock=clock)
        if found.state is Condition.RUNNING and found.lag_records is not None and found.lag_records <= most:
            return
        note(f"{flow.source} to {flow.target}: {found.state}, {_number(found)} to carry")
        if clock.monotonic() > give_up or found.state is Condition.FAILED:
            why = found.reason or found.lag_reason
            raise KafkalertError(
                f"All of {flow.source} was carried and {flow.connector} was told to go on, but it is {found.state} "
                f"with {_number(found)} to carry{f': {why}' if why else ''}.",
                hint="`kafkalert mirror status` tells more, `kafkalert mirror apply` mends it.",
            )
        threading.Event().wait(_STEP_SECONDS)


def _left(clock: Clock, give_up: float) -> float:
    """Seconds for a look that takes all the time that is left; the last one too has enough to tell something."""
    return max(_LOOK_SECONDS, give_up - clock.monotonic())


def _is_near(found: FlowStatus, tables: Collection[str]) -> bool:
    """Whether no more is missing than may be, as far as it was read."""
    exact = not any(topic.records for topic in found.topics if topic.topic in tables)
    return exact and sum(topic.records or 0 for topic in found.topics) <= BEHIND


def _number(found: FlowStatus) -> str:
    return "an unknown number" if found.lag_records is None else f"{found.lag_records:,}"
