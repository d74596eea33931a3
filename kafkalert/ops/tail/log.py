"""What the brokers say of topics that are to be read: partitions, ends, and offsets of times."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Event
from typing import Final

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, ListOffsetsResultInfo, OffsetSpec, TopicDescription

from kafkalert.bus import clients
from kafkalert.bus.denied import code_of, is_denied
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.ops.offsets import AfterStart, Ago, At, BeforeEnd, End, Position, Start, Time

_PASSING: Final = frozenset(
    {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE}
)
"""What brokers say of a partition that they have not heard of yet, or that moves."""
_ATTEMPTS: Final = 8
_PAUSE_SECONDS: Final = 0.15
_NO_TOPIC: Final = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_EXCEPTION})


@dataclass(frozen=True, slots=True)
class Topics:
    """What exists of the topics that were asked about. `ids` change when a topic is made anew."""

    ids: dict[str, str] = field(default_factory=dict)
    partitions: list[Partition] = field(default_factory=list)
    leaderless: list[Partition] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ends:
    """The first offset of a partition, and the one after its last record that is committed."""

    low: int
    high: int


class Log:
    """Asks one cluster. All methods raise UnreachableError, and DeniedError."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._admin: AdminClient = clients.admin(cluster)
        self._pause = Event()

    def ask(self, topics: Iterable[str], *, seconds: float) -> Mapping[str, "Future[TopicDescription]"]:
        """Ask for topics without waiting; nothing is created by asking."""
        futures: Mapping[str, Future[TopicDescription]] = self._admin.describe_topics(
            TopicCollection(list(topics)), request_timeout=seconds
        )
        return futures

    def told(self, answers: Mapping[str, "Future[TopicDescription]"]) -> Topics:
        """Return the answers to `ask`, waited for."""
        topics = Topics()
        for name, answer in answers.items():
            try:
                described = answer.result()
            except KafkaException as error:
                if code_of(error) not in _NO_TOPIC:
                    raise self._error(error, name) from error
                topics.missing.append(name)
                continue
            topics.ids[name] = str(described.topic_id)
            for partition in described.partitions:
                led = partition.leader is not None and partition.leader.id >= 0
                (topics.partitions if led else topics.leaderless).append((name, partition.id))
        return topics

    def topics(self, names: Iterable[str], *, seconds: float = clients.PROBE_SECONDS) -> Topics:
        """Return what exists of `names` now; `seconds` is how long the answer may take."""
        return self.told(self.ask(names, seconds=seconds))

    def ends(self, partitions: Iterable[Partition]) -> dict[Partition, Ends]:
        """Both ends of these partitions; of those that do not answer nothing."""
        wanted = list(partitions)
        lows = self._offsets(wanted, OffsetSpec.earliest())  # type: ignore[no-untyped-call]  # the library's
        highs = self._offsets(wanted, OffsetSpec.latest())  # type: ignore[no-untyped-call]  # as above
        return {
            partition: Ends(lows[partition], highs[partition])
            for partition in wanted
            if partition in lows and partition in highs
        }

    def positions(self, position: Position, ends: Mapping[Partition, Ends], now_ms: int) -> dict[Partition, int]:
        """Return the offset that `position` means in each partition, between its two ends."""
        if isinstance(position, Ago):
            position = position.time(now_ms)
        found: Mapping[Partition, int] = {}
        if isinstance(position, Time):
            found = self._offsets(ends, OffsetSpec.for_timestamp(position.ms))
        return {partition: offset_of(position, both, found.get(partition, -1)) for partition, both in ends.items()}

    def _offsets(self, partitions: Iterable[Partition], spec: OffsetSpec) -> dict[Partition, int]:
        """Return the offset of each partition that answers. One that the broker has not heard of yet is asked again."""
        found: dict[Partition, int] = {}
        failed: KafkaException | None = None
        asked = list(partitions)
        for _ in range(_ATTEMPTS):
            again = []
            for partition, future in self._ask_offsets(asked, spec).items():
                try:
                    found[partition.topic, partition.partition] = future.result().offset
                except KafkaException as error:
                    failed = error
                    if is_denied(error):
                        raise self._error(error, partition.topic) from error
                    if code_of(error) in _PASSING:
                        again.append((partition.topic, partition.partition))
            if not again:
                break
            asked = again
            self._pause.wait(_PAUSE_SECONDS)
        if failed is not None and not found:
            raise self._error(failed, "") from failed
        return found

    def _ask_offsets(
        self, partitions: list[Partition], spec: OffsetSpec
    ) -> Mapping[TopicPartition, "Future[ListOffsetsResultInfo]"]:
        if not partitions:
            return {}
        futures: Mapping[TopicPartition, Future[ListOffsetsResultInfo]] = self._admin.list_offsets(
            {TopicPartition(*partition): spec for partition in partitions},
            isolation_level=IsolationLevel.READ_COMMITTED,
            request_timeout=clients.PROBE_SECONDS,
        )
        return futures

    def _error(self, error: KafkaException, topic: str) -> Exception:
        return clients.unreachable(self.cluster, error, "DESCRIBE", topic)


def offset_of(position: Position, ends: Ends, by_time: int = -1) -> int:
    """Return the offset that `position` means between `ends`; `by_time` is that of a time, or -1 where all is older."""
    match position:
        case Start():
            wanted = ends.low
        case At(offset):
            wanted = offset
        case AfterStart(count):
            wanted = ends.low + count
        case BeforeEnd(count):
            wanted = ends.high - count
        case End():
            wanted = ends.high
        case Time() | Ago():
            wanted = by_time if by_time >= 0 else ends.high
    return min(max(wanted, ends.low), ends.high)
