"""Reads parts of a cluster's log from end to end, in batches: what is held of them is up to who reads."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from confluent_kafka import Message

from kafkalert.bus import clients
from kafkalert.bus.records.mark_reader import MarkReader
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock

SILENT_SECONDS: Final = 10.0
"""A cluster from which nothing comes for so long, although there is more, is away."""
_POLL_SECONDS: Final = 0.2

Offsets = Mapping[Partition, int]
Left = Callable[[int], None]
"""Told how many offsets are left to read, as far as is known."""


def read(
    cluster: Cluster, other: str, first: Offsets, ends: Offsets, clock: Clock, left: Left = lambda _: None
) -> Iterator[list[tuple[Partition, Message]]]:
    """Batches of the records of each partition from its first offset to before its end, by rising offset.

    `other` is the other cluster's name. Raises UnreachableError, KafkalertError where the cluster does not let us read.
    """
    wanted = {partition: ends[partition] for partition, offset in first.items() if offset < ends[partition]}
    if not wanted:
        return
    reader = MarkReader(cluster, other)
    try:
        reader.start({partition: first[partition] for partition in wanted})
        heard, before = clock.monotonic(), sum(reader.positions.values())
        while wanted:
            found = reader.messages(_POLL_SECONDS)
            yield [
                (partition, message)
                for partition, message in found
                if partition in wanted and (message.offset() or 0) < wanted[partition]
            ]
            done = [partition for partition, end in wanted.items() if reader.positions[partition] >= end]
            reader.stop(done)
            for partition in done:
                del wanted[partition]
            left(sum(end - reader.positions[partition] for partition, end in wanted.items()))
            now, after = clock.monotonic(), sum(reader.positions.values())
            if found or after != before:
                heard, before = now, after
            elif now - heard > SILENT_SECONDS:
                raise clients.silent(cluster)
    finally:
        reader.close()
