"""Where the tables go on when they are followed on another cluster: behind a record that they have, found by its id."""

from collections.abc import Mapping

from confluent_kafka import OFFSET_BEGINNING

from kafkalert.bus.lookup import Sought, find
from kafkalert.bus.mark_reader import MarkReader
from kafkalert.engine.arrivals import sure
from kafkalert.engine.clock import Clock
from kafkalert.engine.progress import Partition
from kafkalert.engine.store import Checkpoint


def places(
    kept: Mapping[Partition, Checkpoint], ends: Mapping[Partition, int], reader: MarkReader, clock: Clock
) -> dict[Partition, int]:
    """By partition, the next offset to read on the cluster of `reader`, where the logs end at `ends`.

    Where no record is found there that is known for sure to lie before all that is unread, that is the beginning.
    Raises KafkalertError where the cluster cannot be read.
    """
    sought = {
        one: Sought([sure(checkpoint.arrivals, checkpoint.seen)], 0, ends[one], ends[one])
        for one, checkpoint in kept.items()
        if ends[one]
    }
    found = find(sought, reader, clock)
    reader.start({})  # fetches nothing more
    return {one: found[one].after if one in found else OFFSET_BEGINNING if ends[one] else 0 for one in kept}
