"""The first line of an explanation: what went out, or why nothing did."""

from dataclasses import replace
from typing import Any

from kafkalert.model.ids import AlertId, CustomerId
from kafkalert.model.personal import EmailAddress
from kafkalert.model.records import Channel
from kafkalert.ops.explain.answer import answer
from kafkalert.ops.explain.booking import facts
from kafkalert.ops.explain.deciding import Alert, Outcome
from kafkalert.ops.explain.explanation import Explanation, Judgement, TableRow
from kafkalert.ops.trace.path import path_of
from kafkalert.ops.trace.trail import Trail
from tests.support.data.rows import debit
from tests.unit.ops.explain.test_deciding import CODEC, CONFIGURATION, DEBITED, booking
from tests.unit.ops.trace import test_path as traced

TOLD = facts(CONFIGURATION, CODEC, booking({**debit("A", "e-1"), "BalanceAfterBookingNumeric": 1}).real)
PRESENT, ABSENT, UNKNOWN = TableRow(True, True), TableRow(True, False), TableRow(False, None)
MAIL = Alert(AlertId("a" * 32), Channel.EMAIL, EmailAddress("jan@mail.example"))


def outcome(reason: str, *alerts: Alert, kind: str = DEBITED) -> Outcome:
    return Outcome(kind, "EUR", 400, "400", frozenset({Channel.EMAIL}), reason, alerts)


def judged(*outcomes: Outcome, authorised: bool | None = True) -> Judgement:
    """By rows that are there, as far as is known."""
    seen = UNKNOWN if authorised is None else PRESENT
    return Judgement(seen, PRESENT, authorised, bool(outcomes), outcomes)


def explained(now: Judgement | None, then: Judgement | None = None, **more: Any) -> Explanation:  # noqa: ANN401
    """A booking that was processed, by tables that have not changed since unless `then` says so."""
    trail = more.pop("trail", Trail("e-1", (traced.booking("dc1", 3),)))
    path = path_of(CONFIGURATION, trail, "e-1", ("dc1",))
    found = Explanation(
        customer=CustomerId("c1"),
        path=path,
        facts=TOLD,
        problem="",
        processed=True,
        waiting=None,
        now=now,
        then=now if then is None else then,
        at=None,
        basis="booking",
        is_same=then is None,
        messages=tuple(one for one in path.hops if one.kind == "alert"),
        missing=(),
        dead=tuple(one for one in path.hops if one.kind == "dead-letter"),
        notes=(),
    )
    return replace(found, **more)


def test_what_went_out_is_listed() -> None:
    """Masked; in clear where that is allowed."""
    trail = Trail("e-1", (traced.booking("dc1", 3),), alerts=(traced.alert("dc1", 1, 1007),))
    one = explained(judged(outcome("raised", MAIL)), trail=trail)
    assert answer(one) == "1 alert went out: e-mail to ***."
    assert answer(one, unmask=True) == "1 alert went out: e-mail to c1."
    short = replace(one, missing=(MAIL,))
    assert (
        answer(short) == "1 alert went out: e-mail to ***. 1 alert was due and not found: e-mail to j***@mail.example."
    )


def test_why_nothing_went_out() -> None:
    """The first thing that is in the way, of the tables as they were."""
    assert answer(explained(judged(authorised=False))) == "No alert went out: c1 may not see the account."
    nothing = Judgement(PRESENT, ABSENT, True, False, ())
    assert answer(explained(nothing)) == "No alert went out: c1 has asked for nothing."
    assert answer(explained(judged())) == "No alert went out: c1 has asked for nothing on this account."
    assert answer(explained(judged(outcome("no-address")))) == (
        "No alert went out: c1 asked for one alert on this account, Debited above 4.00 EUR. "
        "The customer has no address for e-mail."
    )
    two = judged(outcome("not-met"), outcome("no-address"))
    assert answer(explained(two)) == (
        "No alert went out: it raised none of the 2 alerts that c1 asked for on this account."
    )
    unreadable = Judgement(TableRow(True, False, problem="bad-bytes"), PRESENT, False, True, ())
    assert "(the row cannot be read: bad-bytes)" in answer(explained(unreadable))


def test_what_was_due_and_is_not_there_is_no_no() -> None:
    """Nobody reads that all is well."""
    one = explained(judged(outcome("raised", MAIL)), missing=(MAIL,))
    assert answer(one) == "No alert was found, though 1 alert was due: e-mail to j***@mail.example."
    unsure = explained(judged(outcome("raised", MAIL)), processed=None)
    assert answer(unsure) == "No alert was found. By the tables as they are now 1 alert is due."


def test_what_is_not_known_is_said() -> None:
    """And what the tables say now beside it."""
    one = explained(judged(outcome("raised", MAIL)), judged(outcome("raised", MAIL), authorised=None))
    assert answer(one) == (
        "No alert was found. Whether one was due then is not known. By the tables as they are now 1 alert is due."
    )


def test_what_waits() -> None:
    """With how many records before it, and what will come of it."""
    one = replace(explained(judged(outcome("raised", MAIL))), processed=False, then=None, waiting=1205)
    assert answer(one) == (
        "No alert went out yet: the booking is not processed, 1,204 records before it wait. "
        "By the tables as they are now 1 alert is due."
    )
    assert "not processed, 1 record before it waits." in answer(replace(one, waiting=2))
    assert "not processed, it is the next one." in answer(replace(one, waiting=1))


def test_a_dead_letter_of_the_booking_is_the_reason_unless_it_was_another_customers() -> None:
    """A rule that failed is told only to whom asked for it."""

    def letter(reason: bytes) -> Trail:
        dead = traced.on("dc1", "kafkalert.deadletter", b"", 5, 1008, ka_reason=reason)
        return Trail("e-1", (traced.booking("dc1", 3),), dead=(dead,))

    one = explained(None, trail=letter(b"bad-bytes"), facts=None, problem="bad-bytes")
    assert answer(one) == (
        "No alert went out: the booking is a dead letter, bad-bytes (`kafkalert dlq show kafkalert.deadletter[0]@5`)."
    )
    other = explained(judged(authorised=False), trail=letter(b"rule-failed"))
    assert answer(other) == "No alert went out: c1 may not see the account."
    mine = explained(judged(outcome("rule-failed")), trail=letter(b"rule-failed"))
    assert "dead letter, rule-failed" in answer(mine)
    unread = explained(None, facts=None, problem="wrong-key")
    assert answer(unread) == "No alert went out: the booking cannot be read (wrong-key)."
