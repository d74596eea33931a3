"""What the workers of a flow have confirmed, one after the other, by the topic in which Connect keeps its offsets.

The topic is compacted, and what compaction leaves of a partition's commits is the newest of the part that it has gone
through. So two that follow each other here followed each other then, too.
"""

import json
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Message

from kafkalert.bus.connect.flow import Flow, offsets_topic
from kafkalert.bus.records.mark_reader import MarkReader, Places
from kafkalert.bus.records.partitions import Partition, whole_number
from kafkalert.bus.records.watermarks import MissingTopicsError
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock

NEWEST: Final = 20_000
"""How many commits are read at most, of all flows that the workers host; the newest."""
_WAIT_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Confirmed:
    """At `at` (ms, the worker's clock) all of a partition up to and including `offset` had crossed, or was dropped."""

    offset: int
    at: int


def confirmed(target: Cluster, flow: Flow, clock: Clock, give_up: float) -> dict[Partition, list[Confirmed]]:
    """Return the newest commits of `flow` by partition of its source, the oldest first.

    It returns what was read until `give_up`.

    Empty where the workers keep their offsets elsewhere. Raises UnreachableError, DeniedError.
    """
    places = Places(target)
    try:
        partitions = places.partitions([offsets_topic(flow.target)])
    except MissingTopicsError:
        return {}
    starts, ends = places.starts(partitions), places.ends(partitions)
    found: dict[Partition, list[Confirmed]] = defaultdict(list)
    reader = MarkReader(target, flow.source)
    try:
        reader.start({partition: max(starts[partition], ends[partition] - NEWEST) for partition in partitions})
        while not reader.reached(ends) and clock.monotonic() < give_up:
            for _, message in reader.messages(_WAIT_SECONDS):
                _take(message, flow, found)
    finally:
        reader.close()
    return found


def _take(message: Message, flow: Flow, found: dict[Partition, list[Confirmed]]) -> None:
    """By Connect's own format: the key is [connector, {cluster, topic, partition}], the value {offset}."""
    with suppress(KeyError, TypeError, ValueError, RecursionError):  # anybody's record, also of another connector
        key: Any = json.loads(message.key() or b"")
        connector, place = key
        if connector != flow.connector or place["cluster"] != flow.source:
            return
        partition = (str(place["topic"]), whole_number(place["partition"]))
        value = message.value()
        if value is None:  # it was told to begin anew
            found.pop(partition, None)
        else:
            told = Confirmed(whole_number(json.loads(value)["offset"]), message.timestamp()[1])
            found[partition].append(told)
