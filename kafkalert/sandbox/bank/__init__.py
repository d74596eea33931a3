"""A bank that does not exist: households, their accounts, what they asked to be told, and what is booked.

Everything follows from the seed. Nothing in it reaches anybody: addresses are in the domains of RFC 2606, and no Dutch
phone number begins with +31600.
"""

from collections.abc import Callable, Iterator
from datetime import date
from random import Random
from typing import Any

from kafkalert.sandbox.bank.bookings import Booking, book
from kafkalert.sandbox.bank.people import Household, households
from kafkalert.sandbox.bank.settings import settings_of

__all__ = ["Bank", "Booking", "Household"]

BEFORE_PAYDAY = date(2026, 1, 20)
"""Where the bank's calendar begins: salaries, then rents, are only some days off."""


class Bank:
    """A simulated bank.

    `authorisations` are the customers by account, `settings` the fields of CustomerAlertSettings by customer: what the
    two tables hold, and what `expected` takes.
    """

    def __init__(self, seed: int = 1, *, count: int = 40, start: date = BEFORE_PAYDAY) -> None:
        self._seed = seed
        self._start = start
        self.households = households(Random(f"{seed} people"), count)  # noqa: S311 - a simulation, no secret
        rng = Random(f"{seed} wishes")  # noqa: S311 - as above
        self.authorisations: dict[str, list[str]] = {
            account.number: [customer.id for customer in account.owners]
            for household in self.households
            for account in household.accounts
        }
        self.settings: dict[str, dict[str, Any]] = {
            customer.id: settings_of(customer, household, rng)
            for household in self.households
            for customer in household.customers
        }

    def authorisation_rows(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of a file for `seed authorisations`."""
        for account, customers in self.authorisations.items():
            yield {"key": {"id": account}, "value": {"customerIds": [{"id": customer} for customer in customers]}}

    def settings_rows(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of a file for `seed settings`."""
        for customer, row in self.settings.items():
            yield {"key": {"id": customer}, "value": row}

    def bookings(self, now: Callable[[], int]) -> Iterator[Booking]:
        """Bookings without end, each stamped with `now()` (ms, UTC) when it is taken; the same ones for every call."""
        return book(self.households, self._seed, self._start, now)
