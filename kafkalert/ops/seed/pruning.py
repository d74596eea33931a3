"""Finds the rows that a compacted topic has and a file lacks."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from kafkalert.bus import clients
from kafkalert.bus.denied import denied, denied_topic
from kafkalert.bus.records import unreadable as batches
from kafkalert.bus.records.watermarks import topic_ids
from kafkalert.config.sections import Cluster, Settings
from kafkalert.errors import DecodingError, DeniedError, UnreachableError
from kafkalert.ops.seed.kinds import Kind
from kafkalert.serde.codec import Codec
from kafkalert.serde.keys import KeyReader

_BATCH = 10_000
_STEP_SECONDS = 0.2
_SILENT_STEPS = 50
"""So many steps without a record or an end mean that the cluster is away."""


@dataclass(frozen=True, slots=True)
class Stale:
    """Keys, as their bytes, of rows that the file lacks; and how many keys could not be read, which are left alone."""

    keys: tuple[bytes, ...]
    unreadable: int


def stale(settings: Settings, kind: Kind, codec: Codec, keys: AbstractSet[bytes]) -> Stale:
    """Read the topic of the active cluster to its end. Memory goes by what is stale, not by what the topic has.

    A row is known by the id in its key, not by the key's bytes: nobody's row goes because its key is framed otherwise.
    Raises UnreachableError, DeniedError; MissingTopicsError.
    """
    cluster, topic = settings.active, settings.topic(kind.topic)
    (_, partitions) = topic_ids(cluster, [topic])[topic]
    found: dict[tuple[int, bytes], None] = {}
    unreadable: set[tuple[int, bytes]] = set()
    reader = KeyReader(codec, kind.key)
    group = settings.group("seed")
    consumer = clients.consumer(cluster, group, enable_partition_eof=True, auto_offset_reset="earliest")
    try:
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(partitions)])
        left, silent = set(range(partitions)), 0
        while left:
            messages = _some(consumer)
            silent = 0 if messages else silent + 1
            if silent > _SILENT_STEPS:
                raise clients.silent(cluster)
            for message in messages:
                if (error := message.error()) is not None:
                    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own name
                        left.discard(message.partition())
                    elif (refusal := _refusal(cluster, error, topic, group)) is not None:
                        raise refusal
                    elif batches.is_refused(error):
                        batches.pass_batch(cluster, consumer, message)
                    elif not error.retriable():
                        raise UnreachableError(f"{topic} on {cluster.name} cannot be read: {error.str()}.", hint="")
                    continue
                _note(message, reader, keys, found, unreadable)
    finally:
        consumer.close()
    return Stale(tuple(key for _, key in found), len(unreadable))


def _refusal(cluster: Cluster, error: KafkaError, topic: str, group: str) -> DeniedError | None:
    return denied_topic(cluster, error, topic) or denied(cluster, error, "DESCRIBE", group)


def _some(consumer: Consumer) -> list[Any]:
    """Return what is there, waiting a step for the first of it."""
    first = consumer.poll(_STEP_SECONDS)
    return [] if first is None else [first, *consumer.consume(_BATCH, 0)]


def _note(
    message: Any,  # noqa: ANN401 - confluent_kafka's message
    reader: KeyReader,
    keys: AbstractSet[bytes],
    found: dict[tuple[int, bytes], None],
    unreadable: set[tuple[int, bytes]],
) -> None:
    """Keep or drop a row's key by its newest record."""
    key = message.key()
    place = (message.partition(), key or b"")
    try:
        logical = reader.logical(key)
    except DecodingError:
        unreadable.add(place)
        return
    if message.value() is None:
        found.pop(place, None)
    elif logical not in keys:
        found[place] = None
