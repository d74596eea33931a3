"""Where the tables go on when they are followed on another cluster: behind a record that they have, found by its id."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from confluent_kafka import OFFSET_BEGINNING

from kafkalert.bus.records.lookup import Sought, find
from kafkalert.bus.records.mark_reader import MarkReader
from kafkalert.bus.records.partitions import Partition
from kafkalert.engine.clock import Clock
from kafkalert.tables.arrivals import sure
from kafkalert.tables.store import Checkpoint

SURE_SECONDS: Final = 2.0
"""How long it is looked for what shows that a record is not the repeat of one: alerts wait meanwhile."""


def places(
    kept: Mapping[Partition, Checkpoint], ends: Mapping[Partition, int], reader: MarkReader, clock: Clock
) -> dict[Partition, int]:
    """By partition, the next offset to read on the cluster of `reader`, where the logs end at `ends`.

    Where no record is found there that is known for sure to lie before all that is unread, that is the beginning.
    Raises KafkalertError where the cluster cannot be read.
    """
    sought = {}
    for partition, checkpoint in kept.items():
        if ends[partition]:
            ids, later = sure(checkpoint.arrivals, checkpoint.seen)
            sought[partition] = Sought([ids], 0, ends[partition], ends[partition], [later])
    found = find(sought, reader, clock, SURE_SECONDS)
    left = {partition: replace(what, later=()) for partition, what in sought.items() if partition not in found}
    found |= find(left, reader, clock)
    reader.start({})  # fetches nothing more
    return {
        partition: found[partition].after if partition in found else OFFSET_BEGINNING if ends[partition] else 0
        for partition in kept
    }
