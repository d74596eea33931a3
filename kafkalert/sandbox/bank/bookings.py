"""What is booked, day after day: salaries, rents, subscriptions, groceries, cards, and money between friends."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from random import Random
from typing import Any

from kafkalert.model.money import major
from kafkalert.sandbox.bank.days import Move, moves
from kafkalert.sandbox.bank.people import Household

_BALANCE_UNKNOWN = 0.01
"""Part of the bookings that come from a system which does not know the balance."""


@dataclass(frozen=True, slots=True)
class Booking:
    """One booking: AccountEntry's fields and entryId, as a line of `run bridge` has them.

    The three balance fields are left out where the balance is unknown. `what` says what it was, `day` when it was on
    the bank's own calendar, which runs faster than ours.
    """

    entry: dict[str, Any]
    what: str
    day: date


def book(households: Sequence[Household], seed: int, start: date, now: Callable[[], int]) -> Iterator[Booking]:
    """Bookings without end. Balances run: each booking's is the one before plus or minus its amount."""
    rng = Random(f"{seed} bookings")  # noqa: S311 - a simulation, no secret
    balances = _opening(households, rng)
    numbers = count(1)
    for days in count():
        day = start + timedelta(days)
        # A household's own order is kept; households take turns as chance has it.
        queues = [iter(moves(household, day, rng)) for household in households]
        turns = [queue for queue in queues for _ in range(9)]
        rng.shuffle(turns)
        for move in _in_turns(turns, queues):
            after = balances[move.account.number] + move.amount
            if move.can_fail and after < 0:
                continue  # the card is declined, and nothing is booked
            balances[move.account.number] = after
            yield Booking(_entry(move, after, f"{seed}-{next(numbers):08d}", now(), rng), move.what, day)


def _in_turns(turns: Sequence[Iterator[Move]], queues: Sequence[Iterator[Move]]) -> Iterator[Move]:
    for queue in turns:
        move = next(queue, None)
        if move is not None:
            yield move
    for queue in queues:
        yield from queue


def _opening(households: Sequence[Household], rng: Random) -> dict[str, int]:
    """Balances some days before payday: not much on most accounts, something on those for savings."""
    euros = {"current": (80, 900), "shared": (50, 1_200), "savings": (2_000, 9_800), "abroad": (100, 2_000)}
    return {
        account.number: rng.randint(*euros[account.kind]) * account.euro + rng.randint(0, account.euro - 1)
        for household in households
        for account in household.accounts
    }


def _entry(move: Move, balance: int, entry_id: str, timestamp: int, rng: Random) -> dict[str, Any]:
    account = move.account
    entry = {
        "entryId": entry_id,
        "timestamp": timestamp,
        "accountId": account.number,
        "accountCurrency": account.currency,
        "bookingAmountNumeric": abs(move.amount),
        "bookingAmount": major(abs(move.amount), account.currency),
        "bookingCreditDebitIndicator": _indicator(move.amount),
    }
    if rng.random() >= _BALANCE_UNKNOWN:
        entry |= {
            "BalanceAfterBookingNumeric": balance,
            "balanceAfterBooking": major(abs(balance), account.currency),
            "BalanceAfterBookingCreditDebitIndicator": _indicator(balance),
        }
    return entry


def _indicator(amount: int) -> str:
    return "CRDT" if amount >= 0 else "DBIT"
