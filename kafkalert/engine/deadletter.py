"""Records that cannot be processed, kept with the reason while their partition goes on."""

import logging
from collections import Counter
from typing import Any

from confluent_kafka import Message

from kafkalert.bus.records.unreadable import Batch
from kafkalert.engine.clock import Clock
from kafkalert.engine.delivery import Delivery
from kafkalert.errors import DecodingError

_LOG = logging.getLogger(__name__)
_KEPT = range(1, 1025)
"""Lengths in bytes of headers that are kept."""
_DETAIL_CHARACTERS = 1_000
"""More of a reason is cut off: it may name what somebody else's schema is called."""
_LEFT_OUT = ("ka-left-out", "key, value")


class DeadLetters:
    """Writes kafkalert.deadletter: the record's own key and value bytes, and in headers where, why and when.

    Headers `ka-stage`, `ka-topic`, `ka-partition`, `ka-offset`, `ka-reason` (a stable code), `ka-detail` (schema and
    field path, never a value) and `ka-time` (ms, UTC); the record's own `ka-id` and `traceparent` are kept. A record
    that with these is larger than a record may be is put away without its bytes, with `ka-left-out`: what is missing.
    """

    def __init__(self, topic: str, stage: str, delivery: Delivery, counts: Counter[str], clock: Clock) -> None:
        self._topic = topic
        self._stage = stage
        self._delivery = delivery
        self._clock = clock
        self._counts = counts

    def put(self, message: Message, error: DecodingError) -> None:
        """Put `message` away. Raises what `Delivery.send` raises."""
        headers = self._told(message, error)
        own = dict(message.headers() or ())
        headers += [(name, own[name]) for name in ("ka-id", "traceparent") if len(own.get(name) or b"") in _KEPT]
        try:
            self._delivery.send(self._topic, message.value(), message.key(), headers)
        except DecodingError:
            self._delivery.send(self._topic, None, None, [*headers, _LEFT_OUT])

    def put_batch(self, refused: Message, batch: Batch) -> None:
        """Put a batch away by its place, in one dead letter: nobody has its bytes. Raises as `put`."""
        error = DecodingError(
            "unreadable-batch",
            f"The batch at {batch} is damaged, or larger than receive.message.max.bytes once it is decompressed.",
        )
        self._delivery.send(self._topic, None, None, [*self._told(refused, error), _LEFT_OUT])

    def _told(self, message: Message, error: DecodingError) -> list[tuple[str, Any]]:
        """Where, why and when, as headers; counted, and logged."""
        self._counts[error.code] += 1
        detail = str(error)[:_DETAIL_CHARACTERS]
        at = f"{message.topic()}[{message.partition()}]@{message.offset()}"
        _LOG.warning("dead letter %s: %s (%s)", at, error.code, detail)
        return [
            ("ka-stage", self._stage),
            ("ka-topic", message.topic()),
            ("ka-partition", str(message.partition())),
            ("ka-offset", str(message.offset())),
            ("ka-reason", error.code),
            ("ka-detail", detail),
            ("ka-time", str(self._clock.wall_ms())),
        ]
