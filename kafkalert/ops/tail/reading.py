"""Reading ranges of partitions: to their ends, past transaction markers and holes, with no group and no commit."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from kafkalert.bus import clients
from kafkalert.bus.denied import denied_topic
from kafkalert.bus.records import unreadable
from kafkalert.bus.records.gone import is_gone
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.ops.tail.log import Log
from kafkalert.ops.tail.report import Report

POLL_SECONDS: Final = 0.25
QUIET_SECONDS: Final = 1.0
"""After so long without anything from a partition that has more, the cluster is asked whether it is there."""
PATIENCE_SECONDS: Final = 8.0
"""After so long from a cluster that does answer, a partition counts as unreachable."""
_ANSWER_SECONDS: Final = 6.0
_BATCH: Final = 500
_CLOSE_SECONDS: Final = 1.0


class Reading:
    """One consumer that is told what to read. Takes the next offset from nobody but its caller.

    `more` are librdkafka properties with `_` for `.`.
    """

    def __init__(
        self,
        cluster: Cluster,
        group: str,
        log: Log,
        report: Report,
        clock: Clock,
        **more: Any,  # noqa: ANN401 - librdkafka's values
    ) -> None:
        self._cluster = cluster
        self._log = log
        self._report = report
        self._clock = clock
        self.consumer: Consumer = clients.consumer(
            cluster, group, enable_partition_eof=True, auto_offset_reset="error", error_cb=lambda _: None, **more
        )

    def close(self) -> None:
        """Leave. A cluster that is away would hold this up for long: it gets some seconds."""
        closing = threading.Thread(target=self.consumer.close, daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)

    def batch(self, seconds: float = POLL_SECONDS) -> list[Message]:
        """Return what has come, at the latest after `seconds`: messages, and errors of partitions.

        Raises UnreachableError.
        """
        try:
            first = self.consumer.poll(seconds)
            if first is None:
                return []
            return [first, *self.consumer.consume(_BATCH, 0)]
        except KafkaException as error:
            raise clients.unreachable(self._log.cluster, error) from error

    def ranges(self, ranges: Mapping[Partition, tuple[int, int]]) -> Iterator[tuple[Partition, Message | None]]:
        """Yield the messages of each partition from the first offset up to the second, and None when it has given all.

        A partition ends with a record at or behind its second offset, or at the log's end, whichever is first: so
        neither markers nor compaction hold it up. What expires meanwhile is counted, what does not answer is named in
        the report. Raises UnreachableError where the cluster does not answer at all.
        """
        pending = {partition: stop for partition, (start, stop) in ranges.items() if start < stop}
        for partition in ranges.keys() - pending.keys():
            yield partition, None
        self.consumer.assign([TopicPartition(*partition, ranges[partition][0]) for partition in pending])
        silence = Silence(self._clock)
        while pending:
            with silence.measured():
                messages = self.batch()
            for message in messages:
                partition = (str(message.topic()), int(message.partition() or 0))
                if partition in pending:
                    silence.broken()
                    yield from self._events(partition, message, pending)
            for partition in self._given_up(silence, pending):
                del pending[partition]
                self._report.unread.append(f"{partition[0]}[{partition[1]}]")
                yield partition, None
        self.consumer.unassign()

    def _events(
        self, partition: Partition, message: Message, pending: dict[Partition, int]
    ) -> Iterator[tuple[Partition, Message | None]]:
        stop = pending[partition]
        over = self._over(partition, message, stop)
        if message.error() is None and int(message.offset() or 0) < stop:
            yield partition, message
        if over:
            del pending[partition]
            self.consumer.incremental_unassign([TopicPartition(*partition)])
            yield partition, None

    def _given_up(self, silence: "Silence", pending: Mapping[Partition, int]) -> list[Partition]:
        """Return the partitions that are waited for in vain. Raises UnreachableError where nobody answers at all."""
        if silence.lasts(QUIET_SECONDS):
            self._log.topics({topic for topic, _ in pending}, seconds=_ANSWER_SECONDS)
        return sorted(pending) if silence.seconds > PATIENCE_SECONDS else []

    def _over(self, partition: Partition, message: Message, stop: int) -> bool:
        """Whether nothing of the range is left after this message or error."""
        error = message.error()
        if error is None:
            return int(message.offset() or 0) + 1 >= stop
        if is_gone(error):
            return not self._go_on(partition, message, stop)
        if (refusal := denied_topic(self._cluster, error, partition[0])) is not None:
            raise refusal
        if unreadable.is_refused(error):
            return self.pass_batch(message) >= stop
        return error.code() in {KafkaError._PARTITION_EOF, KafkaError.UNKNOWN_TOPIC_OR_PART}  # noqa: SLF001 - librdkafka's public codes begin with _

    def pass_batch(self, refused: Message) -> int:
        """Go on behind a batch that cannot be decompressed, and count it; returns the first offset behind it."""
        try:
            batch = unreadable.pass_batch(self._cluster, self.consumer, refused)
        except KafkaException as error:
            raise clients.unreachable(self._cluster, error) from error
        if batch.end > batch.first:
            self._report.undecodable["unreadable-batch"] += 1
        return batch.end

    def _go_on(self, partition: Partition, message: Message, stop: int) -> bool:
        """After retention took what was to be read: go on where the log begins now, if that is still in the range."""
        wanted = max(0, int(message.offset() or 0))
        low = self._log.ends([partition])[partition].low
        self._report.expired += max(0, min(low, stop) - wanted)
        if low >= stop:
            return False
        self.consumer.incremental_unassign([TopicPartition(*partition)])
        self.consumer.incremental_assign([TopicPartition(*partition, low)])
        return True


class Silence:
    """How long nothing has come while something was waited for; the reader's own pauses do not count."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.seconds = 0.0
        self._lasted = 0.0

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Count the time that the block takes, which waits for something."""
        began = self._clock.monotonic()
        yield
        self.seconds += self._clock.monotonic() - began

    def broken(self) -> None:
        """Something came."""
        self.seconds = self._lasted = 0.0

    def lasts(self, seconds: float) -> bool:
        """Whether it has gone on for `seconds`, or for so long again since this last said so."""
        if self.seconds - self._lasted < seconds:
            return False
        self._lasted = self.seconds
        return True
