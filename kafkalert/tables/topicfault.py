"""What keeps a topic of the tables from being followed: it is gone, made anew, or an error says so."""

from collections.abc import Mapping

from confluent_kafka import KafkaError
from confluent_kafka.admin import AdminClient

from kafkalert.bus.denied import denied_topic
from kafkalert.bus.records.gone import is_gone
from kafkalert.bus.records.watermarks import MissingTopicsError, topic_ids
from kafkalert.config.sections import Cluster
from kafkalert.errors import DeniedError, KafkalertError, UnreachableError


class OffsetGoneError(KafkalertError):
    """The checkpoint points to records that the topic no longer has; the tables are rebuilt."""


def fault_of(cluster: Cluster, error: KafkaError, topic: str) -> KafkalertError | None:
    """Return what to raise for an error that came instead of a record; None where the client gets over it by itself."""
    if is_gone(error):
        return OffsetGoneError(f"Topic {topic} no longer has what follows the checkpoint.")
    if (refusal := denied_topic(cluster, error, topic)) is not None:
        return refusal
    if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        return MissingTopicsError(cluster, [topic])
    return None


def look(
    cluster: Cluster, admin: AdminClient, known: Mapping[str, str], seconds: float
) -> Mapping[str, tuple[str, int]]:
    """Each topic's id and number of partitions now; nothing where the cluster does not tell.

    `known` are the ids of the topics that are read. Raises MissingTopicsError where one is gone, OffsetGoneError where
    one was made anew.
    """
    try:
        topics = topic_ids(cluster, list(known), seconds=seconds, client=admin)
    except (UnreachableError, DeniedError):  # says nothing of topics; who reads them hears of that itself
        return {}
    if any(topics[topic][0] != id_ for topic, id_ in known.items()):
        raise OffsetGoneError("A topic of the tables was deleted and made anew.")
    return topics
