"""An account as entries meet it: its compiled rules, and a quick look at whether a movement may raise any of them."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from kafkalert.engine.compiled import Wish, wishes
from kafkalert.errors import DecodingError
from kafkalert.rules.rule import Kind, Threshold
from kafkalert.serde.wire import bytes_text

_NEVER: Final = float("inf")
_KINDS_OF_ACCOUNT: Final = 20_000


@dataclass(frozen=True, slots=True)
class Look:
    """A quick look at the rules of one account in one currency.

    A debit of more than `debit`, a credit of more than `credit`, or a balance that meets one of `levels` (ascending)
    may raise one of them; anything may where `any_kind` says so.
    """

    debit: Threshold | float
    credit: Threshold | float
    levels: tuple[Threshold, ...]
    any_kind: bool

    @classmethod
    def at(cls, wishes: Iterable[Wish]) -> "Look":
        """The look at rules by what decides whether they may be raised."""
        of_kind: dict[Kind | None, set[Threshold]] = {}
        for _, kind, threshold in wishes:
            of_kind.setdefault(kind, set()).add(threshold)
        return cls(
            min(of_kind.get("debit", ()), default=_NEVER),
            min(of_kind.get("credit", ()), default=_NEVER),
            tuple(sorted(of_kind.get("balance", ()))),
            None in of_kind,
        )

    def may_raise(self, amount: int, balance: int, credit: bool) -> bool:
        """False where this movement raises none of them, whether its balance is known or not."""
        if amount > (self.credit if credit else self.debit) or self.any_kind:
            return True
        levels = self.levels
        if not levels:
            return False
        before = balance - amount if credit else balance + amount
        low, high = (before, balance) if before < balance else (balance, before)
        place = bisect_left(levels, low)
        return place < len(levels) and levels[place] <= high


Looks = Mapping[bytes, Look]
"""By currency (UTF-8)."""


@lru_cache(maxsize=_KINDS_OF_ACCOUNT)
def looks(packed: bytes) -> Looks:
    """The looks at an account's rules, by the first part of its compiled row.

    Many accounts ask alike. What they share stays in the processor's cache, and most entries need no more.
    """
    currencies: dict[str, list[Wish]] = {}
    for wish in wishes(packed):
        currencies.setdefault(wish[0], []).append(wish)
    return {currency.encode(): Look.at(group) for currency, group in currencies.items()}


class Account:
    """An account that a key names: its id as UTF-8 and as Avro text, its rules (packed), and the looks at them.

    `bad` says why a key names no account.
    """

    __slots__ = ("bad", "id", "looks", "rules", "text")

    def __init__(
        self, own: bytes, rules: bytes = b"", looks: Looks | None = None, bad: DecodingError | None = None
    ) -> None:
        self.id = own
        self.text = bytes_text(own)
        self.rules = rules
        self.looks = looks or {}
        self.bad = bad
