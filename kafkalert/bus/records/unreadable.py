"""A batch of records that the client library cannot read: how a consumer gets past it, and past nothing else.

A few kilobytes may hold hundreds of megabytes of zeros. The library refuses what is larger than
`receive.message.max.bytes` once it is decompressed, tells the first offset of the batch, and fetches it again for
ever. How many records the batch has is not told, so its end is searched for: every offset within it brings the same
refusal.
"""

import logging
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from kafkalert.bus import clients
from kafkalert.config.sections import Cluster

_LOG = logging.getLogger(__name__)
_REFUSALS: Final = frozenset({KafkaError._BAD_COMPRESSION, KafkaError._BAD_MSG})  # noqa: SLF001 - librdkafka's public codes begin with _
SMALL: Final[Mapping[str, Any]] = {
    "fetch_max_bytes": 8 * 2**20,
    "fetch_message_max_bytes": 2**20,
    "receive_message_max_bytes": 8 * 2**20 + 1024,
}
"""Properties of a consumer of small records: what it may take to decompress a batch."""
_ANSWER_SECONDS: Final = 5.0
_STEP_SECONDS: Final = 0.2


class Batch(NamedTuple):
    """A batch that cannot be read: from its first offset up to `end`, the first one behind it."""

    topic: str
    partition: int
    first: int
    end: int

    def __str__(self) -> str:
        where = f"offset {self.first}" if self.end == self.first + 1 else f"offsets {self.first} to {self.end - 1}"
        return f"{self.topic}[{self.partition}], {where}"


def is_refused(error: KafkaError | None) -> bool:
    """Whether that is what the library says of such a batch."""
    return error is not None and error.code() in _REFUSALS


def pass_batch(
    cluster: Cluster,
    consumer: Consumer,
    refused: Message,
    *,
    meanwhile: Callable[[], None] = lambda: None,
    **limits: Any,  # noqa: ANN401 - librdkafka's values
) -> Batch:
    """Have `consumer` go on behind the batch that it was refused, and return what is passed over.

    That is nothing, and the batch is read again, where another look finds it readable. `limits` are the properties that
    bound what `consumer` reads, `meanwhile` is called some times a second. Raises KafkaException where no answer comes.
    """
    topic, partition, first = str(refused.topic()), int(refused.partition() or 0), int(refused.offset() or 0)
    looking = clients.consumer(
        cluster,
        "kafkalert.unreadable",  # librdkafka wants a name; nothing joins or commits
        enable_partition_eof=True,
        auto_offset_reset="error",
        isolation_level="read_uncommitted",
        error_cb=lambda _: None,
        fetch_error_backoff_ms=10,
        **limits,
    )
    try:
        _, log_end = looking.get_watermark_offsets(TopicPartition(topic, partition), timeout=_ANSWER_SECONDS)
        end = first_outside(
            first, log_end, lambda offset: _lies_in(looking, topic, partition, first, offset, meanwhile)
        )
    finally:
        clients.close_behind(looking)
    batch = Batch(topic, partition, first, end)
    consumer.seek(TopicPartition(topic, partition, end))
    if end > first:
        _LOG.warning(
            "%s on %s cannot be read, and is passed over: damaged, or too large once decompressed", batch, cluster.name
        )
    return batch


def first_outside(first: int, log_end: int, is_within: Callable[[int], bool]) -> int:
    """Return the first offset that is not within a batch that begins at `first`.

    It asks for few offsets, and near ones.
    """
    low, probe, step = first, first, 1
    while probe < log_end and is_within(probe):
        low, probe, step = probe + 1, probe + step, step * 2
    high = min(probe, log_end)
    while low < high:
        probe = (low + high) // 2
        if is_within(probe):
            low = probe + 1
        else:
            high = probe
    return low


def _lies_in(
    consumer: Consumer, topic: str, partition: int, first: int, offset: int, meanwhile: Callable[[], None]
) -> bool:
    """Whether the batch that begins at `first` is refused at `offset`, too."""
    consumer.assign([TopicPartition(topic, partition, offset)])
    give_up = monotonic() + _ANSWER_SECONDS
    while monotonic() < give_up:
        meanwhile()
        message = consumer.poll(_STEP_SECONDS)
        error = None if message is None else message.error()
        if message is None or (error is not None and error.retriable()):
            continue
        if error is None or error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - as above
            return False
        if is_refused(error):
            return message.offset() == first
        raise KafkaException(error)
    raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - as above
