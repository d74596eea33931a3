"""Reads marks: many partitions of one cluster, each from a given offset, without a group.

Nothing is committed and nobody is disturbed. How far a partition was read is known by its records and by the
end-of-partition event, so transaction markers, aborted records and compaction hold nothing up.
"""

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Final

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import ListOffsetsResultInfo, OffsetSpec

from kafkalert.bus import clients
from kafkalert.bus.denied import denied_topic
from kafkalert.bus.records import unreadable
from kafkalert.bus.records.gone import is_gone
from kafkalert.bus.records.marks import Mark, mark
from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.records.watermarks import MissingTopicsError
from kafkalert.config.sections import Cluster
from kafkalert.errors import KafkalertError

SECONDS: Final = 4.0
"""How long one answer is waited for."""
_CONNECT_SECONDS: Final = 1.0
_BATCH: Final = 2000
_CLOSE_SECONDS: Final = 1.0


def reached(positions: Mapping[Partition, int], ends: Mapping[Partition, int]) -> bool:
    """Whether everything before `ends` was read, if all before `positions` was; nothing was of what these lack."""
    return all(positions.get(partition, -1) >= end for partition, end in ends.items())


class Places:
    """Asks one cluster for its partitions and for offsets.

    All methods raise UnreachableError after SECONDS, and DeniedError.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._admin = clients.admin(cluster)
        self._connected = False

    def partitions(self, topics: Iterable[str]) -> list[Partition]:
        """Every partition of `topics`. Raises ConfigError naming those that are not there."""
        found: list[Partition] = []
        absent: list[str] = []
        for name, answer in self._admin.describe_topics(TopicCollection(list(topics)), request_timeout=SECONDS).items():
            try:
                found += [(name, partition.id) for partition in answer.result().partitions]
            except KafkaException as error:
                if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise clients.unreachable(self._cluster, error, "DESCRIBE", name) from error
                absent.append(name)
        if absent:
            raise MissingTopicsError(self._cluster, absent)
        return found

    def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Return the first offset that is still there."""
        first: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]  # the library's
        return self._ask(dict.fromkeys(partitions, first))

    def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Return the last stable offset: all before it is committed or aborted, and can be read and mirrored."""
        last: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # as above
        return self._ask(dict.fromkeys(partitions, last))

    def high_watermarks(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Return the offset after the last record of all, also behind a transaction that is open."""
        last: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # as above
        return self._ask(dict.fromkeys(partitions, last), IsolationLevel.READ_UNCOMMITTED)

    def since(self, times: Mapping[Partition, int]) -> dict[Partition, int]:
        """Return the first offset with a timestamp (ms) of its partition's time or later; without such a record none.

        Records of that time or later may follow earlier ones, but none of them lies before.
        """
        asked = {partition: OffsetSpec.for_timestamp(max(0, time)) for partition, time in times.items()}
        return {partition: offset for partition, offset in self._ask(asked).items() if offset >= 0}

    def _ask(
        self,
        specs: Mapping[Partition, OffsetSpec],
        isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
    ) -> dict[Partition, int]:
        if not specs:
            return {}
        self._connect()
        answers: Mapping[TopicPartition, Future[ListOffsetsResultInfo]] = self._admin.list_offsets(
            {TopicPartition(*partition): spec for partition, spec in specs.items()},
            isolation_level=isolation,
            request_timeout=SECONDS,
        )
        found: dict[Partition, int] = {}
        for partition, answer in answers.items():
            try:
                found[partition.topic, partition.partition] = answer.result().offset
            except KafkaException as error:
                raise clients.unreachable(self._cluster, error, "DESCRIBE", partition.topic) from error
        return found

    def _connect(self) -> None:
        """Ask for something else before the first offsets.

        Of a client that connects just now, one answer in 200 about offsets takes 3 s: the library asks for the leaders
        on the connection to the address that it was given, which it ends once it knows the brokers.
        """
        if not self._connected:
            self._connected = True
            with suppress(KafkaException):  # what is asked next says why, should nobody answer
                self._admin.describe_cluster(request_timeout=_CONNECT_SECONDS).result()


class MarkReader:
    """A consumer of `cluster` that gives marks; `other` is the other cluster's name. Not for several threads.

    `uncommitted`: also what lies in or behind a transaction that is open, and what was aborted.
    """

    def __init__(self, cluster: Cluster, other: str, *, uncommitted: bool = False) -> None:
        self._cluster = cluster
        self._other = other
        self._places = Places(cluster)
        self._consumer: Consumer = clients.consumer(
            cluster,
            "kafkalert.marks",  # librdkafka wants a name; nothing joins or commits
            enable_partition_eof=True,
            auto_offset_reset="error",
            error_cb=lambda _: None,  # silence is what callers bound
            isolation_level="read_uncommitted" if uncommitted else "read_committed",
            queued_max_messages_kbytes=32 << 10,
        )
        self.positions: dict[Partition, int] = {}
        """Everything before this offset was read, or is no record, by partition."""
        self._passed: dict[Partition, int] = {}

    def start(self, at: Mapping[Partition, int]) -> None:
        """Read these partitions, each from its offset, and no others."""
        self.positions = dict(at)
        self._consumer.assign([TopicPartition(*partition, offset) for partition, offset in at.items()])

    def stop(self, partitions: Iterable[Partition]) -> None:
        """Read these no longer; their positions stay."""
        self._consumer.incremental_unassign([TopicPartition(*partition) for partition in partitions])

    def pump(self, seconds: float) -> list[tuple[Partition, Mark]]:
        """Return what has come, waiting at most `seconds` for the first of it; marks of a partition by rising offset.

        What expired before it was read is passed over. Raises KafkalertError where the cluster does not let us read.
        """
        return [(partition, mark(message, self._other)) for partition, message in self.messages(seconds)]

    def messages(self, seconds: float) -> list[tuple[Partition, Message]]:
        """As `pump`, but whole records."""
        try:
            first = self._consumer.poll(seconds)
            messages = [] if first is None else [first, *self._consumer.consume(_BATCH, 0)]
        except KafkaException as error:
            raise clients.unreachable(self._cluster, error) from error
        found: list[tuple[Partition, Message]] = []
        for message in messages:
            partition = (message.topic() or "", message.partition() or 0)
            if message.error() is not None:
                self._event(partition, message)
            elif partition in self.positions:
                self.positions[partition] = (message.offset() or 0) + 1
                found.append((partition, message))
        return found

    def reached(self, ends: Mapping[Partition, int]) -> bool:
        """Whether everything before these offsets was read."""
        return reached(self.positions, ends)

    def close(self) -> None:
        """Leave; a cluster that is away would hold this up for long, so it is waited for a second only."""
        closing = threading.Thread(target=self._consumer.close, name="close", daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)

    def _event(self, partition: Partition, message: Message) -> None:
        error = message.error()
        if error is None or partition not in self.positions:
            return
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public codes begin with _
            self.positions[partition] = max(self.positions[partition], message.offset() or 0)
        elif is_gone(error):
            self._go_on(partition)
        elif unreadable.is_refused(error):
            self._pass_batch(partition, message)
        elif error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise MissingTopicsError(self._cluster, [partition[0]])
        elif (refusal := denied_topic(self._cluster, error, partition[0])) is not None:
            raise refusal

    def _pass_batch(self, partition: Partition, refused: Message) -> None:
        """Go on behind what cannot be decompressed: no mirror carries it, and no stage processes it."""
        if (refused.offset() or 0) < self._passed.get(partition, 0):
            return  # told again
        try:
            self.positions[partition] = self._passed[partition] = unreadable.pass_batch(
                self._cluster, self._consumer, refused
            ).end
        except KafkaException as error:
            raise clients.unreachable(self._cluster, error) from error

    def _go_on(self, partition: Partition) -> None:
        """After retention took what was to be read: go on where the log begins now."""
        low = self._places.starts([partition])[partition]
        if low <= self.positions[partition]:
            raise KafkalertError(
                f"{partition[0]}[{partition[1]}] on {self._cluster.name} no longer has what it had.",
                hint="The topic was made anew, or lost its end; try again.",
            )
        self.positions[partition] = low
        self._consumer.incremental_unassign([TopicPartition(*partition)])
        self._consumer.incremental_assign([TopicPartition(*partition, low)])
