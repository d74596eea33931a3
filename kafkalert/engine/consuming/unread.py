"""Records that a group can read no more: they expired or were deleted before it came to them, or the cluster lost them.

No default decides where to go on: what is passed over is never alerted. The stage is held, and says how many they are.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from kafkalert.bus.records.lookup import ids_at
from kafkalert.bus.records.mark_reader import MarkReader, Places
from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.records.watermarks import partitions_of
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.engine.consuming.events import OutOfRangeError
from kafkalert.engine.consuming.progress import Place, committed_place, topic_id
from kafkalert.errors import DeniedError, KafkalertError

_LOG = logging.getLogger(__name__)
_SECONDS: Final = 5.0
_NAMED: Final = 3
_SURE: Final = 2
"""So often a member is told of one offset that its log was cut until that is believed whatever record stands there: at
first it may have gone further than its commit; then it begins right there."""


class Gap(NamedTuple):
    """Offsets that a group has yet to read, and that are gone: from `offset` to before `start`, the log's first one.

    Where the log ended at `end`, before `offset`, the cluster has lost its newest records; how many is not known. Where
    `offset` lies in the log, that was cut before it, too, and had grown when it was seen.
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
        count = sum(gap.records for gap in gaps.values())
        named = [_said(partition, gap) for partition, gap in sorted(gaps.items())]
        more = f", and {len(named) - _NAMED} partitions more" if len(named) > _NAMED else ""
        many = f"{count:,} records expired or were deleted before they were read"
        expired = "At most " + ("1 record expired or was deleted before it was read" if count == 1 else many)
        hint = f"`kafkalert group seek {group} next` goes on with the next ones that are there"
        again = "; `@-1h` also reads what came in place of lost ones, and all else of the last hour again"
        super().__init__(
            f"{expired if count else 'The cluster has lost records'}: {', '.join(named[:_NAMED])}{more}.",
            hint=f"{hint}{again * any(not gap.records for gap in gaps.values())}.",
        )
        self.gaps = dict(gaps)


def _said(partition: Partition, gap: Gap) -> str:
    where = f"{partition[0]}[{partition[1]}]"
    if gap.records:
        return f"{where} offset{f's {gap.offset} to' * (gap.records > 1)} {gap.start - 1}"
    if gap.end < gap.offset:
        return f"{where} ended at {gap.end}, before the group's offset {gap.offset}"
    return f"{where} was cut before the group's offset {gap.offset}, and has grown since"


def gaps(
    starts: Mapping[Partition, int], committed: Mapping[Partition, int], ends: Mapping[Partition, int]
) -> dict[Partition, Gap]:
    """Where what a group has `committed` lies outside the log."""
    return {
        partition: Gap(offset, starts[partition], ends[partition])
        for partition, offset in committed.items()
        if partition in starts and partition in ends and not starts[partition] <= offset <= ends[partition]
    }


def still_there(
    cluster: Cluster, places: Mapping[Partition, Place], starts: Mapping[Partition, int], clock: Clock
) -> dict[Partition, bool | None]:
    """Whether the record right before each place, of a topic of now, is the one whose id it has.

    None where no record was read there in time. Nothing is said of a place that is not sure to have the id of just that
    record. `starts`: where the logs begin. Raises DeniedError.
    """
    ids = {
        partition: bytes.fromhex(place.id)
        for partition, place in places.items()
        if place.adjacent and starts[partition] < place.offset
    }
    if not ids:
        return {}
    # Also what is in no transaction that was committed: where that stands now, what was processed does not.
    reader = MarkReader(cluster, "", uncommitted=True)
    try:
        there = ids_at({partition: places[partition].offset - 1 for partition in ids}, reader, clock, _SECONDS)
    except DeniedError:
        raise
    except (KafkalertError, KafkaException) as error:
        there = {}
        _LOG.warning("whether the logs still hold what was processed is not known: %s", error)
    finally:
        reader.close()
    if len(there) < len(ids):
        _LOG.info("%d of %d partitions have no record before the group's offset", len(ids) - len(there), len(ids))
    return {partition: there[partition] == id_ if partition in there else None for partition, id_ in ids.items()}


class _Standing(NamedTuple):
    """What a group has committed of a partition, of a topic of this id."""

    cluster: str
    topic_id: str
    partition: Partition
    offset: int
    metadata: str

    @property
    def place(self) -> Place:
        """As the commit tells it; of one that does not name its topic, the offset alone."""
        told = TopicPartition(*self.partition, self.offset, self.metadata)
        return committed_place(told) if topic_id(self.metadata) else Place(self.offset)


class Unread:
    """What a stage's group can read no more, by all that this process has seen of it.

    A log that has lost its newest records grows again, and what is written then, at offsets before the group's, would
    be read by nobody. So where it was cut stays a gap until the group's commit is another (`kafkalert group seek`
    writes one), the topic is made anew, or the record before the group's offset is seen to be the one that it has
    processed: then the log was not cut so far, or a broker that was cut off has told of an end of the past.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._cut: dict[_Standing, Gap] = {}
        self._told: Counter[_Standing] = Counter()
        self._owed: dict[str, OutOfRangeError] = {}
        self._proven: dict[str, dict[Partition, int]] = {}

    def owes(self, cluster: Cluster) -> bool:
        """Whether a member was refused an offset there, and what that means could not be looked into yet."""
        return cluster.name in self._owed

    def proven(self, cluster: Cluster) -> Mapping[Partition, int]:
        """Return the offsets that a member was refused, though the record before them is the one that it has processed.

        Their logs were not cut before them; a broker that knows nothing of a commit's epoch any more says so, too.
        """
        return self._proven.get(cluster.name, {})

    def look(
        self,
        cluster: Cluster,
        group: str,
        consumer: Consumer,
        topics: Mapping[str, tuple[str, int]],
        *,
        compare: bool,
        refused: OutOfRangeError | None = None,
    ) -> UnreadError | None:
        """Return what `group` can read no more of `topics`, each with its id and number of partitions.

        It returns None where the group can read all.

        `compare`: whether to look in all partitions for the record before the group's offset. `refused`: what the
        group's member was told; it is kept until a look has ended well. Raises UnreachableError, DeniedError,
        KafkaException.
        """
        refused = refused or self._owed.get(cluster.name)
        if refused is not None:
            self._owed[cluster.name] = refused
        places, inputs = Places(cluster), partitions_of(topics)
        # In this order: while others process, starts, offsets and ends grow, and none of that may look like a gap.
        starts = places.starts(inputs)
        standing = {at.partition: at for at in _standing(cluster, consumer, topics)}
        ends = places.high_watermarks(inputs)
        logs = {partition: Gap(at.offset, starts[partition], ends[partition]) for partition, at in standing.items()}
        outside = gaps(starts, {partition: at.offset for partition, at in standing.items()}, ends)
        cut = {partition: gap for partition, gap in outside.items() if not gap.records}
        if refused is not None and refused.partition in logs.keys() - outside.keys():
            log = logs[refused.partition]
            # A log's start does not go back: what is not before it now has not expired, so it lay behind the end. What
            # lies before the group's offset is of no more use to it: others have processed that meanwhile.
            if refused.offset is None or refused.offset >= log.offset:
                cut[refused.partition] = log
            self._told[standing[refused.partition]] += refused.offset is None
        for partition, gap in cut.items():
            self._cut.setdefault(standing[partition], gap)
        asked = {
            partition: at.place
            for partition, at in standing.items()
            if partition not in outside and (compare or at in self._cut) and self._told[at] < _SURE
        }
        for partition, is_same in still_there(cluster, asked, starts, self._clock).items():
            if is_same:
                self._cut.pop(standing[partition], None)
                if refused is not None and (refused.partition, refused.offset) == (
                    partition,
                    standing[partition].offset,
                ):
                    self._proven.setdefault(cluster.name, {})[partition] = standing[partition].offset
            elif is_same is False:
                self._cut.setdefault(standing[partition], logs[partition])
        self._owed.pop(cluster.name, None)
        found = {partition: self._cut[at] for partition, at in standing.items() if at in self._cut}
        found |= {partition: gap for partition, gap in outside.items() if gap.records}
        return UnreadError(group, found) if found else None


def _standing(cluster: Cluster, consumer: Consumer, topics: Mapping[str, tuple[str, int]]) -> Iterator[_Standing]:
    """Yield what the group of `consumer` has committed of these topics; not what is about others of their names."""
    for committed in consumer.committed(
        [TopicPartition(*partition) for partition in partitions_of(topics)], timeout=_SECONDS
    ):
        if committed.error is not None:
            raise KafkaException(committed.error)
        id_ = topics[committed.topic][0]
        if committed.offset >= 0 and topic_id(committed.metadata) in {"", id_}:
            yield _Standing(
                cluster.name, id_, (committed.topic, committed.partition), committed.offset, committed.metadata or ""
            )
