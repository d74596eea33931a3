"""The whole of `tail`: which records, from where, in which order, and what is said about the rest."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from confluent_kafka import Message, TopicPartition

from kafkalert.bus.records.partitions import Partition
from kafkalert.config.pipeline import WORDS
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import DecodingError, UsageError
from kafkalert.ops.tail.following import Following
from kafkalert.ops.tail.grep import Filter
from kafkalert.ops.tail.log import Log, Topics
from kafkalert.ops.tail.merge import InOrder, last
from kafkalert.ops.tail.reading import Reading
from kafkalert.ops.tail.record import Reader, Record
from kafkalert.ops.tail.report import Report
from kafkalert.ops.tail.request import Request, own_topics
from kafkalert.serde import build

HELD: Final = 2000
"""Records of one partition that may wait for those of others before it is told to pause."""
_SEARCH: Final = 2000
"""Records at a partition's end that are searched first for those that match."""
_SAY_SECONDS: Final = 10.0

Ranges = Mapping[Partition, tuple[int, int]]
Dated = tuple[int, Record]
"""A record with its time in ms, by which it is sorted."""


def _never() -> bool:
    return False


class Tail:
    """One `tail`: take `records()`, then look at `report`.

    `note` is told what an operator should know meanwhile. `gone` is asked, while following, whether to end.
    """

    def __init__(
        self,
        settings: Settings,
        request: Request,
        *,
        note: Callable[[str], None],
        gone: Callable[[], bool] = _never,
        clock: Clock | None = None,
    ) -> None:
        self.report = Report()
        self._request = request
        self._group = settings.group("tail")
        self._note = note
        self._gone = gone
        self._clock = clock or SystemClock()
        channels = {settings.topic(name): word for word, name in WORDS.items()}
        self._reader = Reader(build.codec(settings.serde), own_topics(settings), channels)
        self._filter = Filter(request.conditions)
        self._log = Log(request.cluster)
        self._read = 0
        self._said = self._clock.monotonic()

    def records(self) -> Iterator[Record]:
        """Yield the records asked for, in the order of time; with `following` without end.

        Raises UsageError where no topic exists, UnreachableError and RefusedError.
        """
        there = self._log.topics(self._request.topics)
        self._check(there)
        ranges = self._ranges(there)
        with self._consumer() as reading:
            try:
                yield from self._past(reading, ranges)
                if self._request.following:
                    start = {partition: stop for partition, (_, stop) in ranges.items()}
                    yield from self._future(reading, start, there)
            finally:
                self.report.unseen = sorted(self._filter.unseen)

    def _past(self, reading: Reading, ranges: Ranges) -> Iterator[Record]:
        count = self._request.count
        records = self._all(reading, ranges) if count is None else self._last(reading, ranges, count)
        for _, record in records:
            self.report.shown += 1
            yield record

    def _future(self, reading: Reading, start: Mapping[Partition, int], there: Topics) -> Iterator[Record]:
        following = Following(
            self._request.topics,
            log=self._log,
            reading=reading,
            report=self.report,
            clock=self._clock,
            note=self._note,
            gone=self._gone,
        )
        for message in following.messages(start, there):
            dated = self._take(message)
            if dated is not None:
                self.report.shown += 1
                yield dated[1]

    def _check(self, there: Topics) -> None:
        self.report.missing = list(there.missing)
        self.report.unread = [f"{topic}[{number}]" for topic, number in there.leaderless]
        if not there.ids:
            several = len(there.missing) > 1
            raise UsageError(
                f"Topic{'s' * several} {', '.join(there.missing)} {'do' if several else 'does'} not exist"
                f" on {self._request.cluster.name}.",
                hint="Run `kafkalert topics apply`, or choose another with --topic, -C or --cluster.",
            )

    def _ranges(self, there: Topics) -> Ranges:
        """From where to where each partition is read; the end is the one it has now."""
        ends = self._log.ends(there.partitions)
        self.report.unread += [f"{topic}[{number}]" for topic, number in sorted(set(there.partitions) - ends.keys())]
        now = self._clock.wall_ms()
        since, until = self._request.since, self._request.until
        first = {partition: both.low for partition, both in ends.items()}
        stop = {partition: both.high for partition, both in ends.items()}
        if since is not None:
            first = self._log.positions(since, ends, now)
        if until is not None:
            stop = self._log.positions(until, ends, now)
        return {partition: (first[partition], max(first[partition], stop[partition])) for partition in ends}

    def _last(self, reading: Reading, ranges: Ranges, count: int) -> Iterator[Dated]:
        """Yield the last `count` that match: looked for from the ends backwards, further where there were too few."""
        found: dict[Partition, list[Dated]] = {partition: [] for partition in ranges}
        step = count if not self._request.conditions else max(count, _SEARCH)
        window = (
            {partition: (max(low, high - step), high) for partition, (low, high) in ranges.items()} if count else {}
        )
        while window:
            seen: dict[Partition, deque[Dated]] = {partition: deque(maxlen=count) for partition in window}
            for partition, message in reading.ranges(window):
                dated = None if message is None else self._take(message)
                if dated is not None:
                    seen[partition].append(dated)
                self._say(sum(map(len, found.values())) + sum(map(len, seen.values())))
            for partition, records in seen.items():
                found[partition] = [*records, *found[partition]][-count:]
            step *= 4
            window = {
                partition: (max(ranges[partition][0], start - step), start)
                for partition, (start, _) in window.items()
                if start > ranges[partition][0] and len(found[partition]) < count
            }
        yield from last(list(found.values()), count, _time)

    def _all(self, reading: Reading, ranges: Ranges) -> Iterator[Dated]:
        """Everything in the ranges. A partition that is far ahead of the others pauses, so memory stays bounded."""
        order: InOrder[Partition, Dated] = InOrder(sorted(ranges), _time)
        paused: set[Partition] = set()
        for partition, message in reading.ranges(ranges):
            if message is None:
                order.end(partition)
                paused.discard(partition)
            elif (dated := self._take(message)) is not None:
                order.put(partition, dated)
                if order.held(partition) >= HELD and partition not in paused:
                    reading.consumer.pause([TopicPartition(*partition)])
                    paused.add(partition)
            yield from order.ready()
            for other in [each for each in paused if order.held(each) <= HELD // 2]:
                reading.consumer.resume([TopicPartition(*other)])
                paused.discard(other)

    def _take(self, message: Message) -> Dated | None:
        """Return the record of a message, or None where it is counted instead."""
        self._read += 1
        try:
            record = self._reader.read(message)
        except DecodingError as error:
            self.report.undecodable[error.code] += 1
            return None
        if not self._filter.passes(record):
            self.report.filtered += 1
            return None
        return int(message.timestamp()[1]), record

    def _say(self, found: int) -> None:
        """Say how far a search is that takes long."""
        now = self._clock.monotonic()
        if now - self._said > _SAY_SECONDS:
            self._said = now
            self._note(f"Looked at {self._read:,} records, found {found:,}; --since -1h bounds the search.")

    @contextmanager
    def _consumer(self) -> Iterator[Reading]:
        reading = Reading(self._request.cluster, self._group, self._log, self.report, self._clock)
        try:
            yield reading
        finally:
            reading.close()


def _time(dated: Dated) -> int:
    return dated[0]
