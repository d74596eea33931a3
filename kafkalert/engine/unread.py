"""Records that a group can read no more: they expired or were deleted before it came to them, or the cluster lost them.

No default decides where to go on: what is passed over is never alerted. The stage is held, and says how many they are.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from kafkalert.bus.mark_reader import Places
from kafkalert.bus.watermarks import partitions_of
from kafkalert.config.sections import Cluster
from kafkalert.engine.progress import Partition, topic_id
from kafkalert.errors import KafkalertError

_SECONDS: Final = 5.0
_NAMED: Final = 3


class Gap(NamedTuple):
    """Offsets that a group has yet to read, and that are gone: from `offset` to before `start`, the log's first one.

    Where the log ends at `end`, before `offset`, the cluster has lost its newest records; how many is not known.
    """

    offset: int
    start: int
    end: int

    @property
    def records(self) -> int:
        """How many records that are at most."""
        return max(0, self.start - self.offset)


class UnreadError(KafkalertError):
    """Records that `group` has yet to read are gone; `gaps` says in which partitions."""

    def __init__(self, group: str, gaps: Mapping[Partition, Gap]) -> None:
        count = sum(one.records for one in gaps.values())
        named = [_said(partition, gap) for partition, gap in sorted(gaps.items())]
        more = f", and {len(named) - _NAMED} partitions more" if len(named) > _NAMED else ""
        many = f"{count:,} records expired or were deleted before they were read"
        expired = "At most " + ("1 record expired or was deleted before it was read" if count == 1 else many)
        super().__init__(
            f"{expired if count else 'The cluster has lost records'}: {', '.join(named[:_NAMED])}{more}.",
            hint=f"`kafkalert group seek {group} next` goes on with the next ones that are there.",
        )
        self.gaps = dict(gaps)


def _said(partition: Partition, gap: Gap) -> str:
    where = f"{partition[0]}[{partition[1]}]"
    if gap.records:
        return f"{where} offset{f's {gap.offset} to' * (gap.records > 1)} {gap.start - 1}"
    return f"{where} ends at {gap.end}, before the group's offset {gap.offset}"


def gaps(
    starts: Mapping[Partition, int], committed: Mapping[Partition, int], ends: Mapping[Partition, int]
) -> dict[Partition, Gap]:
    """Where what a group has `committed` lies outside the log."""
    return {
        one: Gap(offset, starts[one], ends[one])
        for one, offset in committed.items()
        if one in starts and one in ends and not starts[one] <= offset <= ends[one]
    }


def unread(
    cluster: Cluster, group: str, consumer: Consumer, topics: Mapping[str, tuple[str, int]]
) -> UnreadError | None:
    """What `group` can read no more of `topics`, each with its id and number of partitions; None where that is nothing.

    Raises UnreachableError, DeniedError, KafkaException.
    """
    places, inputs = Places(cluster), partitions_of(topics)
    # In this order: while others process, starts, offsets and ends grow, and none of that may look like a gap.
    starts = places.starts(inputs)
    committed: dict[Partition, int] = {}
    for one in consumer.committed([TopicPartition(*one) for one in inputs], timeout=_SECONDS):
        if one.error is not None:
            raise KafkaException(one.error)
        if one.offset >= 0 and topic_id(one.metadata) in {"", topics[one.topic][0]}:
            committed[one.topic, one.partition] = one.offset
    found = gaps(starts, committed, places.high_watermarks(inputs))
    return UnreadError(group, found) if found else None
