"""The return of a cluster as an operator orders it: look, ask, carry over, let the flow go on."""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from confluent_kafka import Message

from kafkalert.bus.connect import Connect
from kafkalert.bus.flow import Flow, topics
from kafkalert.bus.marks import Partition, mark
from kafkalert.config import names
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import KafkalertError, OutcomeUnknownError, UnreachableError
from kafkalert.ops import topic_admin
from kafkalert.ops.failover.checks import check_topics
from kafkalert.ops.failover.evidence import topics_of
from kafkalert.ops.failover.reconcile.carrying import Carrier
from kafkalert.ops.failover.reconcile.checks import check_control, check_stopped, flow_of
from kafkalert.ops.failover.reconcile.order import Audience, Order
from kafkalert.ops.failover.reconcile.result import VERSION, Outcome, Reconciliation, Stranded, Superseded
from kafkalert.ops.failover.reconcile.settling import Settling
from kafkalert.ops.failover.reconcile.stranded import Found, Search
from kafkalert.ops.failover.reconcile.waiting import await_back, await_out, await_rows
from kafkalert.ops.failover.watch import Watch
from kafkalert.ops.wording import counted

LISTED: Final = 20
"""Superseded rows that are listed."""
TABLES: Final = (names.ACCOUNTTOCUSTOMERIDS, names.CUSTOMERALERTSETTINGS)
_LAST: Final = (names.CUSTOMERACCOUNTENTRY, names.ACCOUNTENTRY)
_SAFE: Final = "Run this again: it finds what is left, and carries nothing twice."


def reconcile(settings: Settings, order: Order, audience: Audience, clock: Clock | None = None) -> Reconciliation:
    """Carry over what was stranded on `order.source`, and let the flow out of it go on behind that.

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
        self._carried: Counter[str] = Counter()
        self._vanished = 0

    def run(self) -> Reconciliation:
        settings, old = self._settings, self._order.source
        with self._audience.progress("Checking") as note:
            new = check_control(self._watch, settings, old)
            out, back = flow_of(settings, old), flow_of(settings, new)
            check_stopped(settings, out)
            check_topics(topic_admin.plan(settings), settings, new)
            await_back(settings, back, self._tables, self._clock, self._order.timeout, note)
        there = topics_of(settings.clusters[old])
        mirrored = [topic for topic in topics(settings) if topic in there]
        search = Search(settings.clusters[old], settings.clusters[new], mirrored, self._tables, self._clock)
        confirmed = Connect(settings.clusters[new]).offsets(out.connector) or {}
        with self._audience.progress("Looking for stranded records") as note:
            found = search.find(confirmed, note)
        seen = self._result(found, new)
        self._audience.show(seen)
        if self._order.dry_run:
            return seen
        self._audience.approve(_changes(seen, out))
        check_control(self._watch, settings, old)  # the operator may have thought for long
        check_stopped(settings, out)
        try:
            return self._do(search, found, confirmed, (out, back))
        except KafkalertError as error:
            so_far = f"Carried {counted(sum(self._carried.values()), 'record')} from {old} to {new} so far."
            kind = OutcomeUnknownError if isinstance(error, OutcomeUnknownError) else KafkalertError
            raise kind(f"{error} {so_far}", hint=f"{error.hint} {_SAFE}".strip()) from error

    def _do(
        self, search: Search, found: Found, confirmed: Mapping[Partition, int], ways: tuple[Flow, Flow]
    ) -> Reconciliation:
        settings, (out, back) = self._settings, ways
        old, new = settings.clusters[out.source], settings.clusters[out.target]
        search.again(found)
        seen = self._result(found, new.name)
        self._carry(found, new.name)
        with self._audience.progress("Making tables equal"):
            catch_up = partial(await_rows, settings, back, found.tables, self._clock, self._order.timeout)
            put = Settling(search, old, new, self._clock, catch_up).run(found)
        with self._audience.progress("Letting the flow go on") as note:
            self._go_on(out, found, confirmed)
            await_out(settings, out, self._clock, self._order.timeout, note)
        return replace(
            seen,
            outcome=Outcome.RECONCILED,
            topics=tuple(replace(one, carried=self._carried[one.topic]) for one in seen.topics),
            carried=sum(self._carried.values()),
            put=put,
            vanished=self._vanished,
            seconds=self._seconds(),
        )

    def _carry(self, found: Found, new: str) -> None:
        """Carry everything over."""
        clusters, old = self._settings.clusters, self._order.source
        for batch in self._order_of([one[0] for one in found.begin]):
            wanted = {one: found.to_carry(one) for one in found.begin if one[0] in batch}
            if not any(wanted.values()):
                continue

            def done(one: Partition, message: Message) -> None:
                self._carried[one[0]] += 1
                if one in found.records:
                    found.records[one].on_new(mark(message, new))

            with self._audience.progress(f"Carrying {', '.join(batch)}") as note:
                carrier = Carrier(clusters[old], clusters[new], old, self._clock)
                gone = carrier.carry(wanted, done, lambda left, note=note: note(f"{counted(left, 'record')} to go"))  # type: ignore[misc]  # bound now
            found.lose(gone)
            self._vanished += sum(map(len, gone.values()))

    def _order_of(self, there: Sequence[str]) -> list[list[str]]:
        """Topics in the order in which they are carried, some at once.

        Tables before entries, so that each is alerted by the settings that it met; receipts before messages, so that
        no sender sends what was sent; entries last, as they are worked on at once.
        """
        receipts = {self._settings.topic(name) for name in names.RECEIPTS}
        last = {self._settings.topic(name) for name in _LAST}
        rest = {*there} - self._tables - receipts - last
        return [sorted({*there} & group) for group in (self._tables, receipts, rest, last)]

    def _go_on(self, out: Flow, found: Found, confirmed: Mapping[Partition, int]) -> None:
        """Move the flow past all that was looked at, and resume it."""
        check_control(self._watch, self._settings, self._order.source)
        check_stopped(self._settings, out)
        moved: dict[Partition, int | None] = {}
        for one, end in found.end.items():
            at = confirmed.get(one)
            if end == 0 and at is not None:
                moved[one] = None
            elif end > 0 and at != end - 1:
                moved[one] = end - 1
        worker = Connect(self._settings.clusters[out.target])
        try:
            if moved:
                worker.patch_offsets(out.connector, out.source, moved)
            worker.resume(out.connector)
        except UnreachableError as error:
            raise OutcomeUnknownError(
                f"The worker beside {out.target} did not say whether {out.connector} was moved past what was carried, "
                "and goes on.",
                hint="`kafkalert mirror status` shows whether it runs.",
            ) from error

    def _result(self, found: Found, new: str) -> Reconciliation:
        topics_seen = [self._stranded(found, topic) for topic in dict.fromkeys(one[0] for one in found.begin)]
        rows = sorted((one, row) for one, key in found.tracked() for row in key.superseded())
        return Reconciliation(
            version=VERSION,
            context=self._settings.context.name,
            outcome=Outcome.PLANNED,
            source=self._order.source,
            target=new,
            topics=tuple(one for one in topics_seen if one.carry or one.superseded),
            superseded=tuple(
                Superseded(topic, number, row.offset, moment(row.timestamp)) for (topic, number), row in rows[:LISTED]
            ),
            carry=sum(one.carry for one in topics_seen),
            carried=0,
            put=0,
            vanished=0,
            seconds=self._seconds(),
        )

    def _stranded(self, found: Found, topic: str) -> Stranded:
        if topic in self._tables:
            keys = [key for one, keys in found.tables.items() if one[0] == topic for key in keys.values()]
            times = array("q", (row.timestamp for key in keys for row in key.to_carry()))
            superseded = sum(sum(1 for _ in key.superseded()) for key in keys)
        else:
            times = array(
                "q", (time for one, kept in found.records.items() if one[0] == topic for time in kept.times())
            )
            superseded = 0
        oldest, newest = (moment(min(times)), moment(max(times))) if times else (None, None)
        kind = "rows" if topic in self._tables else "records"
        return Stranded(topic, kind, len(times), superseded, oldest, newest)

    def _seconds(self) -> float:
        return round(self._clock.monotonic() - self._began, 3)


def moment(at: int) -> datetime | None:
    """A record's time (ms); None where it has none that a calendar knows."""
    try:
        return datetime.fromtimestamp(at / 1000, UTC) if at >= 0 else None
    except (OverflowError, ValueError, OSError):
        return None


def _changes(found: Reconciliation, out: Flow) -> list[str]:
    lines = [
        f"carry {one.carry:,} {one.kind} of {one.topic} from {found.source} to {found.target}, as they are"
        for one in found.topics
        if one.carry
    ]
    if count := sum(one.superseded for one in found.topics):
        lines.append(f"leave {count:,} rows behind of which there are later ones, which then lie last on both clusters")
    lines.append(f"move {out.connector} past what is on {found.source} now, and let it go on")
    return lines
