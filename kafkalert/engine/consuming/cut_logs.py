"""Whether a log was cut before the offset that a member was given, and has grown since.

Who was to read what is lost may be another member. A broker tells by the leader's epoch that a commit has (KIP-320):
the library asks by it at a seek, though not where it is assigned an offset, and tells a cut log as one that lacks the
offset.
"""

import logging
from collections.abc import Collection, Iterable
from typing import Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from kafkalert.bus.records.partitions import Partition
from kafkalert.engine.consuming.events import RetryError
from kafkalert.engine.consuming.progress import partition_of

_LOG = logging.getLogger(__name__)
_WAKE_SECONDS: Final = 0.5
_LATEST: Final = 2**62
"""A time, in ms, to which no record comes."""


class CutChecks:
    """Has brokers check the offsets that a member is given. One thread's, and its callbacks'."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._asked: list[TopicPartition] = []

    def assign(self, offsets: list[TopicPartition], *, paused: bool) -> None:
        """Assign these, and have those checked that have an epoch; nothing comes of them as long as they are `paused`.

        A fetch from the end of a log is answered after `fetch.wait.max.ms` (0.5 s), and what is asked behind it on its
        connection only then. So nothing of these is fetched before all are asked about.
        """
        asked = [position for position in offsets if position.leader_epoch is not None]
        if asked:
            for position in offsets:
                self._consumer.get_watermark_offsets(position, cached=True)  # asks nobody; of others no pause is kept
            self._consumer.pause(offsets)
        self._consumer.incremental_assign(offsets)
        self._asked += asked
        self._ask()
        # The library keeps a pause for a partition that goes, and has it when it comes back.
        (self._consumer.pause if paused else self._consumer.resume)(offsets)
        if asked and not paused:
            self._wake(offsets)

    def _wake(self, offsets: Iterable[TopicPartition]) -> None:
        """Ask the leaders for anything: of a resume the library's threads hear only at their next look, after 1 s."""
        try:
            latest = [TopicPartition(position.topic, position.partition, _LATEST) for position in offsets]
            self._consumer.offsets_for_times(latest, timeout=_WAKE_SECONDS)
        except KafkaException as error:
            _LOG.info("fetching begins within a second: %s", error)

    def gone(self, partitions: Collection[Partition]) -> None:
        """Forget these partitions."""
        self._asked = [position for position in self._asked if (position.topic, position.partition) not in partitions]

    def repeat(self, batch: Iterable[Message]) -> None:
        """Ask again where the library did not take it. Raises RetryError where `batch` has records of such a one."""
        if not self._asked:
            return
        asked = {(position.topic, position.partition) for position in self._asked}
        if any(message.error() is None and partition_of(message) in asked for message in batch):
            raise RetryError("Whether a log was cut could not be asked in time.", hint="It is asked again.")
        self._ask()

    def _ask(self) -> None:
        later = []
        for position in self._asked:
            try:
                self._consumer.seek(position)
            except KafkaException as error:
                _LOG.info(
                    "%s[%d] is not checked from %d on yet: %s",
                    position.topic,
                    position.partition,
                    position.offset,
                    error,
                )
                later.append(position)
        self._asked = later
