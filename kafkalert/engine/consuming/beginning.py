"""Whether a group may begin where its offsets say: not where they are gone, though the stage has worked before.

Kafka forgets the offsets of a group without members after `offsets.retention.minutes`, a week by default; it forgets
those of a topic that is deleted; and somebody can delete a group. To begin at the beginning again would send a week of
alerts twice.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from kafkalert.bus import clients
from kafkalert.bus.denied import denied, of_topic
from kafkalert.bus.principal import UNKNOWN
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.engine.ending import Ending
from kafkalert.errors import RefusedError

_LOG = logging.getLogger(__name__)
_SECONDS: Final = 5.0
_READ_SECONDS: Final = 1.0


class OffsetsGoneError(RefusedError):
    """The group has no offsets, though the stage has worked here."""


class Beginning:
    """Where `group` begins on `cluster`: `check`, before this process joins it. `consumer` is its future member."""

    def __init__(self, cluster: Cluster, group: str, consumer: Consumer, ending: Ending) -> None:
        self._cluster = cluster
        self._group = group
        self._consumer = consumer
        self._ending = ending

    def check(
        self, inputs: Sequence[Partition], outputs: Sequence[Partition], *, gone: Literal["refuse", "again"]
    ) -> None:
        """Return where the group may begin.

        What `outputs` hold tells that the stage has worked before. Raises OffsetsGoneError where it has, and `gone` is
        "refuse"; DeniedError; KafkaException where the cluster does not answer.
        """
        try:
            self._check(inputs, outputs, gone)
        except KafkaException as error:
            refusal = denied(self._cluster, error, "READ", UNKNOWN if of_topic(error.args[0]) else self._group)
            if refusal is None:
                raise
            raise refusal from error

    def _check(self, inputs: Sequence[Partition], outputs: Sequence[Partition], gone: str) -> None:
        if not self._unbegun(inputs):
            return
        worked = any(high > 0 for _, high in (self._ends(partition) for partition in outputs))
        # Asked again: another instance may have begun meanwhile, and what it sent is what was just seen.
        lost = self._unbegun(inputs) if worked else []
        ends = {partition: self._ends(partition) for partition in lost}
        count = sum(high - low for low, high in ends.values())
        if not count:
            return
        first = self._oldest({partition: low for partition, (low, high) in ends.items() if low < high})
        many = f"{count:,} record{'s' * (count != 1)} of {' and '.join(dict.fromkeys(topic for topic, _ in ends))}"
        since = f", from {datetime.fromtimestamp(first / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC on" if first else ""
        what = f"Group {self._group} has no offsets on {self._cluster.name}, though alerts were sent there before"
        if gone == "again":
            _LOG.warning("%s; processing %s again%s", what, many, since)
            return
        raise OffsetsGoneError(
            f"{what}: a start would process {many} again{since}.",
            hint=f"Say where to go on: `kafkalert group seek {self._group} end` (or @-1h, start; see --help).",
        )

    def _unbegun(self, inputs: Sequence[Partition]) -> list[Partition]:
        """Return the partitions of topics in which the group has no offset at all.

        It returns none where the group has members, who have offsets.
        """
        self._ending.check()
        told = self._consumer.committed([TopicPartition(*partition) for partition in inputs], timeout=_SECONDS)
        for committed in told:
            if committed.error is not None:
                raise KafkaException(committed.error)
        begun = {committed.topic for committed in told if committed.offset >= 0}
        found = [partition for partition in inputs if partition[0] not in begun]
        return [] if found and self._has_members() else found

    def _ends(self, partition: Partition) -> tuple[int, int]:
        self._ending.check()
        return self._consumer.get_watermark_offsets(TopicPartition(*partition), timeout=_SECONDS)

    def _has_members(self) -> bool:
        """Whether somebody works for the group, who has found where to begin."""
        client = clients.admin(self._cluster)  # held: its answers come only while it lives
        (future,) = client.describe_consumer_groups([self._group], request_timeout=clients.COORDINATOR_SECONDS).values()
        try:
            return bool(future.result(_SECONDS).members)
        except TimeoutError as error:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from error  # noqa: SLF001 - librdkafka's public codes begin with _
        except KafkaException as error:
            if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
                return False
            raise

    def _oldest(self, starts: dict[Partition, int]) -> int:
        """Return the least time, in ms, of the first records of partitions; 0 where it is not known."""
        reader = clients.consumer(self._cluster, self._group, isolation_level="read_uncommitted")
        times = []
        try:
            for partition, low in starts.items():
                self._ending.check()
                reader.assign([TopicPartition(*partition, low)])
                message = reader.poll(_READ_SECONDS)
                if message is not None and message.error() is None and message.timestamp()[1] > 0:
                    times.append(message.timestamp()[1])
        finally:
            clients.close_behind(reader)
        return min(times, default=0)
