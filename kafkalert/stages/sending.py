"""Alerts as outbound messages: which rules an entry raises, and the bytes that say so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Message

from kafkalert.engine.compiled import CHANNELS, END_OF_MAP, CompiledRule, sending
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.metrics import Metrics
from kafkalert.errors import DecodingError
from kafkalert.model.ids import prefixed
from kafkalert.model.money import major
from kafkalert.rules.rule import Movement, Rule
from kafkalert.serde.wire import bytes_text, long_bytes, text_bytes
from kafkalert.stages.entry import ENTRY, ID, Carried

_NAMES: Final = tuple(channel.value for channel in CHANNELS)  # a plain text hashes faster than a member


def raised(compiled: Iterable[CompiledRule], rules: Sequence[Rule], moved: Movement) -> list[CompiledRule]:
    """Which of `compiled` a movement raises. Raises DecodingError where one of `rules` breaks."""
    try:
        return [one for one in compiled if rules[one.rule].raised(moved, one.number)]
    except Exception as error:
        raise DecodingError(
            "rule-failed", f"{_broken(compiled, rules, moved)} raised {type(error).__name__}."
        ) from error


def _broken(compiled: Iterable[CompiledRule], rules: Sequence[Rule], moved: Movement) -> str:
    """The alert type of the first rule that breaks on `moved`."""
    for one in compiled:
        try:
            rules[one.rule].raised(moved, one.number)
        except Exception:  # noqa: BLE001 - a bank's own code may raise anything
            return rules[one.rule].alert_type
    return "A rule"


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends the alerts of one batch of entries. `start` is the beginning of each message, up to its time `now` (ms)."""

    out: Delivery
    rules: Sequence[Rule]
    topics: tuple[str, ...]
    id_hash: Any
    metrics: Metrics
    start: bytes
    now: int

    def alert(
        self, message: Message, entry: Carried, chosen: Iterable[CompiledRule], currency: bytes, moved: Movement
    ) -> None:
        """Send what an entry in `currency` (UTF-8) raised."""
        hashed = prefixed(entry.id)
        self.metrics.fresh.append(self.now - message.timestamp()[1])
        alerts, send, topics, id_hash = self.metrics.alerts, self.out.send, self.topics, self.id_hash
        code = currency.decode()
        own = bytes_text(currency)
        balance = END_OF_MAP if moved.balance is None else _balance(moved.balance, code, own)
        for one in chosen:
            what = sending(one)
            if self.rules[one.rule].shows_amount:
                value = self.start + what.body + _amount(moved.amount, code, own) + balance
            else:
                value = self.start + what.body + balance
            for output in what.outputs:
                alert = id_hash.copy()
                alert.update(hashed + output.suffix)
                headers = [(ID, alert.hexdigest()), (ENTRY, entry.id), *entry.passed_on]
                send(topics[output.channel], value, output.key, headers)
                alerts[_NAMES[output.channel]] += 1


# The params that an entry adds to its messages, each pair a block of an Avro map; an unknown balance adds none.
_BALANCE_BLOCK: Final = long_bytes(2) + text_bytes("balance_amount")
_BALANCE_CURRENCY: Final = text_bytes("balance_amount_currency")
_AMOUNT_BLOCK: Final = long_bytes(2) + text_bytes("alert_amount_amount")
_AMOUNT_CURRENCY: Final = text_bytes("alert_amount_amount_currency")


def _balance(balance: int, code: str, own: bytes) -> bytes:
    """The block of a balance in a currency (`own` as Avro text), and the map's end."""
    return _BALANCE_BLOCK + text_bytes(major(balance, code)) + _BALANCE_CURRENCY + own + END_OF_MAP


def _amount(amount: int, code: str, own: bytes) -> bytes:
    """The block of a booked amount."""
    return _AMOUNT_BLOCK + text_bytes(major(amount, code)) + _AMOUNT_CURRENCY + own
