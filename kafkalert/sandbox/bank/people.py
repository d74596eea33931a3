"""Who banks here: households, and the accounts that they share or do not."""

from dataclasses import dataclass
from random import Random

BANK_CODE = "KAFK"
"""No bank has this code (ISO 9362)."""

_FIRST = (
    *("Anna", "Bram", "Celine", "Daan", "Elif", "Femke", "Gijs", "Hanna", "Imran", "Julia", "Kees", "Lotte", "Milan"),
    *("Nora", "Omar", "Pleun", "Quinten", "Roos", "Sem", "Tess", "Umit", "Vera", "Wout", "Xenia", "Yara", "Zoe"),
)
_LAST = (
    *("bakker", "bos", "devries", "dijkstra", "hendriks", "jansen", "kaya", "maas", "meijer", "mulder", "peters"),
    *("prins", "smit", "vanberg", "vandijk", "visser", "willems", "yilmaz"),
)
_DOMAINS = ("example.org", "example.com", "example.net")
_HOME = "EUR"
_ABROAD = (("USD", 100), ("GBP", 100), ("JPY", 160), ("KWD", 300))
"""Currencies of some second accounts, with the minor units that make about one euro."""


@dataclass(frozen=True, slots=True)
class Customer:
    """A person. `email` and `phone` are None for who gave none; `app` says whether the bank's app is installed."""

    id: str
    email: str | None
    phone: str | None
    app: bool


@dataclass(frozen=True, slots=True)
class Account:
    """An account and who may see it. `kind` is current, shared, savings or abroad."""

    number: str
    currency: str
    kind: str
    owners: tuple[Customer, ...]
    euro: int = 100
    """Minor units of the account's currency that make about one euro."""


@dataclass(frozen=True, slots=True)
class Household:
    """People who live together. `incomes` are theirs a month, in cents, in the order of `customers`; so is `rent`."""

    customers: tuple[Customer, ...]
    accounts: tuple[Account, ...]
    incomes: tuple[int, ...]
    rent: int
    payday: int
    """Day of the month on which the incomes come."""

    @property
    def home(self) -> Account:
        """The account that rent, groceries and subscriptions are paid from: the shared one where there is one."""
        return next((account for account in self.accounts if account.kind == "shared"), self.accounts[0])

    def account(self, kind: str) -> Account | None:
        """Return the household's first account of a kind."""
        return next((account for account in self.accounts if account.kind == kind), None)


def iban(number: int) -> str:
    """Return the Dutch IBAN of an account of this bank, with the check digits of ISO 13616 (mod 97-10 of ISO 7064)."""
    body = f"{BANK_CODE}{number:010d}"
    digits = "".join(str(int(char, 36)) for char in body + "NL00")
    return f"NL{98 - int(digits) % 97:02d}{body}"


def households(rng: Random, count: int) -> list[Household]:
    """`count` households: singles and couples, most couples with a shared account, some people with money abroad."""
    numbers = iter(rng.sample(range(100_000_000, 999_999_999), 5 * count))
    made: list[Household] = []
    people = 0
    for _ in range(count):
        couple = rng.random() < 0.6  # noqa: PLR2004 - a part of all, here and below
        customers = tuple(_customer(rng, people + number) for number in range(1, 2 + couple))
        people += len(customers)
        accounts = [Account(iban(next(numbers)), _HOME, "current", (customer,)) for customer in customers]
        if couple and rng.random() < 0.8:  # noqa: PLR2004
            accounts.append(Account(iban(next(numbers)), _HOME, "shared", customers))
        if rng.random() < 0.4:  # noqa: PLR2004
            accounts.append(Account(iban(next(numbers)), _HOME, "savings", customers))
        if rng.random() < 0.2:  # noqa: PLR2004
            currency, euro = rng.choice(_ABROAD)
            accounts.append(Account(iban(next(numbers)), currency, "abroad", customers[:1], euro))
        incomes = tuple(1_000 * rng.randint(1_750, 4_800) // 10 for _ in customers)
        rent = 500 * (sum(incomes) * rng.randint(22, 32) // 50_000)
        made.append(Household(customers, tuple(accounts), incomes, rent, rng.choice((23, 24, 25, 25, 27))))
    return made


def _customer(rng: Random, number: int) -> Customer:
    first, last = rng.choice(_FIRST).lower(), rng.choice(_LAST)
    return Customer(
        id=f"c{number:05d}",
        email=f"{first}.{last}{number}@{rng.choice(_DOMAINS)}" if rng.random() < 0.95 else None,  # noqa: PLR2004
        phone=f"+31600{number % 1_000_000:06d}" if rng.random() < 0.7 else None,  # noqa: PLR2004
        app=rng.random() < 0.75,  # noqa: PLR2004
    )
