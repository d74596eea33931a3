"""The return of a cluster as an operator orders it: look, ask, carry over, let the flow go on.

Usually one flow is stopped: that out of the cluster which returns. Where stages were forced there and back before
anybody reconciled, both are, and each cluster has records that the other one lacks. Then the flow out of the cluster in
use is made whole first, in the same way: what is stranded there is carried to the returning one, and the flow goes on
behind it. As no flow runs meanwhile, there is nothing to catch up with. From there on it is a return like any other.
Each flow that is stopped is treated so, also that of the cluster in use alone.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from kafkalert.bus.connect.flow import Flow, flow_of, topics
from kafkalert.config import names
from kafkalert.config.pipeline import TABLES
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import KafkalertError, OutcomeUnknownError
from kafkalert.ops import topic_admin
from kafkalert.ops.failover.positions.crossed import topics_of
from kafkalert.ops.failover.reconcile.checks import (
    check_control,
    check_runs,
    check_stopped,
    goes_on,
    is_stopped,
)
from kafkalert.ops.failover.reconcile.order import Audience, Order
from kafkalert.ops.failover.reconcile.recording import record
from kafkalert.ops.failover.reconcile.result import VERSION, Outcome, Reconciliation, Stranded, Superseded
from kafkalert.ops.failover.reconcile.tail import Tail
from kafkalert.ops.failover.reconcile.waiting import BEHIND, await_back, await_out, await_rows
from kafkalert.ops.failover.status.watch import Watch
from kafkalert.ops.failover.switch.checks import check_topics
from kafkalert.ops.mirror.status import status
from kafkalert.ops.wording import counted

_SAFE: Final = "Run this again: it finds what is left, and carries nothing twice."


def reconcile(settings: Settings, order: Order, audience: Audience, clock: Clock | None = None) -> Reconciliation:
    """Carry over what was stranded on `order.source`, and let the flow out of it go on behind that.

    The same for the cluster in use, where the flow out of that one is stopped too.

    Raises:
        RefusedError: a check forbids it; or what `audience.approve` raises.
        UnreachableError: a cluster or worker does not answer.
        OutcomeUnknownError: one did not say whether it did what it was told.
        KafkalertError: one refused. In each case what was done is said, and it may be run again.
    """
    time = clock or SystemClock()
    with Watch(settings, time) as watch:
        return _Return(settings, order, audience, watch, time).run()


class _Return:
    def __init__(self, settings: Settings, order: Order, audience: Audience, watch: Watch, clock: Clock) -> None:
        self._settings, self._order, self._audience = settings, order, audience
        self._watch, self._clock = watch, clock
        self._began = clock.monotonic()
        self._tables = frozenset(settings.topic(name) for name in TABLES)

    def run(self) -> Reconciliation:
        settings, old = self._settings, self._order.source
        with self._audience.progress("Checking") as note:
            new = check_control(self._watch, settings, old)
            out, back = flow_of(settings, old), flow_of(settings, new)
            # That of the cluster in use comes first.
            stopped = [flow for flow in (back, out) if is_stopped(settings, flow, note)]
            if not stopped and goes_on(settings, out):
                check_runs(*status(settings, [back], clock=self._clock))
                return self._result(Outcome.NOTHING, new, (), (), ())
            check_topics(topic_admin.plan(settings), settings, new)
            for flow in {back, out} - {*stopped}:
                await_back(settings, flow, self._tables, self._clock, self._order.timeout, note)
        there = topics_of(settings.clusters[old])
        mirrored = [topic for topic in topics(settings) if topic in there]
        with self._audience.progress("Looking for stranded records") as note:
            tails = [Tail(settings, flow, mirrored, self._clock, note) for flow in stopped]
        stranded = [topic for tail in tails for topic in tail.stranded()]
        seen = self._result(Outcome.PLANNED, new, tails, stranded, [row for tail in tails for row in tail.superseded()])
        self._audience.show(seen)
        if self._order.dry_run:
            return seen
        self._audience.approve(_changes(seen, stopped, self._settings.topic(names.ACCOUNTENTRY)))
        for flow in stopped:
            self._check_again(flow)  # the operator may have thought for long
        try:
            done = self._do(tails, out, back)
        except KeyboardInterrupt:
            self._record(tails, complete=False)
            raise
        except KafkalertError as error:
            self._record(tails, complete=False)
            so_far = " and ".join(
                f"{counted(sum(tail.carried.values()), 'record')} from {tail.flow.source} to {tail.flow.target}"
                for tail in tails
            )
            kind = OutcomeUnknownError if isinstance(error, OutcomeUnknownError) else KafkalertError
            raise kind(f"{error} Carried {so_far} so far.", hint=f"{error.hint} {_SAFE}".strip()) from error
        return replace(done, problems=self._record(tails, complete=True))

    def _do(self, tails: Sequence[Tail], out: Flow, back: Flow) -> Reconciliation:
        settings, timeout = self._settings, self._order.timeout
        stopped = {tail.flow for tail in tails}
        stranded: list[Stranded] = []
        superseded: list[Superseded] = []
        for tail in tails:
            tail.look_again()
            seen = tail.stranded()
            superseded += tail.superseded()
            tail.carry(self._audience.progress)
            with self._audience.progress("Making tables equal"):
                other = out if tail.flow == back else back
                catch_up = partial(await_rows, settings, other, tail.tables, self._clock, timeout)
                tail.settle(_nothing if other in stopped else catch_up)
            title = f"Letting the flow go on from {tail.flow.source} to {tail.flow.target}"
            with self._audience.progress(title) as note:
                self._check_again(tail.flow)
                tail.go_on()
                await_out(settings, tail.flow, self._clock, timeout, note, most=BEHIND if tail.flow == back else 0)
            stopped.remove(tail.flow)
            stranded += (replace(topic, carried=tail.carried[topic.topic]) for topic in seen)
        return self._result(Outcome.RECONCILED, back.source, tails, stranded, superseded)

    def _record(self, tails: Sequence[Tail], *, complete: bool) -> tuple[str, ...]:
        carried = {(tail.flow.source, tail.flow.target): sum(tail.carried.values()) for tail in tails}
        source = self._order.source
        return record(self._settings, self._watch, carried, self._clock, source=source, complete=complete)

    def _check_again(self, flow: Flow) -> None:
        check_control(self._watch, self._settings, self._order.source)
        check_stopped(self._settings, flow)

    def _result(
        self,
        outcome: Outcome,
        new: str,
        tails: Sequence[Tail],
        stranded: Sequence[Stranded],
        superseded: Sequence[Superseded],
    ) -> Reconciliation:
        return Reconciliation(
            version=VERSION,
            context=self._settings.context.name,
            outcome=outcome,
            source=self._order.source,
            target=new,
            topics=tuple(stranded),
            superseded=tuple(superseded),
            carry=sum(topic.carry for topic in stranded),
            carried=sum(sum(tail.carried.values()) for tail in tails),
            put=sum(tail.put for tail in tails),
            vanished=sum(tail.vanished for tail in tails),
            seconds=round(self._clock.monotonic() - self._began, 3),
        )


def _nothing() -> None:
    """Wait for nothing: the other flow is stopped."""


def _changes(found: Reconciliation, stopped: Sequence[Flow], entries: str) -> list[str]:
    lines = []
    for flow in stopped:
        topics = [topic for topic in found.topics if topic.source == flow.source]
        lines += [_carry(topic, flow, entries) for topic in topics if topic.carry]
        if count := sum(topic.superseded for topic in topics):
            lines.append(
                f"leave {count:,} rows of {flow.source} behind of which there are later ones, which then lie last on "
                "both clusters"
            )
        lines.append(f"restart the mirror {flow.source} to {flow.target} behind these records")
    return lines


def _carry(stranded: Stranded, flow: Flow, entries: str) -> str:
    """Return what becomes of a topic's stranded records; `entries`: the topic whose records are alerted."""
    if stranded.topic != entries:
        return f"carry {stranded.carry:,} {stranded.kind} of {stranded.topic} from {flow.source} to {flow.target}"
    bookings = counted(stranded.carry, "booking")
    when = f" of {_span(stranded.oldest, stranded.newest)}" if stranded.oldest and stranded.newest else ""
    return f"carry from {flow.source} to {flow.target}: {bookings}{when} {_are(stranded.carry)} alerted now, late"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _span(oldest: datetime, newest: datetime) -> str:
    """From when to when, to the minute: "2026-01-31 04:15 UTC", "2026-01-31 04:15 to 04:17 UTC"."""
    first, last = f"{oldest:%Y-%m-%d %H:%M}", f"{newest:%Y-%m-%d %H:%M}"
    if first == last:
        return f"{first} UTC"
    return f"{first} to {last if oldest.date() != newest.date() else f'{newest:%H:%M}'} UTC"
