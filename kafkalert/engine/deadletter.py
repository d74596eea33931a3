"""Records that cannot be processed, kept with the reason while their partition goes on."""

import logging
from collections import Counter
from typing import Any, Final

from confluent_kafka import Message

from kafkalert.bus.records.marks import ID_HEADER, ORIGIN_HEADER, REPLAYED_HEADER
from kafkalert.bus.records.unreadable import Batch
from kafkalert.engine.clock import Clock
from kafkalert.engine.delivery import Delivery
from kafkalert.errors import DecodingError

_LOG = logging.getLogger(__name__)
STAGE: Final = "ka-stage"
TOPIC: Final = "ka-topic"
PARTITION: Final = "ka-partition"
OFFSET: Final = "ka-offset"
REASON: Final = "ka-reason"
DETAIL: Final = "ka-detail"
TIME: Final = "ka-time"
RECORD_TIME: Final = "ka-record-time"
LEFT_OUT: Final = "ka-left-out"
DONE: Final = "ka-done"
LETTER: Final = "ka-letter"
BY: Final = "ka-by"
WHY: Final = "ka-why"
LETTERS_OWN: Final = frozenset(
    {STAGE, TOPIC, PARTITION, OFFSET, REASON, DETAIL, TIME, RECORD_TIME, LEFT_OUT, DONE, LETTER, BY, WHY}
)
"""Headers of the records of kafkalert.deadletter, and of no other: from DONE on of what operators did with one."""
_SHORT: Final = (ID_HEADER, "traceparent", REPLAYED_HEADER)
_SHORT_BYTES: Final = range(1, 1025)
_DETAIL_CHARACTERS: Final = 1_000
"""More of a reason is cut off: it may name what somebody else's schema is called."""
_NO_BYTES: Final = (LEFT_OUT, "key, value")


class DeadLetters:
    """Writes kafkalert.deadletter: the record's own key, value and headers, and in headers where, why and when.

    Headers `ka-stage`, `ka-topic`, `ka-partition`, `ka-offset`, `ka-reason` (a stable code), `ka-detail` (schema and
    field path, never a value), `ka-time` (ms, UTC) and `ka-record-time` (that of the record); so the record can be
    written again as it was. A record that with these is larger than a record may be is put away without its bytes and
    headers, but for its `ka-id` and `traceparent`, with `ka-left-out`: what is missing.
    """

    def __init__(self, topic: str, stage: str, delivery: Delivery, counts: Counter[str], clock: Clock) -> None:
        self._topic = topic
        self._stage = stage
        self._delivery = delivery
        self._clock = clock
        self._counts = counts

    def put(self, message: Message, error: DecodingError) -> None:
        """Put `message` away. Raises what `Delivery.send` raises."""
        told = [*self._told(message, error), (RECORD_TIME, str(message.timestamp()[1]))]
        own = own_headers(message)
        try:
            self._delivery.send(self._topic, message.value(), message.key(), [*told, *own])
        except DecodingError:
            short = {name: value for name, value in own if name in _SHORT and len(value or b"") in _SHORT_BYTES}
            self._delivery.send(self._topic, None, None, [*told, *short.items(), _NO_BYTES])

    def put_batch(self, refused: Message, batch: Batch) -> None:
        """Put a batch away by its place, in one dead letter: nobody has its bytes. Raises as `put`."""
        error = DecodingError(
            "unreadable-batch",
            f"The batch at {batch} is damaged, or larger than receive.message.max.bytes once it is decompressed.",
        )
        self._delivery.send(self._topic, None, None, [*self._told(refused, error), _NO_BYTES])

    def _told(self, message: Message, error: DecodingError) -> list[tuple[str, Any]]:
        """Where, why and when, as headers; counted, and logged."""
        self._counts[error.code] += 1
        detail = str(error)[:_DETAIL_CHARACTERS]
        at = f"{message.topic()}[{message.partition()}]@{message.offset()}"
        _LOG.warning("dead letter %s: %s (%s)", at, error.code, detail)
        return [
            (STAGE, self._stage),
            (TOPIC, message.topic()),
            (PARTITION, str(message.partition())),
            (OFFSET, str(message.offset())),
            (REASON, error.code),
            (DETAIL, detail),
            (TIME, str(self._clock.wall_ms())),
        ]


def own_headers(message: Message) -> list[tuple[str, Any]]:
    """Return a record's own headers: neither those of a dead letter, which anybody may write, nor the mirror's."""
    found: Any = message.headers() or ()
    return [(name, value) for name, value in found if name not in LETTERS_OWN and not name.startswith(ORIGIN_HEADER)]
