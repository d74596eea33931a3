"""`tail -f`: what comes, from wherever it comes, while topics appear, grow, go and are made anew."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import Final

from confluent_kafka import KafkaError, Message, TopicPartition
from confluent_kafka.admin import TopicDescription

from kafkalert.bus.denied import denied_topic
from kafkalert.bus.records import unreadable
from kafkalert.bus.records.gone import is_gone
from kafkalert.bus.records.partitions import Partition
from kafkalert.engine.clock import Clock
from kafkalert.errors import UnreachableError
from kafkalert.ops.tail.log import Log, Topics
from kafkalert.ops.tail.merge import merged
from kafkalert.ops.tail.reading import Reading, Silence
from kafkalert.ops.tail.report import Report

WATCH_SECONDS: Final = 2.0
"""How often the cluster is asked what exists, which also shows that it is there."""
SAY_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 5.0


class Following:
    """Follows topics from given offsets until `gone()`. What happens to topics and cluster is told to `note`."""

    def __init__(
        self,
        topics: tuple[str, ...],
        *,
        log: Log,
        reading: Reading,
        report: Report,
        clock: Clock,
        note: Callable[[str], None],
        gone: Callable[[], bool],
    ) -> None:
        self._topics = topics
        self._log = log
        self._reading = reading
        self._report = report
        self._clock = clock
        self._note = note
        self._gone = gone
        self._next: dict[Partition, int] = {}
        self._ids: dict[str, str] = {}
        self._lost: set[Partition] = set()
        self._asked: Mapping[str, Future[TopicDescription]] | None = None
        self._watched = clock.monotonic()
        self._silence = Silence(clock)
        self._away = False

    def messages(self, start: Mapping[Partition, int], known: Topics) -> Iterator[Message]:
        """Messages as they come; those that come together in the order of time."""
        self._ids = dict(known.ids)
        self._next = dict(start)
        self._reading.consumer.assign([TopicPartition(*partition, offset) for partition, offset in start.items()])
        while not self._gone():
            parts: dict[Partition, list[Message]] = defaultdict(list)
            with self._silence.measured():
                batch = self._batch()
            for message in batch:
                partition = (str(message.topic()), int(message.partition() or 0))
                if partition in self._next and self._is_record(partition, message):
                    parts[partition].append(message)
            for message in merged(list(parts.values()), lambda record: int(record.timestamp()[1])):
                self._next[str(message.topic()), int(message.partition() or 0)] = int(message.offset() or 0) + 1
                yield message
            self._watch()

    def _batch(self) -> list[Message]:
        try:
            return self._reading.batch()
        except UnreachableError:
            return []  # told by `_watch`, which asks the cluster itself

    def _is_record(self, partition: Partition, message: Message) -> bool:
        error = message.error()
        if error is None:
            self._answered()
            return True
        if is_gone(error) or error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            self._lost.add(partition)
        elif unreadable.is_refused(error):
            self._next[partition] = self._reading.pass_batch(message)
        if (refusal := denied_topic(self._log.cluster, error, partition[0])) is not None:
            raise refusal
        return False

    def _watch(self) -> None:
        """Ask what exists, and act on the answer once it is there; nothing here waits."""
        now = self._clock.monotonic()
        if self._asked is None and now - self._watched > (0 if self._lost else WATCH_SECONDS):
            self._watched = now
            self._asked = self._log.ask(self._topics, seconds=_ANSWER_SECONDS)
        if self._asked is not None and all(future.done() for future in self._asked.values()):
            answers, self._asked = self._asked, None
            try:
                self._act(self._log.told(answers))
                self._answered()
            except UnreachableError:
                pass  # said below, once it has lasted
        if self._silence.lasts(SAY_SECONDS):
            self._away = True
            self._note(f"{self._log.cluster.name} has not answered for {self._silence.seconds:.0f} s; waiting for it.")

    def _answered(self) -> None:
        self._silence.broken()
        if self._away:
            self._away = False
            self._note(f"{self._log.cluster.name} answers again.")

    def _act(self, there: Topics) -> None:
        """Read what is new from its start, leave what is gone, and find the place again where it was lost."""
        for topic in there.missing:
            if topic in self._ids:
                self._note(f"Topic {topic} is gone; waiting for it to come back.")
                self._leave(topic)
                del self._ids[topic]
        for topic, identity in there.ids.items():
            if self._ids.get(topic, identity) != identity:
                self._note(f"Topic {topic} was made anew; reading it from its start.")
                self._leave(topic)
            elif topic not in self._ids:
                self._note(f"Topic {topic} is there now.")
            self._ids[topic] = identity
        self._report.missing = list(there.missing)
        self._report.unread = [f"{topic}[{number}]" for topic, number in there.leaderless]
        fresh = [partition for partition in there.partitions if partition not in self._next]
        self._find(
            fresh, [partition for partition in self._lost if partition in self._next and partition in there.partitions]
        )
        self._lost.clear()

    def _find(self, fresh: list[Partition], lost: list[Partition]) -> None:
        ends = self._log.ends([*fresh, *lost])
        for partition in lost:
            if partition not in ends:
                continue
            low, high = ends[partition].low, ends[partition].high
            if low > self._next[partition]:
                self._report.expired += low - self._next[partition]
            elif high < self._next[partition]:
                self._note(f"{partition[0]}[{partition[1]}] was cut to {high:,} records; going on at its end.")
            self._next[partition] = min(max(self._next[partition], low), high)
            self._reading.consumer.incremental_unassign([TopicPartition(*partition)])
            self._reading.consumer.incremental_assign([TopicPartition(*partition, self._next[partition])])
        added = {partition: ends[partition].low for partition in fresh if partition in ends}
        self._next |= added
        self._reading.consumer.incremental_assign([TopicPartition(*partition, low) for partition, low in added.items()])

    def _leave(self, topic: str) -> None:
        gone = [partition for partition in self._next if partition[0] == topic]
        for partition in gone:
            del self._next[partition]
        self._reading.consumer.incremental_unassign([TopicPartition(*partition) for partition in gone])
