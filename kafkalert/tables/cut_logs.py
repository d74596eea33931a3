"""Whether the topics of the tables still hold, where these go on, what they have read there."""

import logging
from collections.abc import Mapping
from typing import Final

from confluent_kafka import KafkaException

from kafkalert.bus.records.lookup import ids_at
from kafkalert.bus.records.mark_reader import MarkReader
from kafkalert.bus.records.partitions import Partition
from kafkalert.engine.clock import Clock
from kafkalert.errors import KafkalertError
from kafkalert.tables.store import Checkpoint
from kafkalert.tables.topicfault import OffsetGoneError

_LOG = logging.getLogger(__name__)
_SECONDS: Final = 2.0
"""How long it is looked: alerts wait meanwhile."""


def check_uncut(
    kept: Mapping[Partition, Checkpoint], ends: Mapping[Partition, int], reader: MarkReader, clock: Clock
) -> None:
    """Raise OffsetGoneError where a log was cut before the offset at which it is gone on, of the cluster of `reader`.

    It ends before that, or has grown again: then the record right before it is none of those that were read. Where none
    is read there (a marker, or it was compacted), or not in time, nothing is said. What was read is among the arrivals
    as the newest one, or after a move from another cluster as one of them.
    """
    short = [partition for partition, checkpoint in kept.items() if checkpoint.offset > ends[partition]]
    asked = {partition: checkpoint.offset - 1 for partition, checkpoint in kept.items() if checkpoint.offset > 0}
    try:
        there = {} if short else ids_at(asked, reader, clock, _SECONDS)
    except (KafkalertError, KafkaException) as error:
        _LOG.warning("tables: whether the topics still hold what was read is not known: %s", error)
        return
    finally:
        reader.start({})  # fetches nothing more
    others = [
        partition
        for partition, id_ in there.items()
        if kept[partition].arrivals and all(id_ != at.id for at in kept[partition].arrivals)
    ]
    if cut := short or others:
        raise OffsetGoneError(f"Topic {cut[0][0]} has lost records that the tables have read.")
