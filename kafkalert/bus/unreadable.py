"""A batch of records that the client library cannot read: how a consumer gets past it, and past nothing else.

A few kilobytes may hold hundreds of megabytes of zeros. The library refuses what is larger than
`receive.message.max.bytes` once it is decompressed, tells the first offset of the batch, and fetches it again for
ever. How many records the batch has is not told, so its end is searched for: every offset within it brings the same
refusal.
"""

from collections.abc import Mapping
from time import monotonic
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

REFUSALS: Final = frozenset({KafkaError._BAD_COMPRESSION, KafkaError._BAD_MSG})  # noqa: SLF001 - librdkafka's public codes begin with _
"""What the library says of such a batch."""
SMALL: Final[Mapping[str, Any]] = {
    "fetch_max_bytes": 8 * 2**20,
    "fetch_message_max_bytes": 2**20,
    "receive_message_max_bytes": 8 * 2**20 + 1024,
}
"""Properties of a consumer of small records: what it may take to decompress a batch."""
_ANSWER_SECONDS: Final = 5.0


def pass_batch(consumer: Consumer, topic: str, partition: int, refused: int, end: int) -> int:
    """Seek to the first offset behind the batch that was refused at the offset `refused`, and return it.

    `end` is the partition's. The consumer has `enable.partition.eof`. Raises KafkaException where no answer comes.
    """
    low, high = refused + 1, max(end, refused + 1)
    probe = low  # most batches that are so large hold one record
    while low < high:
        if _is_refused(consumer, TopicPartition(topic, partition, probe), refused):
            low = probe + 1
        else:
            high = probe
        probe = (low + high) // 2
    consumer.seek(TopicPartition(topic, partition, low))
    return low


def _is_refused(consumer: Consumer, at: TopicPartition, refused: int) -> bool:
    """Whether the same batch is refused there."""
    consumer.seek(at)
    give_up = monotonic() + _ANSWER_SECONDS
    while (left := give_up - monotonic()) > 0:
        message = consumer.poll(left)
        error = None if message is None else message.error()
        if message is None or (error is not None and error.retriable()):
            continue
        if error is None or error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - as above
            return False
        if error.code() in REFUSALS:
            return message.offset() == refused
    raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - as above
