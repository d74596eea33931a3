"""What a rule is, and how the installed ones are found."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.metadata import entry_points
from typing import Literal, NamedTuple

Threshold = int | Decimal
"""A setting's amount in minor units; a Decimal where it has a fraction, or more than 63 bits."""


Kind = Literal["balance", "debit", "credit"]
"""What alone may raise a rule. balance: the threshold lies between the balances before and after, or is one of them,
and both are known. debit, credit: one of more than the threshold, whatever the balance."""


class Movement(NamedTuple):
    """An entry as the rules see it: minor units; `balance` and `before` are None where the balance is unknown."""

    amount: int
    credit: bool
    balance: int | None
    before: int | None


def movement(amount: int, balance: int | None, credit: bool) -> Movement:
    """Return the movement of an entry of `amount` that left the signed `balance`."""
    before = None if balance is None else balance - amount if credit else balance + amount
    return _new(Movement, (amount, credit, balance, before))


_new = tuple.__new__  # past the named tuple's own constructor, which takes twice as long


@dataclass(frozen=True, slots=True)
class Rule:
    """A named condition on a movement. A bank adds its own by an entry point of the group `kafkalert.rules`.

    `raised(movement, threshold)` is pure and quick, and never raises; `shows_amount` says whether the message
    tells the booked amount besides the balance. `kind` narrows down what may raise it, so that most movements are
    passed over without asking.
    """

    alert_type: str
    raised: Callable[[Movement, Threshold], bool]
    shows_amount: bool = False
    kind: Kind | None = None


@cache
def installed() -> dict[str, Rule]:
    """Return the rules of this installation by alert type: the four of docs/rules.md and the bank's own.

    Raises TypeError where an entry point of the group is no `Rule` of that name.
    """
    rules: dict[str, Rule] = {}
    for point in entry_points(group="kafkalert.rules"):
        rule = point.load()
        if not isinstance(rule, Rule) or rule.alert_type != point.name:
            raise TypeError(f"Entry point {point.name} of kafkalert.rules ({point.value}) is no Rule of that name.")
        rules[point.name] = rule
    return rules
