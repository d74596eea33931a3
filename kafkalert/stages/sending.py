"""Alerts as outbound messages: which rules an entry raises, and the bytes that say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Message

from kafkalert.engine.compiled import CHANNELS, END_OF_MAP
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.metrics import Metrics
from kafkalert.engine.rulecache import Asked, Ready
from kafkalert.errors import DecodingError
from kafkalert.model.ids import prefixed
from kafkalert.model.money import major
from kafkalert.rules.rule import Movement
from kafkalert.serde.wire import bytes_text, long_bytes, text_bytes
from kafkalert.stages.entry import ENTRY, ID, Carried

_NAMES: Final = tuple(channel.value for channel in CHANNELS)  # a plain text hashes faster than a member


def raised(rules: Sequence[Asked], moved: Movement) -> list[Ready]:
    """Which of `rules` a movement raises. Raises DecodingError where one breaks."""
    try:
        return [one for asked, threshold, one in rules if asked(moved, threshold)]
    except Exception as error:
        raise DecodingError("rule-failed", f"{_broken(rules, moved)} raised {type(error).__name__}.") from error


def _broken(rules: Sequence[Asked], moved: Movement) -> str:
    """The alert type of the first rule that breaks on `moved`."""
    for asked, threshold, one in rules:
        try:
            asked(moved, threshold)
        except Exception:  # noqa: BLE001 - a bank's own code may raise anything
            return one.rule.alert_type
    return "A rule"


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends the alerts of one batch of entries. `start` is the beginning of each message, up to its time `now` (ms)."""

    out: Delivery
    topics: tuple[str, ...]
    id_hash: Any
    metrics: Metrics
    start: bytes
    now: int

    def alert(
        self, message: Message, entry: Carried, chosen: Sequence[Ready], currency: bytes, moved: Movement
    ) -> None:
        """Send what an entry in `currency` (UTF-8) raised."""
        hashed = prefixed(entry.id)
        self.metrics.fresh.append(self.now - message.timestamp()[1])
        alerts, send, topics, id_hash = self.metrics.alerts, self.out.send, self.topics, self.id_hash
        for one in chosen:
            what = one.sending
            value = self.start + what.body + _ending(moved, currency, shows_amount=one.rule.shows_amount)
            for output in what.outputs:
                own = id_hash.copy()
                own.update(hashed + output.suffix)
                headers = [(ID, own.hexdigest()), (ENTRY, entry.id), *entry.passed_on]
                send(topics[output.channel], value, output.key, headers)
                alerts[_NAMES[output.channel]] += 1


_BALANCE_BLOCK: Final = long_bytes(2) + text_bytes("balance_amount")
_BALANCE_CURRENCY: Final = text_bytes("balance_amount_currency")
_AMOUNT_BLOCK: Final = long_bytes(2) + text_bytes("alert_amount_amount")
_AMOUNT_CURRENCY: Final = text_bytes("alert_amount_amount_currency")


def _ending(moved: Movement, code: bytes, *, shows_amount: bool) -> bytes:
    """The params that an entry adds to its messages, in blocks of a map, and the map's end.

    An unknown balance adds none.
    """
    currency, own = code.decode(), bytes_text(code)
    ending = END_OF_MAP
    if shows_amount:
        ending = _AMOUNT_BLOCK + text_bytes(major(moved.amount, currency)) + _AMOUNT_CURRENCY + own + ending
    if moved.balance is not None:
        ending = _BALANCE_BLOCK + text_bytes(major(moved.balance, currency)) + _BALANCE_CURRENCY + own + ending
    return ending
