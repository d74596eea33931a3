"""Where a group without any offsets begins: a first start at the beginning, one whose offsets are gone only when told.

Kafka forgets the offsets of a group without members after `offsets.retention.minutes`, a week by default; and somebody
can delete a group. To begin at the beginning again would send a week of alerts twice.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from kafkalert.bus import clients
from kafkalert.config.sections import Cluster
from kafkalert.engine.progress import Partition
from kafkalert.engine.skipping import written
from kafkalert.errors import RefusedError

_LOG = logging.getLogger(__name__)
_SECONDS: Final = 5.0
_READ_SECONDS: Final = 1.0


class OffsetsGoneError(RefusedError):
    """The group has no offsets, though the stage has worked here."""


class Beginning:
    """Where `group` begins on `cluster`: `check`, before anybody joins it."""

    def __init__(self, cluster: Cluster, group: str) -> None:
        self._cluster = cluster
        self._group = group

    def check(
        self,
        consumer: Consumer,
        inputs: Sequence[Partition],
        outputs: Sequence[Partition],
        *,
        epoch: int,
        gone: Literal["refuse", "again"],
    ) -> None:
        """Return where the group may begin; one that begins for the first time has its places committed.

        What `outputs` hold tells that the stage has worked before. Raises OffsetsGoneError where it has, and `gone` is
        "refuse"; KafkaException where the cluster does not answer.
        """
        asked = [TopicPartition(*one) for one in inputs]
        told = consumer.committed(asked, timeout=_SECONDS)
        for one in told:
            if one.error is not None:
                raise KafkaException(one.error)
        if any(one.offset >= 0 for one in told) or self._has_members():
            return
        ends = {one: self._ends(consumer, one) for one in inputs}
        count = sum(high - low for low, high in ends.values())
        worked = any(low < high or high > 0 for low, high in (self._ends(consumer, one) for one in outputs))
        if not (worked and count):
            self._begin({one: low for one, (low, _) in ends.items()}, epoch)
            return
        first = self._oldest({one: low for one, (low, high) in ends.items() if low < high})
        many = f"{count:,} record{'s' * (count != 1)}"
        since = f", from {datetime.fromtimestamp(first / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC on" if first else ""
        what = f"Group {self._group} has no offsets on {self._cluster.name}, though alerts were sent there before"
        if gone == "again":
            _LOG.warning("%s; processing %s again%s", what, many, since)
            return
        raise OffsetsGoneError(
            f"{what}: a start would process {many} again{since}.",
            hint=f"Say where to go on: `kafkalert offsets set {self._group} end` (or @-1h, start; see --help).",
        )

    def _ends(self, consumer: Consumer, one: Partition) -> tuple[int, int]:
        return consumer.get_watermark_offsets(TopicPartition(*one), timeout=_SECONDS)

    def _has_members(self) -> bool:
        """Whether somebody works for the group, who has found where to begin."""
        client = clients.admin(self._cluster)
        (future,) = client.describe_consumer_groups([self._group], request_timeout=_SECONDS).values()
        try:
            return bool(future.result(_SECONDS + 1).members)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
                return False
            raise

    def _begin(self, places: dict[Partition, int], epoch: int) -> None:
        """Commit where a first start begins: one that dies before its first commit has not lost its offsets."""
        client = clients.admin(self._cluster)
        wanted = [TopicPartition(*one, offset, written(epoch)) for one, offset in places.items()]
        request = ConsumerGroupTopicPartitions(self._group, wanted)
        (future,) = client.alter_consumer_group_offsets([request], request_timeout=_SECONDS).values()
        try:
            future.result(_SECONDS + 1)
        except KafkaException as error:  # another instance has begun meanwhile
            _LOG.info("group %s: its first places were not taken (%s)", self._group, error)

    def _oldest(self, starts: dict[Partition, int]) -> int:
        """The least time, in ms, of the first records of partitions; 0 where it is not known."""
        reader = clients.consumer(self._cluster, self._group, isolation_level="read_uncommitted")
        times = []
        try:
            for one, low in starts.items():
                reader.assign([TopicPartition(*one, low)])
                message = reader.poll(_READ_SECONDS)
                if message is not None and message.error() is None and message.timestamp()[1] > 0:
                    times.append(message.timestamp()[1])
        finally:
            clients.close_behind(reader)
        return min(times, default=0)
