"""Outbound records as a consumer of them sees them."""

from time import perf_counter
from typing import NamedTuple

from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from bench.feed import OUTBOUND, Feed
from kafkalert.bus.clients import consumer
from kafkalert.errors import KafkalertError


class Arrival(NamedTuple):
    """An outbound record's entry, and when it came (`perf_counter` seconds)."""

    entry: str
    at: float


class Arrivals:
    """A consumer that stands at the end of all outbound topics of a feed."""

    def __init__(self, feed: Feed) -> None:
        # As soon as there is a record it is sent; nothing here waits for a second one.
        self._consumer = consumer(feed.cluster, f"{feed.prefix}bench.arrivals", fetch_min_bytes=1)
        topics = self._consumer.list_topics(timeout=30).topics
        partitions = [
            TopicPartition(name, number, OFFSET_BEGINNING)
            for name in map(feed.topic, OUTBOUND)
            for number in topics[name].partitions
        ]
        for partition in partitions:
            partition.offset = self._consumer.get_watermark_offsets(partition, timeout=30)[1]
        self._consumer.assign(partitions)

    def next(self, seconds: float) -> Arrival | None:
        """The next record, if one comes in time. Raises KafkalertError for a consumer in trouble."""
        message = self._consumer.poll(seconds)
        if message is None:
            return None
        at = perf_counter()
        if error := message.error():
            raise KafkalertError(f"The outbound topics cannot be read: {error}.")
        value = dict(message.headers() or [])["ka-entry"]
        if not isinstance(value, bytes):
            raise KafkalertError("An outbound record does not name its entry.")
        return Arrival(value.decode(), at)

    def close(self) -> None:
        """Leave."""
        self._consumer.close()
