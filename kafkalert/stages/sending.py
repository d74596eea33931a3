"""Alerts as outbound messages: which rules an entry raises, and the bytes that say so."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from confluent_kafka import Message

from kafkalert.engine.compiled import CHANNELS, END_OF_MAP, CompiledRule, sending
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.metrics import Metrics
from kafkalert.errors import DecodingError
from kafkalert.model.ids import prefixed
from kafkalert.model.money import places, with_point
from kafkalert.rules.rule import Movement, Rule, Threshold
from kafkalert.serde.wire import bytes_text, long_bytes, text_bytes
from kafkalert.stages.entry import ENTRY, ID, Carried

_NAMES: Final = tuple(channel.value for channel in CHANNELS)  # a plain text hashes faster than a member


class Asked:
    """The installed rules, by the places that compiled ones name them by."""

    __slots__ = ("_rules", "_tests", "shows_amount")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._tests: tuple[Callable[[Movement, Threshold], bool], ...] = tuple(one.raised for one in rules)
        self.shows_amount = tuple(one.shows_amount for one in rules)

    def raised(self, compiled: Iterable[CompiledRule], moved: Movement) -> list[CompiledRule]:
        """Which of `compiled` a movement raises. Raises DecodingError where a rule breaks."""
        tests = self._tests
        try:
            return [one for one in compiled if tests[one.rule](moved, one.threshold)]
        except Exception as error:
            said = f"{self._broken(compiled, moved)} raised {type(error).__name__}."
            raise DecodingError("rule-failed", said) from error

    def _broken(self, compiled: Iterable[CompiledRule], moved: Movement) -> str:
        """The alert type of the first rule that breaks on `moved`."""
        for one in compiled:
            try:
                self._tests[one.rule](moved, one.threshold)
            except Exception:  # noqa: BLE001 - a bank's own code may raise anything
                return self._rules[one.rule].alert_type
        return "A rule"


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends the alerts of one batch of entries. `start` is the beginning of each message, up to its time `now` (ms)."""

    out: Delivery
    asked: Asked
    topics: tuple[str, ...]
    id_hash: Any
    metrics: Metrics
    start: bytes
    now: int

    def alert(
        self, message: Message, entry: Carried, chosen: Iterable[CompiledRule], currency: bytes, moved: Movement
    ) -> None:
        """Send what an entry in `currency` (UTF-8) raised."""
        own, passed_on, _ = entry
        hashed = prefixed(own)
        self.metrics.fresh.append(self.now - message.timestamp()[1])
        alerts, send, topics, id_hash = self.metrics.alerts, self.out.send, self.topics, self.id_hash
        start, shows_amount, money = self.start, self.asked.shows_amount, _money(currency)
        balance = END_OF_MAP if moved.balance is None else money.balance(moved.balance)
        amount = money.amount(moved.amount)
        for one in chosen:
            what = sending(one)
            value = start + what.body + amount + balance if shows_amount[one.rule] else start + what.body + balance
            for channel, key, suffix in what.outputs:
                alert = id_hash.copy()
                alert.update(hashed + suffix)
                send(topics[channel], value, key, [(ID, alert.hexdigest()), (ENTRY, own), *passed_on])
                alerts[_NAMES[channel]] += 1


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
        """The block of a balance, and the map's end."""
        return _BALANCE_BLOCK + text_bytes(with_point(balance, self.places)) + self.after_balance

    def amount(self, amount: int) -> bytes:
        """The block of a booked amount."""
        return _AMOUNT_BLOCK + text_bytes(with_point(amount, self.places)) + self.after_amount


@lru_cache(maxsize=256)
def _money(currency: bytes) -> _Money:
    own = bytes_text(currency)
    return _Money(places(currency.decode()), _BALANCE_CURRENCY + own + END_OF_MAP, _AMOUNT_CURRENCY + own)
