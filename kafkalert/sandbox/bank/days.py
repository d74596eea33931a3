"""One day of one household."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random

from kafkalert.sandbox.bank.people import Account, Household

_SATURDAY = 5

# What is paid by card from day to day: what, least and most in cents, and how often a day.
_CARD = (
    ("groceries", 700, 9_500, 0.55),
    ("coffee", 280, 900, 0.45),
    ("public transport", 250, 2_600, 0.35),
    ("restaurant", 1_800, 11_000, 0.12),
    ("clothes", 1_900, 16_000, 0.06),
    ("online shop", 900, 24_000, 0.14),
    ("cash machine", 2_000, 12_000, 0.05),
)
# What is taken every month: what, day of the month, cents.
_MONTHLY = (
    ("energy", 28, 14_500),
    ("health insurance", 27, 15_990),
    ("internet", 22, 4_750),
    ("mobile phone", 21, 1_850),
    ("music subscription", 24, 1_099),
    ("film subscription", 26, 1_399),
    ("gym", 2, 2_995),
    ("newspaper", 3, 3_550),
)
_RENT_DAY, _SAVING_DAY = 1, 28


@dataclass(frozen=True, slots=True)
class Move:
    """Money onto an account, or off it where `amount` (minor units) is negative.

    `can_fail` says that it is not booked where the account does not hold enough.
    """

    account: Account
    amount: int
    what: str
    can_fail: bool = False


def moves(household: Household, day: date, rng: Random) -> Iterator[Move]:
    """Yield what the household's accounts see on `day`, in order.

    First comes what they are paid, then what is due, then the day's own spending.
    """
    yield from _income(household, day, rng)
    yield from _due(household, day)
    for account in household.accounts:
        if account.kind in {"current", "shared"}:
            yield from _cards(account, day, rng)
            yield from _friends(account, rng)
    yield from _abroad(household, day, rng)


def _income(household: Household, day: date, rng: Random) -> Iterator[Move]:
    if day.day != household.payday:
        return
    shared = household.account("shared")
    for account, income in zip(household.accounts, household.incomes, strict=False):
        yield Move(account, income + rng.randint(-4_000, 9_000), "salary")
        if shared is not None:
            part = income * 6 // 10_000 * 1_000
            yield Move(account, -part, "to the shared account")
            yield Move(shared, part, "from a partner")


def _due(household: Household, day: date) -> Iterator[Move]:
    if day.day == _RENT_DAY:
        yield Move(household.home, -household.rent, "rent")
    for number, (what, due, cents) in enumerate(_MONTHLY):
        # Not everybody has a gym and a newspaper, and no two contracts cost the same.
        if day.day == due and (household.rent // 500 + number) % 4:
            yield Move(household.home, -(cents + household.rent % 7 * 100), what)
    savings = household.account("savings")
    if savings is not None and day.day == _SAVING_DAY:
        amount = household.incomes[0] // 100_000 * 10_000
        yield Move(household.accounts[0], -amount, "to savings")
        yield Move(savings, amount, "savings")


def _cards(account: Account, day: date, rng: Random) -> Iterator[Move]:
    for what, least, most, often in _CARD:
        if rng.random() < often * (1.5 if day.weekday() >= _SATURDAY else 1):
            cents = least + int((most - least) * rng.random() ** 2.5)  # small sums are frequent, large ones rare
            yield Move(account, -cents, what, can_fail=True)


def _friends(account: Account, rng: Random) -> Iterator[Move]:
    chance = rng.random()
    cents = 50 * rng.randint(10, 160)
    if chance < 0.08:  # noqa: PLR2004 - a part of all days, here and below
        yield Move(account, cents, "from a friend")
    elif chance < 0.15:  # noqa: PLR2004
        yield Move(account, -cents, "to a friend", can_fail=True)
    elif chance < 0.17:  # noqa: PLR2004
        yield Move(account, cents, "refund")


def _abroad(household: Household, day: date, rng: Random) -> Iterator[Move]:
    account = household.account("abroad")
    if account is None:
        return
    if day.day % 10 == household.payday % 10:
        yield Move(account, account.euro * rng.randint(300, 1_500), "fee from abroad")
    if rng.random() < 0.6:  # noqa: PLR2004 - as above
        amount = account.euro * rng.randint(4, 90) + rng.randint(0, account.euro - 1)
        yield Move(account, -amount, "card abroad", can_fail=True)
