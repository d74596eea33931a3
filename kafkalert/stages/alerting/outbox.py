"""Alerts as outbound messages: which rules an entry raises, and the bytes that say so."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from confluent_kafka import Message

from kafkalert.engine.delivery import Delivery
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.errors import DecodingError
from kafkalert.model.ids import prefixed
from kafkalert.model.money import places, with_point
from kafkalert.rules.rule import Movement, Rule, Threshold
from kafkalert.serde.wire import bytes_text, long_bytes, text_bytes
from kafkalert.stages.alerting.compiler import CHANNELS, END_OF_MAP, BrokenRuleError, CompiledRule, sending
from kafkalert.stages.entry import ENTRY, ID, Carried

_NAMES: Final = tuple(channel.value for channel in CHANNELS)  # a plain text hashes faster than a member


class InstalledRules:
    """The installed rules, by the places that compiled ones name them by."""

    __slots__ = ("_rules", "_tests", "shows_amount")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._tests: tuple[Callable[[Movement, Threshold], bool], ...] = tuple(rule.raised for rule in rules)
        self.shows_amount = tuple(rule.shows_amount for rule in rules)

    def raised(self, compiled: Sequence[CompiledRule], moved: Movement) -> list[CompiledRule]:
        """Which of `compiled` a movement raises. Raises BrokenRuleError where a rule breaks, once all were asked."""
        tests = self._tests
        try:
            return [rule for rule in compiled if tests[rule.rule](moved, rule.threshold)]
        except Exception:  # noqa: BLE001 - a bank's own code may raise anything
            return self._one_by_one(compiled, moved)

    def _one_by_one(self, compiled: Sequence[CompiledRule], moved: Movement) -> list[CompiledRule]:
        """As `raised`, past what breaks; the error is of the first that does."""
        chosen: list[CompiledRule] = []
        broken: tuple[str, Exception] | None = None
        for rule in compiled:
            try:
                if self._tests[rule.rule](moved, rule.threshold):
                    chosen.append(rule)
            except Exception as error:  # noqa: BLE001 - as above
                broken = broken or (self._rules[rule.rule].alert_type, error)
        if broken is not None:
            raise BrokenRuleError(*broken, chosen) from broken[1]
        return chosen


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends the alerts of one batch of entries. `start` is the beginning of each message, up to its time `now` (ms)."""

    out: Delivery
    installed: InstalledRules
    topics: tuple[str, ...]
    id_hash: Any
    metrics: Metrics
    start: bytes
    now: int

    def alert(
        self, message: Message, entry: Carried, chosen: Iterable[CompiledRule], currency: bytes, moved: Movement
    ) -> None:
        """Send what an entry in `currency` (UTF-8) raised.

        Raises DecodingError where an alert is too large, once the others were sent.
        """
        own, passed_on, _ = entry
        hashed = prefixed(own)
        self.metrics.fresh.append(self.now - message.timestamp()[1])
        alerts, send, topics, id_hash = self.metrics.alerts, self.out.send, self.topics, self.id_hash
        start, shows_amount, money = self.start, self.installed.shows_amount, _money(currency)
        balance = END_OF_MAP if moved.balance is None else money.balance(moved.balance)
        amount = money.amount(moved.amount)
        failed: DecodingError | None = None
        for rule in chosen:
            what = sending(rule)
            value = start + what.body + amount + balance if shows_amount[rule.rule] else start + what.body + balance
            for channel, key, suffix in what.outputs:
                alert = id_hash.copy()
                alert.update(hashed + suffix)
                try:
                    send(topics[channel], value, key, [(ID, alert.hexdigest()), (ENTRY, own), *passed_on])
                except DecodingError as error:
                    failed = failed or error
                else:
                    alerts[_NAMES[channel]] += 1
        if failed is not None:
            raise failed


# The params that an entry adds to its messages, each pair a block of an Avro map; an unknown balance adds none.
_BALANCE_BLOCK: Final = long_bytes(2) + text_bytes("balance_amount")
_BALANCE_CURRENCY: Final = text_bytes("balance_amount_currency")
_AMOUNT_BLOCK: Final = long_bytes(2) + text_bytes("alert_amount_amount")
_AMOUNT_CURRENCY: Final = text_bytes("alert_amount_amount_currency")


class _Money(NamedTuple):
    """A currency's places, and what follows an amount in its blocks."""

    places: int
    after_balance: bytes
    after_amount: bytes

    def balance(self, balance: int) -> bytes:
        """Return the block of a balance, and the map's end."""
        return _BALANCE_BLOCK + text_bytes(with_point(balance, self.places)) + self.after_balance

    def amount(self, amount: int) -> bytes:
        """Return the block of a booked amount."""
        return _AMOUNT_BLOCK + text_bytes(with_point(amount, self.places)) + self.after_amount


@lru_cache(maxsize=256)
def _money(currency: bytes) -> _Money:
    own = bytes_text(currency)
    return _Money(places(currency.decode()), _BALANCE_CURRENCY + own + END_OF_MAP, _AMOUNT_CURRENCY + own)
