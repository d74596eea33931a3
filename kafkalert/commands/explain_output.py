"""How `explain` writes an explanation: sentences for people, one object for programs."""

from collections.abc import Iterator
from typing import Any

from kafkalert.commands.output import Format, emit, emit_object, to_plain
from kafkalert.commands.trace_output import plain_hop, spot, time_text
from kafkalert.model.money import major
from kafkalert.ops.explain.answer import answer
from kafkalert.ops.explain.deciding import Outcome
from kafkalert.ops.explain.explanation import VERSION, Explanation, Judgement, TableRow
from kafkalert.ops.explain.reasons import channels, title, why
from kafkalert.ops.masks import reveal
from kafkalert.ops.tail.describe import words
from kafkalert.ops.trace.path import Hop
from kafkalert.ops.wording import money
from kafkalert.rules.plan import threshold_text
from kafkalert.views.terminal import say, write_all
from kafkalert.views.values import printable

_COLUMNS = ("when", "alertType", "currency", "threshold", "channels", "reason", "why")
_BASES = {
    "alert": "when its alerts were made",
    "customer-entry": "when its first hop was processed",
    "dead-letter": "when it was put away",
    "booking": "when it was written",
}
_WIDTH = 12


def write_explanation(one: Explanation, output: Format, *, unmask: bool) -> None:
    """Write `one` to stdout in this format; what is not whole goes to stderr for people."""
    shown = plain_explanation(one, unmask=unmask)
    if emit_object(shown, output):
        return
    if output is Format.TSV:
        judged = [(name, shown[name]) for name in ("now", "then") if shown[name] is not None]
        emit([{"when": name, **rule} for name, each in judged for rule in each["rules"]], output, columns=_COLUMNS)
    else:
        write_all(lines(one, unmask=unmask))
    for note in one.notes:
        say(note)


def plain_explanation(one: Explanation, *, unmask: bool) -> dict[str, Any]:
    """Return what -o json and -o yaml show; these names and their order stay."""
    then = None if one.then is None else _judgement(one.then, one)
    tree = {
        "version": VERSION,
        "entry": one.path.entry,
        "customer": one.customer,
        "answer": answer(one, unmask=unmask),
        "booking": _booking(one),
        "processed": one.processed,
        "waiting": one.waiting,
        "now": None if one.now is None else _judgement(one.now, one),
        "then": None if then is None else {"at": one.at, "basis": one.basis, "isSame": one.is_same, **then},
        "messages": [plain_hop(hop, unmask=unmask) for hop in one.messages],
        "missing": [{"id": each.id, "channel": each.channel, "to": each.address} for each in one.missing],
        "deadLetters": [plain_hop(hop, unmask=unmask) for hop in one.dead],
        "clusters": one.path.clusters,
        "silent": one.path.silent,
        "notes": one.notes,
    }
    plainly: dict[str, Any] = to_plain(reveal(tree) if unmask else tree)
    return plainly


def _booking(one: Explanation) -> dict[str, Any]:
    facts = one.facts
    moved = None if facts is None else facts.moved
    return {
        "account": None if facts is None else facts.account,
        "currency": None if facts is None else facts.currency,
        "amount": None if moved is None else moved.amount,
        "credit": None if moved is None else moved.credit,
        "balance": None if moved is None else moved.balance,
        "before": None if moved is None else moved.before,
        "problem": one.problem or None,
        "places": [to_plain(place) for place in one.booking.places],
    }


def _judgement(judged: Judgement, one: Explanation) -> dict[str, Any]:
    return {
        "authorised": judged.authorised,
        "asked": judged.asked,
        "authorisation": judged.authorisation,
        "settings": judged.settings,
        "rules": [_rule(outcome, one) for outcome in judged.outcomes],
    }


def _rule(outcome: Outcome, one: Explanation) -> dict[str, Any]:
    return {
        "alertType": outcome.alert_type,
        "currency": outcome.currency,
        "amount": outcome.asked,
        "threshold": None if outcome.threshold is None else threshold_text(outcome.threshold),
        "thresholdMajor": None if outcome.threshold is None else major(outcome.threshold, outcome.currency),
        "channels": sorted(each.value for each in outcome.channels),
        "reason": outcome.reason,
        "why": "" if one.facts is None else why(outcome, one.facts),
        "alerts": [{"id": each.id, "channel": each.channel, "to": each.address} for each in outcome.alerts],
    }


def lines(one: Explanation, *, unmask: bool) -> Iterator[str]:
    """Yield the lines for people, the answer first."""
    yield answer(one, unmask=unmask)
    yield ""
    booking = one.booking
    said = "It cannot be decoded." if booking.record is None else words(booking.record, unmask=unmask)
    yield _line("booking", said)
    if one.facts is not None and one.facts.moved.before is not None:
        before = major(one.facts.moved.before, one.facts.currency)
        yield _line("", f"Balance before it: {money(before, one.facts.currency)}")
    for place in booking.places:
        yield _line("", f"{place.cluster} {spot(place)}  {time_text(place)}")
    if one.then is not None and not one.is_same:
        yield ""
        when = "" if one.at is None else f"{one.at:%Y-%m-%d %H:%M:%S}, {_BASES[one.basis or 'booking']}"
        yield f"Then ({when})"
        yield from _judged(one.then, one)
    if one.now is not None:
        yield ""
        yield "Now, and then" if one.then is not None and one.is_same else "Now"
        yield from _judged(one.now, one)
    for hop in one.messages:
        yield ""
        yield from _message(hop, unmask=unmask)


def _judged(judged: Judgement, one: Explanation) -> Iterator[str]:
    who = printable(one.customer)
    seen = {True: f"yes, {who} may see the account", False: f"no, {who} may not see the account", None: _UNKNOWN}
    yield _line("  authorised", f"{seen[judged.authorised]}{_row(judged.authorisation)}")
    count = len(judged.outcomes)
    wishes = {
        True: f"yes, for {count} alert{'' if count == 1 else 's'} on this account",
        False: f"no, {who} has asked for nothing{' on this account' if judged.settings.there else ''}",
        None: _UNKNOWN,
    }
    yield _line("  asked", f"{wishes[judged.asked]}{_row(judged.settings)}")
    for outcome in judged.outcomes:
        by = channels(outcome)
        reason = "" if one.facts is None else why(outcome, one.facts)
        yield _line("  RAISED" if outcome.is_raised else "  no", f"{title(outcome)}{f', by {by}' if by else ''}")
        yield _line("", reason)


_UNKNOWN = "not known: the topic no longer holds what was in force then"


def _row(row: TableRow) -> str:
    """Return where the row's record lies, and since when."""
    if row.place is None:
        return "; there is no row" if row.known else ""
    since = "" if row.since is None else f" of {row.since:%Y-%m-%d %H:%M:%S}"
    what = "row" if row.there else "row that cannot be read" if row.problem else "deletion"
    return f"; {what} {row.place}{since}"


def _message(hop: Hop, *, unmask: bool) -> Iterator[str]:
    said = "It cannot be decoded." if hop.record is None else words(hop.record, unmask=unmask)
    took = "" if hop.ms is None else f"   {hop.ms:,} ms after the booking"
    yield _line(printable(hop.channel or "message"), f"{said}{took}")
    own = reveal(hop.id) if unmask else hop.id
    yield _line("", f"ka-id {printable(own)}")
    for place in hop.places:
        yield _line("", f"{place.cluster} {'' if place.native else 'copy '}{spot(place)}  {time_text(place)}")


def _line(word: str, text: str) -> str:
    return f"{word:<{_WIDTH}}  {text}"
