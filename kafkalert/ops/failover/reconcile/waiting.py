"""Waits for the mirror: until the flow that runs has caught up, and until a flow that was stopped has."""

import threading
from collections.abc import Collection
from typing import Final

from kafkalert.bus.connect import Connect
from kafkalert.bus.flow import Flow
from kafkalert.bus.marks import Partition
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock
from kafkalert.errors import KafkalertError, RefusedError
from kafkalert.ops.failover.reconcile.checks import check_runs
from kafkalert.ops.failover.reconcile.order import Note
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

    Raises RefusedError where it does not run, or not within `seconds`.
    """
    give_up = clock.monotonic() + seconds
    while True:
        (found,) = status(settings, [flow], topics=True, seconds=_LOOK_SECONDS, clock=clock)
        check_runs(found)
        if found.state is Condition.RUNNING and _is_near(found, tables):
            return
        count = _number(found)
        note(f"{flow.source} to {flow.target}: {count} to carry")
        if clock.monotonic() > give_up:
            raise RefusedError(
                f"The mirror from {flow.source} to {flow.target} has not caught up within {seconds:g} s: {count} to "
                "carry.",
                hint="Wait, or give it longer by --timeout. `kafkalert mirror status` shows how far it is.",
            )
        threading.Event().wait(_STEP_SECONDS)


def await_rows(settings: Settings, flow: Flow, partitions: Collection[Partition], clock: Clock, seconds: float) -> None:
    """Wait until every row that lies in these partitions now has been carried. Raises KafkalertError."""
    give_up = clock.monotonic() + seconds
    while True:
        confirmed = Connect(settings.clusters[flow.target]).offsets(flow.connector) or {}
        limit = min(give_up, clock.monotonic() + _LOOK_SECONDS)
        lags = measure(settings, flow, list(partitions), confirmed, clock, limit)
        if all(one is not None and one.complete and not one.records for one in lags.values()):
            return
        if clock.monotonic() > give_up:
            raise KafkalertError(
                f"The mirror from {flow.source} to {flow.target} did not carry the tables' rows within {seconds:g} s.",
                hint="See `kafkalert mirror status`; then run this again, which is safe.",
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


def _is_near(found: FlowStatus, tables: Collection[str]) -> bool:
    exact = all(one.records == 0 for one in found.topics if one.topic in tables)
    return exact and found.lag_records is not None and found.lag_records <= BEHIND and found.lag_complete


def _number(found: FlowStatus) -> str:
    return "an unknown number" if found.lag_records is None else f"{found.lag_records:,}"
