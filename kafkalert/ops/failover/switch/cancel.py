"""Calling off the planned switch that is under way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from kafkalert.bus.control.event import Event
from kafkalert.bus.control.log import ControlLog
from kafkalert.bus.control.state import outcome
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import KafkalertError, OutcomeUnknownError, RefusedError, UnreachableError
from kafkalert.ops.failover.result import VERSION
from kafkalert.ops.failover.status.watch import Watch
from kafkalert.ops.failover.switch.order import LONGEST
from kafkalert.ops.wording import harmless

WRITE_SECONDS: Final = 3.0
BACK_SECONDS: Final = 3.0
"""How long an event may take to be read back."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How the attempt ended: `outcome` is COMMIT or ABORT, by `by`; `won` whether it was called off here."""

    version: int
    epoch: int
    id: str
    source: str
    target: str
    outcome: str
    by: str
    won: bool
    sentence: str


def call_off(
    settings: Settings, approve: Callable[[Sequence[str]], None], *, by: str, reason: str, clock: Clock | None = None
) -> Ended:
    """Write ABORT for the attempt that is pending, and tell which outcome was first.

    Raises:
        RefusedError: there is none; or what `approve` raises.
        UnreachableError: a cluster that has to be asked does not answer.
        OutcomeUnknownError: it answers no longer.
    """
    time = clock or SystemClock()
    with Watch(settings, time) as watch:
        watch.await_control(settings.context.clusters)
        pending = watch.control.view().pending
        unread = sorted(set(settings.context.clusters) - watch.control.reachable())
        if pending is None and unread:
            raise UnreachableError(
                f"The control log of {unread[0]} cannot be read, and a switch may be under way there.",
                hint="Instances call it off themselves once its time is over.",
            )
        if pending is None:
            raise RefusedError("No switch is under way.", hint="`kafkalert failover history` shows those that were.")
        if pending.source in unread:
            raise UnreachableError(
                f"{pending.source} does not answer, and its log decides this switch.",
                hint="Instances call it off themselves once its time is over.",
            )
        approve([f"call off the switch from {pending.source} to {pending.target} that {harmless(pending.by)} began"])
        watch.control.write(pending.source, abort_of(pending, by, reason or "cancelled", time), WRITE_SECONDS)
        watch.control.await_event(pending.source, pending.epoch, pending.id, "ABORT", BACK_SECONDS)
        ended = _ended(pending, outcome(watch.control.view(), pending.epoch, pending.id), by)
        if pending.target not in unread:
            copy(watch.control, pending)
        return ended


def abort_of(prepare: Event, by: str, reason: str, clock: Clock) -> Event:
    """Return the ABORT of an attempt."""
    return Event(
        prepare.epoch,
        prepare.id,
        "ABORT",
        "planned",
        prepare.source,
        prepare.target,
        by,
        clock.wall_ms(),
        reason[:LONGEST],
    )


def copy(control: ControlLog, attempt: Event) -> str:
    """Let the target's log know of an attempt and its outcome; what went wrong, as instances do it too.

    So that a forced switch there counts on from its epoch, even where no instance runs.
    """
    for event in control.view().history:
        if (event.epoch, event.id) == (attempt.epoch, attempt.id):
            try:
                control.write(attempt.target, event, WRITE_SECONDS)
            except KafkalertError as error:
                return f"{attempt.target} did not take a copy of the decision: {error}"
    return ""


def _ended(pending: Event, first: Event | None, by: str) -> Ended:
    if first is None:
        raise OutcomeUnknownError(
            f"{pending.source} did not confirm that the switch is called off.",
            hint="`kafkalert failover` tells how it ended, once the cluster answers.",
        )
    won = first.event == "ABORT" and first.by == by
    who = harmless(first.by)
    if first.event == "COMMIT":
        sentence = f"Too late: {who} had committed it; stages run on {first.target}."
    elif won:
        sentence = f"Called off; stages go on on {pending.source}."
    else:
        sentence = f"{who} had called it off already; stages go on on {pending.source}."
    return Ended(
        VERSION, pending.epoch, pending.id, pending.source, pending.target, first.event, first.by, won, sentence
    )
