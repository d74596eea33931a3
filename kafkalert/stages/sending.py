"""Alerts as outbound messages: which rules an entry raises, and the bytes that say so."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Message

from kafkalert.engine.compiled import CHANNELS, END_OF_MAP, CompiledRule, Sending, sending
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.metrics import Metrics
from kafkalert.errors import DecodingError
from kafkalert.model.ids import alert_id_after, prefixed
from kafkalert.model.money import major
from kafkalert.rules.rule import Rule
from kafkalert.serde.wire import long_bytes, text_bytes
from kafkalert.stages.entry import ENTRY, ID, Entry

_NAMES: Final = tuple(channel.value for channel in CHANNELS)  # a plain text hashes faster than a member


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends the alerts of one batch of entries. `start` is the beginning of each message, up to its time `now` (ms)."""

    out: Delivery
    topics: tuple[str, ...]
    rules: tuple[Rule, ...]
    id_key: bytes
    metrics: Metrics
    start: bytes
    now: int

    def alert(self, message: Message, entry: Entry, rules: Iterable[CompiledRule]) -> None:
        """Send what `rules` raise for `entry`. Raises DecodingError where a rule breaks; what was sent stays sent."""
        hashed = b""
        moved, currency = entry.movement, entry.currency
        for one in rules:
            if one.currency != currency:
                continue
            rule = self.rules[one.rule]
            try:
                threshold = one.threshold
                if not rule.raised(moved, threshold if isinstance(threshold, int) else one.number):
                    continue
            except Exception as error:
                raise DecodingError("rule-failed", f"{rule.alert_type} raised {type(error).__name__}.") from error
            if not hashed:
                hashed = prefixed(entry.id)
                self.metrics.fresh.append(self.now - message.timestamp()[1])
            self._send(entry, hashed, sending(one), shows_amount=rule.shows_amount)

    def _send(self, entry: Entry, hashed: bytes, what: Sending, *, shows_amount: bool) -> None:
        value = self.start + what.body + _ending(entry, shows_amount=shows_amount)
        alerts = self.metrics.alerts
        for output in what.outputs:
            own = alert_id_after(self.id_key, hashed, output.suffix)
            headers = [(ID, own), (ENTRY, entry.id), *entry.passed_on]
            self.out.send(self.topics[output.channel], value, output.key, headers)
            alerts[_NAMES[output.channel]] += 1


_BALANCE_BLOCK: Final = long_bytes(2) + text_bytes("balance_amount")
_BALANCE_CURRENCY: Final = text_bytes("balance_amount_currency")
_AMOUNT_BLOCK: Final = long_bytes(2) + text_bytes("alert_amount_amount")
_AMOUNT_CURRENCY: Final = text_bytes("alert_amount_amount_currency")


def _ending(entry: Entry, *, shows_amount: bool) -> bytes:
    """The params that an entry adds to its messages, in blocks of a map, and the map's end.

    An unknown balance adds none.
    """
    moved, currency = entry.movement, text_bytes(entry.currency)
    ending = END_OF_MAP
    if shows_amount:
        amount = text_bytes(major(moved.amount, entry.currency))
        ending = _AMOUNT_BLOCK + amount + _AMOUNT_CURRENCY + currency + ending
    if moved.balance is not None:
        balance = text_bytes(major(moved.balance, entry.currency))
        ending = _BALANCE_BLOCK + balance + _BALANCE_CURRENCY + currency + ending
    return ending
