"""The four rules of the reference, registered as entry points like anybody's."""

from kafkalert.rules.rule import Movement, Rule, Threshold


def _balance_above(m: Movement, threshold: Threshold) -> bool:
    return m.balance is not None and m.before is not None and m.before <= threshold < m.balance


def _balance_below(m: Movement, threshold: Threshold) -> bool:
    return m.balance is not None and m.before is not None and m.balance < threshold <= m.before


def _debited_above(m: Movement, threshold: Threshold) -> bool:
    return not m.credit and m.amount > threshold


def _credited_above(m: Movement, threshold: Threshold) -> bool:
    return m.credit and m.amount > threshold


BALANCE_ABOVE = Rule("ALERT_BALANCE_ABOVE_THRESHOLD", _balance_above, kind="balance")
BALANCE_BELOW = Rule("ALERT_BALANCE_BELOW_THRESHOLD", _balance_below, kind="balance")
DEBITED_ABOVE = Rule("ALERT_DEBITED_ABOVE_THRESHOLD", _debited_above, shows_amount=True, kind="debit")
CREDITED_ABOVE = Rule("ALERT_CREDITED_ABOVE_THRESHOLD", _credited_above, shows_amount=True, kind="credit")
