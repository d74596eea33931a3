"""What keeps a topic of the tables from being followed, and what each such error means."""

from typing import Final

from confluent_kafka import KafkaError

from kafkalert.bus.denied import denied_topic
from kafkalert.bus.watermarks import MissingTopicsError
from kafkalert.config.sections import Cluster
from kafkalert.errors import KafkalertError

_GONE: Final = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})  # noqa: SLF001 - librdkafka's public codes begin with _


class OffsetGoneError(KafkalertError):
    """The checkpoint points to records that the topic no longer has; the tables are rebuilt."""


def fault_of(cluster: Cluster, error: KafkaError, topic: str) -> KafkalertError | None:
    """What to raise for an error that came instead of a record; None where the client gets over it by itself."""
    if error.code() in _GONE:
        return OffsetGoneError(f"Topic {topic} no longer has what follows the checkpoint.")
    if (refusal := denied_topic(cluster, error, topic)) is not None:
        return refusal
    if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        return MissingTopicsError(cluster, [topic])
    return None
