"""An account as entries meet it: its compiled rules, and a quick filter: whether a movement may raise any of them."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from kafkalert.errors import DecodingError
from kafkalert.rules.rule import Kind, Threshold
from kafkalert.serde.wire import bytes_text
from kafkalert.stages.alerting.compiler import Trigger, triggers

_NEVER: Final = float("inf")
_KINDS_OF_ACCOUNT: Final = 20_000
_KIND_BYTES: Final = 4_096
"""Of so many bytes one is kept; customers make some dozens, and may make as many as a row holds."""


@dataclass(frozen=True, slots=True)
class QuickFilter:
    """A quick filter of the rules of one account in one currency.

    A debit of more than `debit`, a credit of more than `credit`, or a balance that meets one of `levels` (ascending)
    may raise one of them; anything may where `any_kind` says so.
    """

    debit: Threshold | float
    credit: Threshold | float
    levels: tuple[Threshold, ...]
    any_kind: bool

    @classmethod
    def at(cls, triggers: Iterable[Trigger]) -> "QuickFilter":
        """Return the filter of rules, by what decides whether they may be raised."""
        of_kind: dict[Kind | None, set[Threshold]] = {}
        for _, kind, threshold in triggers:
            of_kind.setdefault(kind, set()).add(threshold)
        return cls(
            min(of_kind.get("debit", ()), default=_NEVER),
            min(of_kind.get("credit", ()), default=_NEVER),
            tuple(sorted(of_kind.get("balance", ()))),
            None in of_kind,
        )

    def may_raise(self, amount: int, balance: int, credit: bool) -> bool:
        """Return False where this movement raises none of them, whether its balance is known or not."""
        if amount > (self.credit if credit else self.debit) or self.any_kind:
            return True
        levels = self.levels
        if not levels:
            return False
        before = balance - amount if credit else balance + amount
        low, high = (before, balance) if before < balance else (balance, before)
        place = bisect_left(levels, low)
        return place < len(levels) and levels[place] <= high


QuickFilters = Mapping[bytes, QuickFilter]
"""By currency (UTF-8)."""


def quick_filters(packed: bytes) -> QuickFilters:
    """Return the quick filters of an account's rules, by the first part of its compiled row.

    Many accounts ask alike. What they share stays in the processor's cache, and most entries need no more.
    """
    return _kept(packed) if len(packed) <= _KIND_BYTES else _unpacked(packed)


@lru_cache(maxsize=_KINDS_OF_ACCOUNT)
def _kept(packed: bytes) -> QuickFilters:
    return _unpacked(packed)


def _unpacked(packed: bytes) -> QuickFilters:
    currencies: dict[str, list[Trigger]] = {}
    for trigger in triggers(packed):
        currencies.setdefault(trigger[0], []).append(trigger)
    return {currency.encode(): QuickFilter.at(group) for currency, group in currencies.items()}


class Account:
    """An account that a key names: its id as UTF-8 and as Avro text, its rules (packed), and the quick filters of them.

    `bad` says why a key names no account.
    """

    __slots__ = ("bad", "id", "quick_filters", "rules", "text")

    def __init__(
        self,
        own: bytes,
        rules: bytes = b"",
        quick_filters: QuickFilters | None = None,
        bad: DecodingError | None = None,
    ) -> None:
        self.id = own
        self.text = bytes_text(own)
        self.rules = rules
        self.quick_filters = quick_filters or {}
        self.bad = bad
