"""Looks for records on one cluster: without a group, in windows, and bounded in what it reads."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from confluent_kafka import Message, TopicPartition

from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster, Settings
from kafkalert.engine.clock import Clock
from kafkalert.ops.offsets import Position, Time
from kafkalert.ops.tail.log import Ends, Log
from kafkalert.ops.tail.reading import Reading
from kafkalert.ops.tail.report import Report
from kafkalert.ops.tail.request import own_topics
from kafkalert.ops.trace.asked import traced
from kafkalert.ops.trace.raw import Raw, raw

MOST: Final = 100_000
"""Records that are read after a booking for its alerts, where nothing says that they must have come by then."""
NEAR: Final = 1_000
"""Records of a partition that are read around a time at which a record has to lie."""
SKEW_MS: Final = 2_000
"""How far the clocks of two machines may lie apart: an alert may seem to be older than its booking."""
_STEP: Final = 1_000
"""Records of each partition in the first window of a search back; each further one is four times as large."""
_SPAN_MS: Final = 4_000
"""The first window of a search forward; each further one is twice as long."""
_SETTLE_MS: Final = 2_000
"""After a booking's alerts were seen, so much longer is read: outputs of one booking go out together."""
_SAY_SECONDS: Final = 5.0

Wanted = Callable[[str, Message], bool]
"""Whether to keep a record; the topic's own name comes first."""
Ranges = Mapping[Partition, tuple[int, int]]


class Look:
    """Reads parts of one cluster: of `topics`, by their own names, else those through which a booking passes.

    Every method raises UnreachableError and DeniedError. Not for several threads.
    """

    def __init__(
        self,
        settings: Settings,
        cluster: Cluster,
        *,
        clock: Clock,
        note: Callable[[str], None],
        topics: Sequence[str] = (),
    ) -> None:
        self.cluster = cluster.name
        self.report = Report()
        self.read = 0
        """Records that were looked at."""
        self._settings, self._clock, self._note = settings, clock, note
        self._own = own_topics(settings)
        self._first = [settings.topic(name) for name in topics or traced(settings)]
        self._log = Log(cluster)
        # Windows follow each other quickly, and a fetch that waits for more holds up the next one.
        self._reading = Reading(cluster, settings.group("tail"), self._log, self.report, clock, fetch_wait_max_ms=20)
        self._ends: dict[str, dict[Partition, Ends]] = {}
        self._said = clock.monotonic()

    def close(self) -> None:
        """Leave."""
        self._reading.close()

    def ends(self, names: Iterable[str]) -> dict[Partition, Ends]:
        """Both ends of all partitions of these topics, by their own names, as first seen; nothing of missing ones."""
        wanted = [self._settings.topic(name) for name in names]
        asked = [one for one in dict.fromkeys([*wanted, *self._first]) if one not in self._ends]
        if asked:
            there = self._log.topics(asked)
            self.report.unread += [f"{topic}[{number}]" for topic, number in there.leaderless]
            ends = self._log.ends(there.partitions)
            for topic in asked:
                self._ends[topic] = {one: both for one, both in ends.items() if one[0] == topic}
            self._introduce(ends)
        return {one: both for topic in wanted for one, both in self._ends[topic].items()}

    def positions(self, position: Position, ends: Mapping[Partition, Ends]) -> dict[Partition, int]:
        """Return the offset that `position` means in each of these partitions."""
        return self._log.positions(position, ends, self._clock.wall_ms())

    def at(self, topic: str, partition: int, offset: int) -> Raw | None:
        """Return the record at exactly this place."""
        one = (topic, partition)
        ends = self.ends([self._own[topic]]).get(one)
        if ends is None or not ends.low <= offset < ends.high:
            return None
        found = self.keep({one: (offset, offset + 1)}, lambda _, message: message.offset() == offset)
        return found[0] if found else None

    def keep(self, ranges: Ranges, wanted: Wanted) -> list[Raw]:
        """Return the records in `ranges` that are wanted."""
        return [raw(self.cluster, name, one) for name, one in self.messages(ranges) if wanted(name, one)]

    def messages(self, ranges: Ranges) -> Iterator[tuple[str, Message]]:
        """Yield every record in `ranges`, with its topic's own name; those of a partition in order."""
        for (topic, _), message in self._reading.ranges(ranges):
            if message is not None:
                self.read += 1
                yield self._own[topic], message
                self._say(message)

    def back(self, ranges: Ranges, wanted: Wanted) -> list[Raw]:
        """Return what the first window from the ends of `ranges` backwards holds that is wanted."""
        step = _STEP
        stops = {one: stop for one, (start, stop) in ranges.items() if start < stop}
        while stops:
            window = {one: (max(ranges[one][0], stop - step), stop) for one, stop in stops.items()}
            found = self.keep(window, wanted)
            if found:
                return found
            stops = {one: start for one, (start, _) in window.items() if start > ranges[one][0]}
            step *= 4
        return []

    def near(self, places: Mapping[Partition, int], wanted: Wanted, most: int = NEAR) -> list[Raw]:
        """Return what is wanted of the first `most` records of each partition from its time (ms) on."""
        ranges: dict[Partition, tuple[int, int]] = {}
        for one, ms in places.items():
            ends = self.ends([self._own[one[0]]]).get(one)
            if ends is not None:
                start = self.positions(Time(max(0, ms)), {one: ends})[one]
                ranges[one] = (start, min(ends.high, start + most))
        return self.keep(ranges, wanted)

    def forward(
        self,
        names: Iterable[str],
        start_ms: int,
        wanted: Wanted,
        settled: Callable[[list[Raw]], int | None],
        *,
        most: int = MOST,
    ) -> tuple[list[Raw], int | None]:
        """Return what is wanted from a time on, and the time up to which was looked, None for all that there is.

        Windows follow each other until `settled` tells, of what was found, a time after which no more is to come, or
        some `most` records were read.
        """
        ends = self.ends(names)
        at = self.positions(Time(max(0, start_ms)), ends)
        found: list[Raw] = []
        span, upto, first = _SPAN_MS, start_ms, self.read
        while any(at[one] < both.high for one, both in ends.items()):
            known = settled(found)
            if upto > start_ms and (self.read - first >= most or (known is not None and upto >= known + _SETTLE_MS)):
                return found, upto
            if known is not None:
                span = max(known + _SETTLE_MS - upto, 1)
            stops = self._stops(upto + span, ends)
            while span > _SPAN_MS and sum(stops[one] - at[one] for one in ends) > most:
                span //= 2
                stops = self._stops(upto + span, ends)
            upto += span
            found += self.keep({one: (at[one], stops[one]) for one in ends}, wanted)
            at = {one: max(at[one], stop) for one, stop in stops.items()}
            span *= 2
        return found, None

    def _introduce(self, ends: Mapping[Partition, Ends]) -> None:
        """Have the consumer hear of topics together: of one that comes later it asks after a second only."""
        self._reading.consumer.assign([TopicPartition(*one, both.high) for one, both in ends.items()])
        self._reading.batch(0)

    def _stops(self, upto: int, ends: Mapping[Partition, Ends]) -> dict[Partition, int]:
        if upto >= self._clock.wall_ms():
            return {one: both.high for one, both in ends.items()}
        return self.positions(Time(upto), ends)

    def _say(self, message: Message) -> None:
        """Say how far a search is that takes long."""
        now = self._clock.monotonic()
        if now - self._said > _SAY_SECONDS:
            self._said = now
            self._note(
                f"Looked at {self.read:,} records on {self.cluster}, now in {message.topic()}; "
                "--since and --until bound the search."
            )


@contextmanager
def looking(
    settings: Settings,
    cluster: str,
    *,
    clock: Clock,
    note: Callable[[str], None],
    topics: Sequence[str] = (),
) -> Iterator[Look]:
    """Look at a cluster while the block runs; `topics` as `Look` has them."""
    look = Look(settings, settings.clusters[cluster], clock=clock, note=note, topics=topics)
    try:
        yield look
    finally:
        look.close()
