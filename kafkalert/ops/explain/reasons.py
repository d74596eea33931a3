"""Why each alert was raised or not, in sentences with the numbers."""

from typing import Final

from kafkalert.model.money import major
from kafkalert.model.records import Address, Channel
from kafkalert.ops.explain.booking import Facts
from kafkalert.ops.explain.deciding import BALANCE_UNKNOWN, NO_ADDRESS, NO_CHANNEL, OTHER_CURRENCY, RULE_FAILED, Outcome
from kafkalert.ops.masks import reveal
from kafkalert.ops.wording import harmless, money
from kafkalert.rules.plan import BAD_AMOUNT, NO_AMOUNT, TOO_MUCH, UNKNOWN_CHANNEL, UNKNOWN_TYPE
from kafkalert.rules.rule import Movement, Threshold

_BALANCE_ABOVE, _BALANCE_BELOW = "ALERT_BALANCE_ABOVE_THRESHOLD", "ALERT_BALANCE_BELOW_THRESHOLD"
_DEBITED, _CREDITED = "ALERT_DEBITED_ABOVE_THRESHOLD", "ALERT_CREDITED_ABOVE_THRESHOLD"
_TITLES: Final = {
    _BALANCE_ABOVE: "Balance above",
    _BALANCE_BELOW: "Balance below",
    _DEBITED: "Debited above",
    _CREDITED: "Credited above",
}
CHANNELS: Final = {Channel.EMAIL: "e-mail", Channel.SMS: "SMS", Channel.PUSH: "push"}
_SKIPPED: Final = {
    NO_AMOUNT: "The setting has no amount, so it is skipped.",
    UNKNOWN_TYPE: "No rule of this name is installed here, so the setting is skipped.",
    UNKNOWN_CHANNEL: "The setting names a channel of a newer schema, so it is skipped.",
    BAD_AMOUNT: "The amount of the setting is no number, so it is skipped.",
    TOO_MUCH: "With it the customer would have more messages on this account than anybody needs, so it is skipped.",
    NO_CHANNEL: "The setting names no channel, so nothing can be sent.",
    RULE_FAILED: "The rule itself failed on this booking, which became a dead letter.",
}


def title(one: Outcome) -> str:
    """Return the alert that was asked for: "Balance below 100.00 EUR"."""
    named = _TITLES.get(one.alert_type, harmless(one.alert_type))
    if one.threshold is None:
        return f"{named} {harmless(one.asked)}" if one.asked is not None else named
    return f"{named} {_money(one.threshold, one.currency)}"


def channels(one: Outcome) -> str:
    """Return the channels by which it was asked for."""
    return ", ".join(CHANNELS[each] for each in Channel if each in one.channels)


def why(one: Outcome, facts: Facts) -> str:
    """Return why an alert was raised or not, with the numbers."""
    if one.reason in _SKIPPED:
        return _SKIPPED[one.reason]
    if one.reason == OTHER_CURRENCY:
        return f"It is for bookings in {harmless(one.currency)}; this one is in {harmless(facts.currency)}."
    if one.reason == NO_ADDRESS:
        return f"The customer has no address for {channels(one)}."
    if one.reason == BALANCE_UNKNOWN:
        return "The balance after the booking is not known, so no rule of the balance is raised."
    if one.threshold is None:
        return "It is skipped."
    return _compared(one.alert_type, facts.moved, one.threshold, facts.currency, raised=one.is_raised)


def _compared(alert_type: str, moved: Movement, threshold: Threshold, currency: str, *, raised: bool) -> str:
    """Return the comparison by which one of our rules was raised or not; of another one what is known."""
    booked = _money(moved.amount, currency)
    limit = _money(threshold, currency)
    kind = "credit" if moved.credit else "debit"
    if alert_type in (_DEBITED, _CREDITED):
        wanted = "credit" if alert_type == _CREDITED else "debit"
        if kind != wanted:
            return f"The booking is a {kind}, no {wanted}."
        return f"The {kind} of {booked} is {'above' if raised else 'not above'} {limit}."
    if alert_type in (_BALANCE_ABOVE, _BALANCE_BELOW) and moved.balance is not None and moved.before is not None:
        side = "above" if alert_type == _BALANCE_ABOVE else "below"
        before, after = _money(moved.before, currency), _money(moved.balance, currency)
        if raised:
            verb = "rose" if side == "above" else "fell"
            return f"The balance {verb} from {before} to {after}, {side} {limit}."
        beyond = moved.balance > threshold if side == "above" else moved.balance < threshold
        if beyond:
            return f"The balance of {after} is {side} {limit}, but so it was before the booking: {before}."
        return f"The balance of {after} is not {side} {limit}; before the booking it was {before}."
    balance = "unknown" if moved.balance is None else _money(moved.balance, currency)
    return f"The rule says {'yes' if raised else 'no'} to a {kind} of {booked} that left a balance of {balance}."


def _money(amount: Threshold, currency: str) -> str:
    return money(major(amount, currency), currency)


def address_shown(address: Address, *, unmask: bool) -> str:
    """Return an address for people, masked unless `unmask`."""
    return harmless(reveal(address) if unmask else address)
