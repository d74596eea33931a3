"""What the brokers say of topics: ids, partitions, ends."""

from collections.abc import Iterable, Mapping
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from kafkalert.bus import clients
from kafkalert.config.sections import Cluster
from kafkalert.errors import ConfigError

_SECONDS: Final = 4.0
"""How long one answer is waited for; a stage that is told to stop meanwhile has to end within 10 s."""

ABSENT_SECONDS: Final = 5.0
"""A topic that is missing for so long does not exist: before that it may be about to be made anew."""


class MissingTopicsError(ConfigError):
    """Topics that should exist do not: `topics`."""

    def __init__(self, cluster: Cluster, topics: list[str]) -> None:
        several = len(topics) > 1
        super().__init__(
            f"Topic{'s' if several else ''} {', '.join(topics)} {'do' if several else 'does'} not exist"
            f" on {cluster.name}.",
            hint="Run `kafkalert topics apply`.",
        )
        self.topics = topics


def topic_ids(
    cluster: Cluster, topics: list[str], *, seconds: float = _SECONDS, client: AdminClient | None = None
) -> dict[str, tuple[str, int]]:
    """Each topic's id and number of partitions, by `client` or one made for it.

    Raises MissingTopicsError, DeniedError, UnreachableError.
    """
    found: dict[str, tuple[str, int]] = {}
    absent: list[str] = []
    client = client or clients.admin(cluster)  # held: its answers come only while it lives
    futures = client.describe_topics(TopicCollection(topics), request_timeout=seconds)
    for topic, future in futures.items():
        try:
            described = future.result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                absent.append(topic)
                continue
            raise clients.unreachable(cluster, error, "DESCRIBE", topic) from error
        found[topic] = (str(described.topic_id), len(described.partitions))
    if absent:
        raise MissingTopicsError(cluster, absent)
    return found


def partitions_of(topics: Mapping[str, tuple[str, int]]) -> list[tuple[str, int]]:
    """Every (topic, partition) of what `topic_ids` found."""
    return [(topic, number) for topic, (_, partitions) in topics.items() for number in range(partitions)]


def high_watermarks(consumer: Consumer, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """Return the offset after the last record of all, as far as fetching has told it, also behind an open transaction.

    Asks nobody.
    """
    told = {
        partition: consumer.get_watermark_offsets(TopicPartition(*partition), cached=True)[1]
        for partition in partitions
    }
    return {partition: end for partition, end in told.items() if end >= 0}


def ends(cluster: Cluster, consumer: Consumer, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """Up to where `consumer` can read each (topic, partition): the last stable offset, unless it reads uncommitted.

    That is the offset after the last record, or the first one of a transaction that is open. Raises UnreachableError,
    DeniedError.
    """
    found: dict[tuple[str, int], int] = {}
    for partition in partitions:
        try:
            found[partition] = consumer.get_watermark_offsets(TopicPartition(*partition), timeout=_SECONDS)[1]
        except KafkaException as error:
            raise clients.unreachable(cluster, error, "DESCRIBE", partition[0]) from error
    return found


def tombstones_kept_ms(cluster: Cluster, topics: list[str]) -> dict[str, int]:
    """How long each topic keeps tombstones, in ms; topics that do not tell are absent."""
    client = clients.admin(cluster)
    resources = [ConfigResource(ResourceType.TOPIC, topic) for topic in topics]
    kept: dict[str, int] = {}
    for resource, future in client.describe_configs(resources, request_timeout=_SECONDS).items():
        try:
            kept[resource.name] = int(future.result()["delete.retention.ms"].value)
        except (KafkaException, KeyError, TypeError, ValueError):
            continue
    return kept
