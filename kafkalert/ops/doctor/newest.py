"""The newest records of the topics that stages read, and those that arrive meanwhile; joins no group."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import Message

from kafkalert.bus.records.mark_reader import MarkReader, Places
from kafkalert.bus.records.marks import mark
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.ops.doctor.record_times import Timed

MOST: Final = 20
"""Of each partition so many records before its end are read."""
_KEPT: Final = 200
"""Of each partition so many are kept, however many arrive."""
_LIVE_SECONDS: Final = 1.5
_READ_SECONDS: Final = 2.2


@dataclass(slots=True)
class Newest:
    """What was read: the times of records that are native to the cluster, and the records themselves, by partition."""

    times: dict[Partition, list[Timed]] = field(default_factory=dict)
    messages: dict[Partition, list[Message]] = field(default_factory=dict)


def read(cluster: Cluster, other: str, topics: Sequence[str], clock: Clock) -> Newest:
    """Read the newest records of `topics`, which have to be there, for about two seconds.

    The mirror's copies from the cluster `other` keep the time of their originals, so they are left out of the times.
    Raises UnreachableError, DeniedError.
    """
    found = Newest()
    places = Places(cluster)
    partitions = places.partitions(topics)
    starts, ends = places.starts(partitions), places.ends(partitions)
    reader = MarkReader(cluster, other)
    began = clock.monotonic()
    try:
        reader.start({one: max(starts[one], end - MOST) for one, end in ends.items()})
        while (now := clock.monotonic()) < began + _READ_SECONDS:
            if now >= began + _LIVE_SECONDS and reader.reached(ends):
                break
            for one, message in reader.messages(0.1):
                if len(found.messages.setdefault(one, [])) >= _KEPT:
                    continue
                arrived = clock.wall_ms() if (message.offset() or 0) >= ends[one] else None
                record = mark(message, other)
                found.messages[one].append(message)
                if record.native:
                    found.times.setdefault(one, []).append(Timed(record.offset, record.timestamp, arrived))
    finally:
        reader.close()
    return found
