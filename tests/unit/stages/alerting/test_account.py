"""The quick look at an account's rules lets everything through that raises one of them."""

from decimal import Decimal
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from kafkalert.rules.rule import Rule, Threshold, installed, movement
from kafkalert.stages.alerting.account import QuickFilter
from kafkalert.stages.alerting.compiler import Trigger

RULES = [rule for _, rule in sorted(installed().items())]
AMOUNTS = st.one_of(st.integers(-5, 5), st.integers(-(2**63), 2**63 - 1))
THRESHOLDS = st.one_of(AMOUNTS, st.integers(-50, 50).map(lambda tenths: Decimal(tenths) / 10))


def trigger(rule: Rule, threshold: Threshold) -> Trigger:
    """A trigger as compiled rows have it."""
    return ("EUR", rule.kind, threshold)


@given(st.lists(st.tuples(st.integers(0, 3), THRESHOLDS), max_size=5), AMOUNTS, AMOUNTS, st.booleans(), st.booleans())
def test_no_movement_that_raises_a_rule_is_passed_over(
    wishes: list[tuple[int, Threshold]], amount: int, balance: int, credit: bool, known: bool
) -> None:
    """Whatever raises a rule of these, its balance known or not, may raise one by the look."""
    move = movement(amount, balance if known else None, credit)
    if any(RULES[rule].raised(move, threshold) for rule, threshold in wishes):
        assert QuickFilter.at([trigger(RULES[rule], threshold) for rule, threshold in wishes]).may_raise(
            amount, balance, credit
        )


def test_around_each_threshold_it_passes_over_all_that_it_may() -> None:
    """A single rule may be raised by a movement of its kind above the threshold, or with balances on both sides."""
    for rule, half, credit, amount, balance in product(RULES, range(-6, 7), (True, False), range(4), range(-4, 5)):
        threshold = Decimal(half) / 2
        before = balance - amount if credit else balance + amount
        meets = {
            "balance": min(before, balance) <= threshold <= max(before, balance),
            "debit": not credit and amount > threshold,
            "credit": credit and amount > threshold,
        }
        assert rule.kind is not None
        assert QuickFilter.at([trigger(rule, threshold)]).may_raise(amount, balance, credit) == meets[rule.kind]


def test_a_rule_of_no_kind_may_be_raised_by_anything() -> None:
    """Beside any others it lets everything through; without it, an account without rules nothing."""
    own = Rule("OWN", lambda _moved, _threshold: False)
    assert QuickFilter.at([trigger(own, 10)]).may_raise(0, 0, credit=True)
    assert QuickFilter.at([trigger(RULES[0], 10), trigger(own, 10)]).may_raise(0, 0, credit=False)
    assert not QuickFilter.at([]).may_raise(100, 100, credit=True)
