"""Topics made, filled and counted: the bench's own hands on the broker."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.cimpl import NewTopic

from bench.data import Entry, Row
from kafkalert.bus.clients import admin, consumer, producer
from kafkalert.config.sections import Cluster
from kafkalert.errors import KafkalertError

ENTRIES: Final = "accountentry"
ENTRIES_BY_CUSTOMER: Final = "customeraccountentry"
AUTHORISATIONS: Final = "accounttocustomerids"
SETTINGS: Final = "customeralertsettings"
OUTBOUND: Final = ("outboundemailmessage", "outboundsmsmessage", "outboundcustomerpushmessage")

_DELETED: Final = (ENTRIES, ENTRIES_BY_CUSTOMER, *OUTBOUND, "outboundpushmessage", "kafkalert.deadletter")
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

    def entries(self, entries: Iterable[Entry]) -> None:
        """Write entries with their ids. Raises KafkalertError for a broker that takes none."""
        sender = _sender(self.cluster)
        topic = self.topic(ENTRIES)
        for entry in entries:
            _send(sender, topic, entry.value, entry.key, [("ka-id", entry.id.encode())])
        _flush(sender)


def rows_everywhere(feeds: Sequence[Feed], name: str, rows: Iterable[Row]) -> None:
    """Write the rows of the table `name` for all feeds at once. Raises KafkalertError for a broker that takes none."""
    sender = _sender(feeds[0].cluster)
    topics = [feed.topic(name) for feed in feeds]
    for key, value in rows:
        for topic in topics:
            _send(sender, topic, value, key)
    _flush(sender)


def _sender(cluster: Cluster) -> Producer:
    return producer(cluster, linger_ms=20)


def _send(sender: Producer, topic: str, value: bytes, key: bytes, headers: Any = None) -> None:  # noqa: ANN401
    while True:
        try:
            sender.produce(topic, value, key, headers=headers)
        except BufferError:
            sender.poll(0.1)  # the queue is full; let it go down
        else:
            return


def _flush(sender: Producer) -> None:
    if left := sender.flush(_FLUSH_SECONDS):
        raise KafkalertError(f"{left} records were not acknowledged within {_FLUSH_SECONDS} s.")


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


class Backlog:
    """What a group has not yet committed of some topics, by its committed offsets on the broker.

    Both contestants commit an offset only when all that came of the record is on the broker.
    """

    def __init__(self, feed: Feed, group: str, names: Iterable[str]) -> None:
        self._consumer: Consumer = consumer(feed.cluster, group)
        topics = self._consumer.list_topics(timeout=_ADMIN_SECONDS).topics
        self._topics = [[TopicPartition(name, n) for n in topics[name].partitions] for name in map(feed.topic, names)]

    def left(self) -> int:
        """Records not committed of the first topic that has any: what feeds a topic is looked at before it."""
        for partitions in self._topics:
            committed = self._consumer.committed(partitions, timeout=_ADMIN_SECONDS)
            ask = self._consumer.get_watermark_offsets
            left = sum(ask(one, timeout=_ADMIN_SECONDS)[1] - max(one.offset, 0) for one in committed)
            if left:
                return left
        return 0
