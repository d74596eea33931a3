"""The whole of `explain`: finds the booking, reads the tables, judges, and compares with what was sent."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from kafkalert.config import names
from kafkalert.config.pipeline import TABLES
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import DecodingError, DeniedError, UnreachableError
from kafkalert.model.ids import CustomerId
from kafkalert.model.moment import moment
from kafkalert.ops.explain.booking import Facts, facts
from kafkalert.ops.explain.explanation import Basis, Explanation, Judgement
from kafkalert.ops.explain.history import History, InForce
from kafkalert.ops.explain.judging import judge
from kafkalert.ops.explain.rows import history
from kafkalert.ops.failover.positions.groups import Groups
from kafkalert.ops.offsets import Position
from kafkalert.ops.trace.look import looking
from kafkalert.ops.trace.path import Hop, path_of
from kafkalert.ops.trace.trail import NotFoundError, Trail, trail
from kafkalert.serde import build

_NEAR_MS: Final = 5_000
"""A row that changed so shortly before a booking was processed may not have been with the machine that processed it."""
_AFTER_MS: Final = 1_000
"""And how far the clocks of two machines may lie apart."""
_STAGE: Final = "alerting"


def explain(
    settings: Settings,
    customer: str,
    what: str,
    *,
    since: Position | None = None,
    until: Position | None = None,
    clock: Clock | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> Explanation:
    """Return why `customer` got an alert of the booking that `what` names, or none.

    The first cluster of the context is the one on which stages run. Raises as `trail`; NotFoundError where an alert is
    there and its booking is not.
    """
    clock = clock or SystemClock()
    found = trail(settings, what, since=since, until=until, clock=clock, note=note)
    if not found.bookings:
        raise NotFoundError(
            "The booking of this alert was not found: its topic no longer holds it.",
            hint="`kafkalert trace` shows what is there of it.",
        )
    return _Explaining(settings, CustomerId(customer), found, clock, note).explanation(what)


class _Explaining:
    """One explanation, of a booking that was found."""

    def __init__(
        self, settings: Settings, customer: CustomerId, found: Trail, clock: Clock, note: Callable[[str], None]
    ) -> None:
        self._settings, self._customer, self._found = settings, customer, found
        self._clock, self._note = clock, note
        self._codec = build.codec(settings.serde)
        self._active = settings.context.clusters[0]
        self._notes: list[str] = []

    def explanation(self, what: str) -> Explanation:
        """Return it; `what` is the id or place that the operator gave."""
        path = path_of(self._settings, self._found, what, self._settings.context.clusters)
        problem, told = "", None
        try:
            told = facts(self._settings, self._codec, self._found.bookings[0].message)
        except DecodingError as error:
            problem = error.code
        messages = tuple(one for one in path.hops if one.kind == "alert" and one.customer == self._customer)
        dead = tuple(one for one in path.hops if one.kind == "dead-letter")
        waiting = self._waiting()
        processed = self._processed(waiting, messages)
        now, then, is_same = None, None, True
        at, basis = self._moment() if processed is not False else (None, None)
        sent = {one.id for one in messages}
        if told is not None:
            now, then, is_same = self._judge(told, at, basis, sent)
        due = then.due if then is not None and then.is_known and processed else ()
        return Explanation(
            customer=self._customer,
            path=path,
            facts=told,
            problem=problem,
            processed=processed,
            waiting=waiting if processed is False else None,
            now=now,
            then=then,
            at=None if at is None else moment(at),
            basis=basis,
            is_same=is_same,
            messages=messages,
            missing=tuple(one for one in due if one.id not in sent),
            dead=dead,
            notes=(*path.notes, *self._notes),
        )

    def _waiting(self) -> int | None:
        """Return how many records alerting has yet to read up to the booking, with it; None where not known."""
        first = [one for one in self._found.bookings if one.cluster == self._active]
        second = [one for one in self._found.customer_entries if one.cluster == self._active]
        mine = [one for one in second if self._is_for_customer(one.message.key())]
        if not (mine or first):
            self._notes.append(f"The booking does not lie on {self._active}, where stages run.")
            return None
        one = (mine or first)[0]
        group = self._settings.group(_STAGE)
        try:
            committed = Groups(self._settings, self._settings.clusters[self._active]).committed([group])[group]
        except (UnreachableError, DeniedError) as error:
            self._notes.append(f"How far alerting has come is not known: {error}")
            return None
        at = committed.get(one.where, 0)
        return max(0, one.offset + 1 - max(0, at))

    def _is_for_customer(self, key: bytes | None) -> bool:
        try:
            return bool(self._codec.decode("CustomerId", key)["id"] == self._customer)
        except DecodingError:
            return False

    def _processed(self, waiting: int | None, messages: Sequence[Hop]) -> bool | None:
        """Whether alerting has processed the booking for this customer, as far as is known."""
        found = self._found
        seen = bool(found.alerts or found.dead or found.processed_by is not None)
        if messages or (seen and not found.customer_entries):  # with two hops each customer has his own turn
            return True
        return None if waiting is None else not waiting

    def _moment(self) -> tuple[int, Basis]:
        """Return when the booking was processed, as well as is known (ms), and by what."""
        found = self._found
        kinds: Sequence[tuple[Basis, Sequence[int]]] = (
            ("alert", [one.timestamp for one in found.alerts]),
            ("customer-entry", [one.timestamp for one in found.customer_entries]),
            ("dead-letter", [one.timestamp for one in found.dead]),
            ("booking", [one.timestamp for one in found.bookings]),
        )
        return next((min(times), kind) for kind, times in kinds if times)

    def _judge(
        self, told: Facts, at: int | None, basis: Basis | None, sent: set[object]
    ) -> tuple[Judgement, Judgement | None, bool]:
        """Return the judgement by the tables as they are, as they were, and whether these are the same rows."""
        now_ms = self._clock.wall_ms()
        both = self._histories(told, now_ms)
        newest = [one.now() for one in both]
        now = self._judgement(told, *newest)
        if at is None:
            return now, None, True
        stop = (at if basis != "booking" else self._found.processed_by or now_ms) + _AFTER_MS
        then = [one.at(at) for one in both]
        judged = self._judgement(told, *then)
        changes = {each.timestamp for one in both for each in one.changes(at - _NEAR_MS, stop)}
        others = [self._judgement(told, *(one.at(ms) for one in both)) for ms in (at - _NEAR_MS, *sorted(changes))]
        ids = {one.id for one in judged.due}
        if changes and sent != ids and any(not one.is_known or {each.id for each in one.due} != ids for one in others):
            self._notes.append(_close(basis))
        return now, judged, then == newest

    def _histories(self, told: Facts, now_ms: int) -> tuple[History, History]:
        """Return what the tables hold of the account, and of the customer."""
        with looking(self._settings, self._active, clock=self._clock, note=self._note, topics=TABLES) as look:
            read = partial(history, self._settings, self._codec, look, now_ms=now_ms)
            both = (
                read(names.ACCOUNTTOCUSTOMERIDS, told.account.reveal()),
                read(names.CUSTOMERALERTSETTINGS, self._customer),
            )
            if look.report.unread:
                self._notes.append(f"Not read, so that rows may be missing: {', '.join(look.report.unread)}.")
        return both

    def _judgement(self, told: Facts, authorisation: InForce, wishes: InForce) -> Judgement:
        return judge(self._settings, self._codec, told, self._customer, authorisation, wishes)


def _close(basis: Basis | None) -> str:
    """Return the sentence that says that a row changed about when the booking was processed."""
    if basis == "booking":
        return (
            "A row changed after the booking was written, or just before, and when exactly alerting processed the "
            "booking is not known. So the row before or the row after may have decided."
        )
    return "A row changed within seconds of when alerting processed the booking, so the row before may have decided."
