"""Consumer groups of a context on one cluster: which there are, whether they are empty, and where they stand."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from confluent_kafka import ConsumerGroupState, ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition

from kafkalert.bus import clients
from kafkalert.bus.clients import COORDINATOR_SECONDS
from kafkalert.bus.denied import denied, of_topic
from kafkalert.bus.principal import UNKNOWN
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster, Settings
from kafkalert.config.stages import readers
from kafkalert.engine.consuming.progress import Place, committed_place, topic_id
from kafkalert.engine.consuming.skipping import Ranges, bound, of_epoch, written

SECONDS: Final = 5.0
"""How long one answer is waited for."""
Offsets = Mapping[Partition, int]
T = TypeVar("T")
Committed = Mapping[str, Offsets]
"""Each group's committed offsets; none, or negative ones, where it has none."""
Passed = Mapping[str, Mapping[Partition, Ranges]]
"""By group and partition: offsets that it passes over."""


@dataclass(frozen=True, slots=True)
class Attendance:
    """Who is in a group."""

    group: str
    state: str
    members: int

    @property
    def is_empty(self) -> bool:
        """Whether nobody reads for it, so that its offsets may be set."""
        return self.members == 0


@dataclass(frozen=True, slots=True)
class Known:
    """Where a group is on a cluster: what it `committed` there, and what a switch `tried` that never came to be."""

    committed: dict[Partition, int]
    tried: dict[Partition, int]


class Groups:
    """The groups of a context on one cluster.

    Every method raises UnreachableError where no answer comes in time, or one that is not whole: a group that is
    overlooked would go on at an old place. DeniedError names a right that is missing; but a cluster leaves groups that
    this client may not describe out of `names`, unsaid.
    """

    def __init__(self, settings: Settings, cluster: Cluster, *, seconds: float = SECONDS) -> None:
        self._cluster = cluster
        self._seconds = seconds
        self._start = settings.group("")
        self._client = clients.admin(cluster)  # held: its answers come only while it lives

    def names(self) -> list[str]:
        """Every group whose name begins as this context's do."""
        listed = self._answer(self._client.list_consumer_groups(request_timeout=self._seconds))
        if listed.errors:  # a broker that does not tell may have any of them
            raise clients.unreachable(self._cluster, KafkaException(listed.errors[0]))
        return sorted(group.group_id for group in listed.valid if group.group_id.startswith(self._start))

    def check_seen(self) -> None:
        """Check that this client may see every group of a stage: a cluster leaves others out of `names`, unsaid.

        Raises DeniedError.
        """
        self.attendance([f"{self._start}{stage}" for stage in readers()])

    def attendance(self, groups: Sequence[str]) -> dict[str, Attendance]:
        """Who is in each of `groups`; one that the cluster does not know is empty."""
        if not groups:
            return {}
        futures = self._client.describe_consumer_groups(list(groups), request_timeout=COORDINATOR_SECONDS)
        found: dict[str, Attendance] = {}
        for group, future in futures.items():
            try:
                told = self._answer(future, KafkaError.GROUP_ID_NOT_FOUND, of=group)
            except KafkaException:
                found[group] = Attendance(group, ConsumerGroupState.DEAD.name.lower(), 0)
            else:
                found[group] = Attendance(group, told.state.name.lower(), len(told.members))
        return found

    def committed(self, groups: Iterable[str]) -> dict[str, dict[Partition, int]]:
        """Where each group goes on: the next offset of each partition for which it has committed one."""
        return {
            group: {(place.topic, place.partition): place.offset for place in places}
            for group, places in self._places(groups).items()
        }

    def places(self, groups: Iterable[str], ids: Mapping[str, str]) -> dict[str, dict[Partition, Place]]:
        """Where each group has committed to be in topics of these `ids`, by name; not in others of their names."""
        return {
            group: {
                (place.topic, place.partition): committed_place(place)
                for place in places
                if place.topic in ids and topic_id(place.metadata) == ids[place.topic]
            }
            for group, places in self._places(groups).items()
        }

    def known(self, groups: Iterable[str], epoch: int) -> dict[str, Known]:
        """Where each group is; apart from it what a switch wrote that never came to be: of an epoch beyond `epoch`."""
        found: dict[str, Known] = {}
        for group, places in self._places(groups).items():
            found[group] = Known({}, {})
            for place in places:
                never = (of_epoch(place.metadata) or 0) > epoch
                (found[group].tried if never else found[group].committed)[place.topic, place.partition] = place.offset
        return found

    def skip_ends(self, groups: Iterable[str]) -> dict[str, dict[Partition, int]]:
        """Return the ends before which each group skips what the last switch says, where it has kept them."""
        return {
            group: {
                (place.topic, place.partition): end for place in places if (end := bound(place.metadata)) is not None
            }
            for group, places in self._places(groups).items()
        }

    def _places(self, groups: Iterable[str]) -> dict[str, list[TopicPartition]]:
        asked = {
            group: self._client.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(group)], request_timeout=COORDINATOR_SECONDS
            )[group]
            for group in groups
        }
        found: dict[str, list[TopicPartition]] = {}
        for group, future in asked.items():
            partitions = self._answer(future, of=group).topic_partitions or []
            for partition in partitions:
                if partition.error is not None:
                    name = partition.topic if of_topic(partition.error) else group
                    raise clients.unreachable(self._cluster, KafkaException(partition.error), "DESCRIBE", name)
            found[group] = [partition for partition in partitions if partition.offset >= 0]
        return found

    def move(self, group: str, offsets: Offsets, *, epoch: int, remark: str = "") -> None:
        """Have a group without members go on at `offsets`. Raises KafkaException where it has members.

        `remark` stands in the commits beside the epoch: with it, the same offset is another commit.
        """
        metadata = f"{written(epoch)} {remark}".rstrip()
        wanted = [
            TopicPartition(topic, number, offset, metadata) for (topic, number), offset in sorted(offsets.items())
        ]
        if not wanted:
            return
        request = ConsumerGroupTopicPartitions(group, wanted)
        futures = self._client.alter_consumer_group_offsets([request], request_timeout=COORDINATOR_SECONDS)
        for partition in self._answer(futures[group], *_REFUSALS, of=group, operation="READ").topic_partitions:
            if partition.error is not None:
                name = partition.topic if of_topic(partition.error) else group
                raise denied(self._cluster, partition.error, "READ", name) or KafkaException(partition.error)

    def _answer(self, future: Future[T], *passed: int, of: str = UNKNOWN, operation: str = "DESCRIBE") -> T:
        try:
            return future.result(self._seconds)
        except TimeoutError as error:
            self._client = clients.admin(self._cluster)  # with the other one goes what it would still do
            raise clients.silent(self._cluster) from error
        except KafkaException as error:
            if error.args[0].code() in passed:
                raise
            raise clients.unreachable(self._cluster, error, operation, of) from error


_REFUSALS: Final[tuple[Any, ...]] = (
    KafkaError.UNKNOWN_MEMBER_ID,  # what a coordinator says of a group that has members
    KafkaError.NON_EMPTY_GROUP,
    KafkaError.REBALANCE_IN_PROGRESS,
)
