"""What the target holds of the old cluster's last minutes: heartbeats, and the newest copies."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from kafkalert.bus import clients
from kafkalert.bus.records import unreadable
from kafkalert.bus.records.mark_reader import MarkReader, Places
from kafkalert.bus.records.partitions import Partition
from kafkalert.config import names
from kafkalert.config.sections import Cluster, Settings
from kafkalert.engine.clock import Clock
from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord, decode

READ_SECONDS: Final = 3.0
LOOK_SECONDS: Final = 10.0
"""How long the newest copies are looked for: without those of each partition, groups go back much further."""
_TAIL: Final = 200
"""How many of the last records of a partition are looked at for a copy."""
_BATCH: Final = 2000
_POLL_SECONDS: Final = 0.5
MOST: Final = 200_000
"""Heartbeats that are read at most; ten minutes of three hundred instances."""
MOST_BYTES: Final = 2**29
"""What those that are kept take in memory at most, about; ten minutes of 1,200 partitions that 300 instances read."""
_WORD_BYTES: Final = 200
"""What each end and each committed place of a heartbeat takes there, besides the bytes of the record."""
_QUEUE_KILOBYTES: Final = 8 << 10
"""What may wait to be decoded, so that much that is large does not hold this up for long."""


def newest_copies(
    target: Cluster, old: str, topics: Iterable[str], clock: Clock
) -> tuple[dict[Partition, int], dict[Partition, int], bool]:
    """Return the time (ms) of the newest record of each partition that came from `old`; whether all could be looked at.

    In between, for each partition that has none lately, the time of its newest record. One that is in neither is empty.
    Raises UnreachableError, KafkalertError where the target does not let us read.
    """
    places = Places(target)
    partitions = places.partitions(topics)
    starts, ends = places.starts(partitions), places.ends(partitions)
    wanted = {partition: end for partition, end in ends.items() if starts[partition] < end}
    found: tuple[dict[Partition, int], dict[Partition, int]] = ({}, {})  # copies, others
    now, give_up = clock.wall_ms(), clock.monotonic() + LOOK_SECONDS
    reader = MarkReader(target, old)
    try:
        reader.start({partition: max(starts[partition], end - _TAIL) for partition, end in wanted.items()})
        while not reader.reached(wanted) and clock.monotonic() < give_up:
            for partition, mark in reader.pump(_POLL_SECONDS):
                times = found[mark.native]
                times[partition] = min(now, max(times.get(partition, 0), mark.timestamp))
        all_seen = reader.reached(wanted)
    finally:
        reader.close()
    copies, others = found
    return copies, {partition: time for partition, time in others.items() if partition not in copies}, all_seen


def heartbeats_since(
    settings: Settings, target: Cluster, since: int, clock: Clock
) -> tuple[Sequence[HeartbeatRecord], bool]:
    """Return the heartbeats on the target from `since` (ms) on, read for a few seconds.

    It also returns whether those are all, to the last one.

    They are in the log's order. Raises UnreachableError.
    """
    topic = settings.topic(names.STATUS)
    consumer = clients.consumer(
        target,
        "kafkalert.failover",
        enable_partition_eof=True,
        isolation_level="read_uncommitted",  # whose transaction stays open must hide nobody's heartbeats
        queued_max_messages_kbytes=_QUEUE_KILOBYTES,
        **unreadable.SMALL,
    )
    kept = _Kept()
    try:
        (start,) = consumer.offsets_for_times([TopicPartition(topic, 0, max(0, since))], timeout=READ_SECONDS)
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=READ_SECONDS)
        if start.error is not None or not 0 <= start.offset < end:
            return [], start.error is None
        position = max(start.offset, end - MOST)
        consumer.assign([TopicPartition(topic, 0, position)])
        give_up = clock.monotonic() + READ_SECONDS
        while position < end and clock.monotonic() < give_up:
            first = consumer.poll(_POLL_SECONDS)
            for message in [] if first is None else [first, *consumer.consume(_BATCH, 0)]:
                error = message.error()
                if error is None:
                    position = (message.offset() or 0) + 1
                    kept.take(message.value())
                elif unreadable.is_refused(error):
                    position = unreadable.pass_batch(target, consumer, message, **unreadable.SMALL).end
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public codes begin with _
                    position = max(position, message.offset() or 0)  # transaction markers are no messages
    except KafkaException as error:
        raise clients.unreachable(target, error) from error
    finally:
        consumer.close()
    return kept.heartbeats(), position >= end


class _Kept:
    """The newest heartbeats that were read, in no more than MOST_BYTES."""

    def __init__(self) -> None:
        self._heartbeats: deque[tuple[int, HeartbeatRecord]] = deque()
        self._bytes = 0

    def take(self, value: bytes | None) -> None:
        """Take the next record; one that is no heartbeat tells nothing."""
        heartbeat = decode(value)
        if value is None or heartbeat is None:
            return
        size = len(value) + _WORD_BYTES * (len(heartbeat.ends) + len(heartbeat.committed))
        self._heartbeats.append((size, heartbeat))
        self._bytes += size
        while self._bytes > MOST_BYTES:
            self._bytes -= self._heartbeats.popleft()[0]

    def heartbeats(self) -> list[HeartbeatRecord]:
        """In the log's order."""
        return [heartbeat for _, heartbeat in self._heartbeats]


def topics_of(cluster: Cluster, client: AdminClient | None = None) -> dict[str, int]:
    """Return the topics of a cluster, with the number of their partitions; by `client`, or one made for it.

    Raises UnreachableError.
    """
    try:
        listed = (client or clients.admin(cluster)).list_topics(timeout=READ_SECONDS).topics
    except KafkaException as error:
        raise clients.unreachable(cluster, error) from error
    return {name: len(topic.partitions) for name, topic in listed.items() if topic.error is None}
