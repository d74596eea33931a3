"""What a stage's member commits, and how it hears of it."""

import logging
from collections.abc import Mapping
from threading import Thread
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from kafkalert.bus.records.partitions import Partition
from kafkalert.engine.consuming.progress import Place, Progress, offsets, with_topic
from kafkalert.engine.consuming.skipping import written

_LOG = logging.getLogger(__name__)
COMMIT_SECONDS: Final = 2.0


class Commits:
    """Commits by `consumer`, which tells `told` how it went, what `progress` says.

    Beside each offset stand the record's id, the switch's epoch, and the topic's id of `ids`. `bounds` are the ends up
    to which a switch may have listed what is skipped, see `skipping.bound`.
    """

    def __init__(self, consumer: Consumer, progress: Progress) -> None:
        self._consumer = consumer
        self._progress = progress
        self._epoch = 0
        self._calls: list[Thread] = []
        self.ids: Mapping[str, str] = {}
        self.bounds: dict[Partition, int] = {}

    def begin(self, epoch: int, ids: Mapping[str, str]) -> None:
        """Say from now on that this is the epoch, and that topics have these ids."""
        self._epoch, self.ids = epoch, ids

    def join(self) -> None:
        """Wait for the calls that still wait for an answer: a consumer must not be closed under them."""
        for call in self._calls:
            call.join()

    def told(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        """How a commit went that was not waited for: what the group did not take is committed again."""
        for answer in partitions:
            refusal = error if error is not None else answer.error
            if refusal is not None:
                is_here = self._progress.next_offset((answer.topic, answer.partition)) is not None
                self._progress.refused([(answer.topic, answer.partition)])
                # Of a partition that has gone to another member, it is not committed again: that member repeats a few.
                level = logging.INFO if is_here else logging.WARNING
                _LOG.log(level, "commit of %s[%d]: %s", answer.topic, answer.partition, refusal.str())

    def soon(self, moved: Mapping[Partition, int]) -> None:
        """Commit without waiting; what the group does not take is committed again."""
        places = self._progress.placed(moved)
        self._progress.committed(places)
        wanted = self._offsets(places)
        try:
            self._consumer.commit(offsets=wanted)
        except KafkaException as error:
            self.told(error.args[0], wanted)

    def now(self, moved: Mapping[Partition, int]) -> bool:
        """Commit and wait for the answer, which a broker that hangs may never give; whether it was a good one."""
        if not moved:
            return True
        places = self._progress.placed(moved)
        told: list[str] = []

        def call() -> None:
            try:
                answers = self._consumer.commit(offsets=self._offsets(places), asynchronous=False)
                told.append("; ".join(answer.error.str() for answer in answers or () if answer.error is not None))
            except KafkaException as error:
                told.append(error.args[0].str())

        calling = Thread(target=call, name="commit", daemon=True)
        self._calls.append(calling)
        calling.start()
        calling.join(COMMIT_SECONDS)
        if told == [""]:
            self._calls.remove(calling)
            self._progress.committed(places)
            return True
        # The records come again, with the same ids.
        _LOG.warning("commit: %s", told[0] if told else f"no answer in {COMMIT_SECONDS:.0f} s")
        return False

    def _offsets(self, places: Mapping[Partition, Place]) -> list[TopicPartition]:
        def metadata(partition: Partition) -> str:
            return with_topic(written(self._epoch, self.bounds.get(partition)), self.ids.get(partition[0], ""))

        return offsets(places, metadata)
