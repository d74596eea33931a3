"""What the target holds of the old cluster's last minutes: heartbeats, and the newest copies."""

from collections.abc import Iterable, Sequence
from typing import Final

from confluent_kafka import KafkaException, TopicPartition
from msgspec.structs import replace

from kafkalert.bus import clients, unreadable
from kafkalert.bus.mark_reader import MarkReader, Places
from kafkalert.config import names
from kafkalert.config.sections import Cluster, Settings
from kafkalert.engine.clock import Clock
from kafkalert.ops.failover.beats import Beat, decode
from kafkalert.ops.failover.horizon import Partition

READ_SECONDS: Final = 3.0
_TAILS: Final = (200, 20_000)
"""How many of the last records of each partition are looked at for a copy; more only where there is none at all."""
_BATCH: Final = 2000
_POLL_SECONDS: Final = 0.5
MOST: Final = 200_000
"""Heartbeats that are read at most; ten minutes of three hundred instances."""


def newest_copies(target: Cluster, old: str, topics: Iterable[str], clock: Clock) -> dict[Partition, int]:
    """The time (ms) of the newest record of each partition that came from `old`; without one the partition is missing.

    Raises UnreachableError, KafkalertError where the target does not let us read.
    """
    places = Places(target)
    partitions = places.partitions(topics)
    starts, ends = places.starts(partitions), places.ends(partitions)
    found: dict[Partition, int] = {}
    for tail in _TAILS:
        first = {one: max(starts[one], ends[one] - tail) for one in partitions if starts[one] < ends[one]}
        wanted = {one: ends[one] for one in first}
        give_up = clock.monotonic() + READ_SECONDS
        reader = MarkReader(target, old)
        try:
            reader.start(first)
            while wanted and not reader.reached(wanted) and clock.monotonic() < give_up:
                for one, mark in reader.pump(_POLL_SECONDS):
                    if not mark.native:
                        found[one] = max(found.get(one, 0), mark.timestamp)
        finally:
            reader.close()
        if found:
            break
    now = clock.wall_ms()
    return {one: min(time, now) for one, time in found.items()}


def beats_since(settings: Settings, target: Cluster, since: int, clock: Clock) -> tuple[Sequence[Beat], bool]:
    """The heartbeats on the target from `since` (ms) on, read for a few seconds; whether those are all to the last.

    They are in the log's order, and none is dated ahead of this machine's clock. Raises UnreachableError.
    """
    topic, now = settings.topic(names.STATUS), clock.wall_ms()
    consumer = clients.consumer(target, "kafkalert.failover")
    found: list[Beat] = []
    try:
        (start,) = consumer.offsets_for_times([TopicPartition(topic, 0, max(0, since))], timeout=READ_SECONDS)
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=READ_SECONDS)
        if start.error is not None or not 0 <= start.offset < end:
            return found, start.error is None
        position = max(start.offset, end - MOST)
        consumer.assign([TopicPartition(topic, 0, position)])
        give_up = clock.monotonic() + READ_SECONDS
        while position < end and clock.monotonic() < give_up:
            first = consumer.poll(_POLL_SECONDS)
            for message in [] if first is None else [first, *consumer.consume(_BATCH, 0)]:
                if unreadable.is_refused(message.error()):
                    position = unreadable.pass_batch(target, consumer, message).end
                elif message.error() is None:
                    position = (message.offset() or 0) + 1
                    beat = decode(message.value())
                    # What is dated ahead, of a clock or by somebody who means harm, is of now at best.
                    found += [] if beat is None else [replace(beat, time=min(beat.time, now))]
    except KafkaException as error:
        raise clients.unreachable(target, error) from error
    finally:
        consumer.close()
    return found, position >= end


def topics_of(cluster: Cluster) -> dict[str, int]:
    """The topics of a cluster, with the number of their partitions. Raises UnreachableError."""
    try:
        listed = clients.admin(cluster).list_topics(timeout=READ_SECONDS).topics
    except KafkaException as error:
        raise clients.unreachable(cluster, error) from error
    return {name: len(one.partitions) for name, one in listed.items() if one.error is None}
