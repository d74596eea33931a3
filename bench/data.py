"""A made-up bank of any size: who may see which account, what they asked for, and what is booked.

Everything follows from the size and the seed, so all contestants get the same bytes. The mix is believable (cards,
direct debits, rent, salaries) and gives some 0.4 alerts an entry. No customer asks for the same alert twice, so that
contestants that merge repeats and contestants that do not send equally many messages.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Any, Final

from kafkalert.serde.codec import Codec

Row = tuple[bytes, bytes]
"""Key and value, encoded."""

MAY_SEE_PARTNERS: Final = 0.3
"""Part of customers who may see the account of their partner besides their own."""
HAS_SETTINGS: Final = 0.7
HAS_PHONE, HAS_APP = 0.6, 0.8

# What is booked: (weight, credit, least and most in cents, often an exact hundred or not)
_MIX: Final = (
    (70, False, 300, 9_000),  # cards
    (15, False, 4_000, 30_000),  # direct debits
    (5, False, 60_000, 160_000),  # rent
    (4, True, 150_000, 450_000),  # salaries
    (6, True, 500, 40_000),  # refunds, friends
)
_WEIGHTS: Final = list(accumulate(weight for weight, *_ in _MIX))

# What customers ask for: alert type and the thresholds that they choose from, in cents.
_WISHES: Final = (
    ("ALERT_DEBITED_ABOVE_THRESHOLD", (2_500, 5_000, 10_000, 25_000, 50_000)),
    ("ALERT_CREDITED_ABOVE_THRESHOLD", (0, 1_000, 10_000, 100_000)),
    ("ALERT_BALANCE_BELOW_THRESHOLD", (0, 10_000, 25_000, 50_000)),
    ("ALERT_BALANCE_ABOVE_THRESHOLD", (100_000, 250_000, 500_000)),
)
_MONEY: Final = "EUR"
_FIRST_MOMENT: Final = 1_700_000_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A booking, encoded; `id` goes into its header `ka-id`."""

    id: str
    key: bytes
    value: bytes


class Bank:
    """`accounts` accounts, as many customers, and their settings. Account n is customer n's own."""

    def __init__(self, accounts: int, seed: int = 1) -> None:
        if accounts < 2 or accounts % 2:
            raise ValueError("The number of accounts is even: customers come in pairs.")
        self.accounts = accounts
        self._seed = seed
        self._codec = Codec()
        random = self._random("partners")
        self._shares = bytes(random.random() < MAY_SEE_PARTNERS for _ in range(accounts))

    def _random(self, what: str) -> Random:
        return Random(f"{self._seed} {self.accounts} {what}")  # noqa: S311 - nothing secret

    def authorisations(self) -> Iterator[Row]:
        """The rows of accounttocustomerids: the owner of each account, and some partners."""
        for n in range(self.accounts):
            partner = n ^ 1
            customers = [n, partner] if self._shares[partner] else [n]
            value = {"customerIds": [{"id": customer_id(c)} for c in customers]}
            yield self._account_key(n), self._codec.encode("CustomerIds", value)

    def settings(self) -> Iterator[Row]:
        """The rows of customeralertsettings, for about `HAS_SETTINGS` of the customers."""
        random = self._random("settings")
        for n in range(self.accounts):
            if random.random() < HAS_SETTINGS:
                key = self._codec.encode("CustomerId", {"id": customer_id(n)})
                yield key, self._codec.encode("CustomerAlertSettings", self._wishes(n, random))

    def entries(self, count: int, name: str = "bench", accounts: int | None = None) -> Iterator[Entry]:
        """`count` bookings on accounts at random, with running balances; `name` begins their ids.

        Only on the first `accounts` of the accounts where that is given.
        """
        random = self._random(f"entries {name}")
        balances = array("q", bytes(8 * self.accounts))
        for i in range(count):
            n = random.randrange(accounts or self.accounts)
            _, credit, least, most = random.choices(_MIX, cum_weights=_WEIGHTS)[0]
            amount = random.randint(least, most)
            before = balances[n] or random.randint(0, 300_000)
            balances[n] = after = before + amount if credit else before - amount
            yield Entry(f"{name}-{i}", self._account_key(n), self._booking(i, n, amount, after, credit=credit))

    def _account_key(self, n: int) -> bytes:
        return self._codec.encode("AccountId", {"id": account_id(n)})

    def _booking(self, i: int, n: int, amount: int, after: int, *, credit: bool) -> bytes:
        return self._codec.encode(
            "AccountEntry",
            {
                "timestamp": _FIRST_MOMENT + i,
                "accountId": account_id(n),
                "accountCurrency": _MONEY,
                "bookingAmountNumeric": amount,
                "bookingAmount": _major(amount),
                "bookingCreditDebitIndicator": "CRDT" if credit else "DBIT",
                "BalanceAfterBookingNumeric": after,
                "balanceAfterBooking": _major(abs(after)),
                "BalanceAfterBookingCreditDebitIndicator": "DBIT" if after < 0 else "CRDT",
            },
        )

    def _wishes(self, n: int, random: Random) -> dict[str, Any]:
        addresses: list[dict[str, Any]] = [{"emailAddress": f"customer{n}@example.org"}]
        if random.random() < HAS_PHONE:
            addresses.append({"phoneNumber": f"+316{n:08d}"})
        if random.random() < HAS_APP:
            addresses.append({"id": customer_id(n)})
        seen = [n, n ^ 1] if self._shares[n] else [n]
        return {
            "customerId": {"id": customer_id(n)},
            "addresses": [{"address": address} for address in addresses],
            "accountAlertSettings": [
                {
                    "account": {"id": account_id(account)},
                    "currency": {"symbol": _MONEY},
                    "settings": [
                        {
                            "alertType": alert_type,
                            "channels": random.sample(("EMAIL", "SMS", "PUSH"), random.choice((1, 2, 2))),
                            "amount": {"value": str(random.choice(thresholds))},
                        }
                        for alert_type, thresholds in random.sample(_WISHES, random.randint(2, 4))
                    ],
                }
                for account in seen
            ],
        }


def customer_id(n: int) -> str:
    """The name of customer `n`."""
    return f"C{n:09d}"


def account_id(n: int) -> str:
    """The IBAN of account `n`, check digits included (ISO 13616; the bank code is nobody's)."""
    # The letters K A L E are 20 10 21 14 and N L are 23 21 in the check's alphabet.
    check = 98 - int(f"20102114{n:010d}232100") % 97
    return f"NL{check:02d}KALE{n:010d}"


def _major(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
