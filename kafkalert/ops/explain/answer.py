"""The answer of an explanation, in a line or two: what went out, or why nothing did."""

from collections.abc import Iterable
from typing import Final

from kafkalert.ops.explain.deciding import RULE_FAILED, Alert
from kafkalert.ops.explain.explanation import Explanation, Judgement
from kafkalert.ops.explain.reasons import CHANNELS, address_shown, title, why
from kafkalert.ops.tail.describe import address
from kafkalert.ops.trace.path import Hop
from kafkalert.ops.wording import counted, harmless

_WORDS: Final = {"email": "e-mail", "sms": "SMS", "push": "push"}


def answer(one: Explanation, *, unmask: bool = False) -> str:
    """Return the answer. Addresses are masked unless `unmask`."""
    if one.messages:
        return _sent(one, unmask=unmask)
    if one.dead and not _is_of_another(one):
        return _put_away(one.dead[0])
    if one.facts is None:
        return f"No alert went out: the booking cannot be read ({harmless(one.problem)})."
    if one.processed is False:
        return f"No alert went out yet: the booking is not processed{_before(one.waiting)}. {_will(one)}"
    return _nothing(one, unmask=unmask)


def _before(waiting: int | None) -> str:
    """Return what waits before a booking, of all that waits with it."""
    if waiting is None:
        return ""
    before = waiting - 1
    if before < 1:
        return ", it is the next one"
    return f", {counted(before, 'record')} before it {'waits' if before == 1 else 'wait'}"


def _sent(one: Explanation, *, unmask: bool) -> str:
    went = ", ".join(_hop(hop, unmask=unmask) for hop in one.messages)
    said = f"{counted(len(one.messages), 'alert')} went out: {went}."
    if one.missing:
        said += f" {_due(len(one.missing), 'was', 'were')} and not found: {_list(one.missing, unmask=unmask)}."
    return said


def _put_away(letter: Hop) -> str:
    place = letter.places[0]
    reason = "?" if letter.record is None else harmless(letter.record.headers.get("ka-reason", "?"))
    where = f"{place.topic}[{place.partition}]@{place.offset}"
    return f"No alert went out: the booking is a dead letter, {reason} (`kafkalert dlq show {where}`)."


def _is_of_another(one: Explanation) -> bool:
    """Whether the dead letter has nothing to do with this customer: a rule failed that only others asked for."""
    reasons = {str(each.record.headers.get("ka-reason")) for each in one.dead if each.record is not None}
    judged = one.deciding
    mine = judged is None or any(each.reason == RULE_FAILED for each in judged.outcomes)
    return reasons == {RULE_FAILED} and not mine


def _nothing(one: Explanation, *, unmask: bool) -> str:
    """Return why nothing went out of a booking that was processed, as far as is known."""
    judged = one.deciding
    if judged is None or not judged.is_known:
        return f"No alert was found. Whether one was due then is not known. {_will(one)}"
    if one.missing:
        return (
            f"No alert was found, though {_due(len(one.missing), 'was', 'were')}: {_list(one.missing, unmask=unmask)}."
        )
    if judged.due:  # whether it was processed is not known
        return f"No alert was found. {_will(one)}"
    return f"No alert went out: {_why_none(one, judged)}"


def _will(one: Explanation) -> str:
    """Return what the tables as they are now say of it."""
    judged = one.now
    if judged is None:
        return ""
    if judged.due:
        return f"By the tables as they are now {_due(len(judged.due), 'is', 'are')}."
    return f"By the tables as they are now none is due: {_why_none(one, judged)}"


def _why_none(one: Explanation, judged: Judgement) -> str:
    """Return why a booking raises nothing for the customer, by one state of the tables."""
    who = harmless(one.customer)
    if not judged.authorised:
        return f"{who} may not see the account{_unread(judged.authorisation.problem)}."
    if not judged.settings.there:
        return f"{who} has asked for nothing{_unread(judged.settings.problem)}."
    if not judged.outcomes:
        return f"{who} has asked for nothing on this account."
    if len(judged.outcomes) == 1 and one.facts is not None:
        (only,) = judged.outcomes
        return f"{who} asked for one alert on this account, {title(only)}. {why(only, one.facts)}"
    return f"it raised none of the {len(judged.outcomes)} alerts that {who} asked for on this account."


def _unread(problem: str) -> str:
    return f" (the row cannot be read: {harmless(problem)})" if problem else ""


def _due(count: int, one: str, several: str) -> str:
    return f"{counted(count, 'alert')} {one if count == 1 else several} due"


def _list(alerts: Iterable[Alert], *, unmask: bool) -> str:
    return ", ".join(f"{CHANNELS[one.channel]} to {address_shown(one.address, unmask=unmask)}" for one in alerts)


def _hop(hop: Hop, *, unmask: bool) -> str:
    to = "?" if hop.record is None else address(hop.record, unmask=unmask)
    return f"{_WORDS.get(hop.channel or '', 'message')} to {to}"
