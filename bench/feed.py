"""Topics made, filled and counted: the bench's own hands on the broker."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.cimpl import NewTopic

from bench.data import Entry, Row
from kafkalert.bus.clients import admin, consumer, producer
from kafkalert.config.sections import Cluster

ENTRIES: Final = "accountentry"
AUTHORISATIONS: Final = "accounttocustomerids"
SETTINGS: Final = "customeralertsettings"
OUTBOUND: Final = ("outboundemailmessage", "outboundsmsmessage", "outboundcustomerpushmessage")

_DELETED: Final = (ENTRIES, "customeraccountentry", *OUTBOUND, "outboundpushmessage", "kafkalert.deadletter")
_COMPACTED: Final = (AUTHORISATIONS, SETTINGS)
_ADMIN_SECONDS: Final = 30
_FLUSH_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Feed:
    """One cluster, and the prefix of the topics that are meant."""

    cluster: Cluster
    prefix: str

    def topic(self, name: str) -> str:
        """The name here of one of the pipeline's topics."""
        return self.prefix + name

    def make_topics(self, partitions: int = 4) -> None:
        """Make all topics that alerting needs. Raises KafkaException, for one that exists too."""
        topics = [NewTopic(self.topic(name), partitions, 1) for name in _DELETED]
        topics += [
            NewTopic(self.topic(name), partitions, 1, config={"cleanup.policy": "compact"}) for name in _COMPACTED
        ]
        topics += [
            NewTopic(self.topic("kafkalert.control"), 1, 1, config={"retention.ms": "-1"}),
            NewTopic(self.topic("kafkalert.status"), 1, 1),
        ]
        client = admin(self.cluster)  # held: the answers come only while it lives
        for future in client.create_topics(topics, operation_timeout=_ADMIN_SECONDS).values():
            future.result(_ADMIN_SECONDS)

    def rows(self, name: str, rows: Iterable[Row]) -> int:
        """Write the rows of a table; how many there were."""
        return self._send(name, ((key, value, None) for key, value in rows))

    def entries(self, entries: Iterable[Entry]) -> int:
        """Write entries with their ids; how many there were."""
        return self._send(ENTRIES, ((e.key, e.value, [("ka-id", e.id.encode())]) for e in entries))

    def _send(self, name: str, records: Iterable[tuple[bytes, bytes, Any]]) -> int:
        sender: Producer = producer(self.cluster, linger_ms=20)
        topic, count = self.topic(name), 0
        for key, value, headers in records:
            while True:
                try:
                    sender.produce(topic, value, key, headers=headers)
                    break
                except BufferError:
                    sender.poll(0.1)
            count += 1
        if left := sender.flush(_FLUSH_SECONDS):
            raise TimeoutError(f"{left} records of {topic} were not acknowledged in {_FLUSH_SECONDS} s.")
        return count


class Outputs:
    """Counts the outbound records of a feed by asking the broker, the same way for every contestant."""

    def __init__(self, feed: Feed) -> None:
        self._consumer: Consumer = consumer(feed.cluster, feed.prefix + "bench")
        topics = self._consumer.list_topics(timeout=_ADMIN_SECONDS).topics
        self._partitions = [
            TopicPartition(name, partition)
            for name in map(feed.topic, OUTBOUND)
            for partition in topics[name].partitions
        ]

    def count(self) -> int:
        """Records in all outbound topics now."""
        ask = self._consumer.get_watermark_offsets
        return sum(ask(partition, timeout=_ADMIN_SECONDS)[1] for partition in self._partitions)
