"""Reads kafkalert.deadletter from end to end, without a group; or the letters at given places once more."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from confluent_kafka import Message

from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.records.watermarks import MissingTopicsError, topic_ids
from kafkalert.config import names
from kafkalert.config.sections import Cluster, Settings
from kafkalert.engine.clock import Clock
from kafkalert.errors import UnreachableError
from kafkalert.ops.deadletters.contents import Contents
from kafkalert.ops.deadletters.letter import Letter, read
from kafkalert.ops.offsets import Time
from kafkalert.ops.tail.log import Log
from kafkalert.ops.tail.reading import Reading
from kafkalert.ops.tail.report import Report

GROUP: Final = "dlq"
OnProgress = Callable[[int, int | None], None]
"""Told how many are done, and of how many."""
Look = Callable[[Letter, Message], None]
_EVERY: Final = 500
AGAIN: Final = "Run it again: what was replayed or dropped is known, and is not done twice."


class Box:
    """Kafkalert.deadletter on one cluster. All methods raise UnreachableError and DeniedError."""

    def __init__(self, settings: Settings, cluster: Cluster, clock: Clock) -> None:
        self.topic = settings.topic(names.DEADLETTER)
        self.cluster = cluster
        self._others = [name for name in settings.context.clusters if name != cluster.name]
        self._group = settings.group(GROUP)
        self._clock = clock
        self._log = Log(cluster)

    def contents(self, since: int | None, told: OnProgress, look: Look = lambda *_: None) -> Contents:
        """Return what lies there, from the time `since` (ms) on; `look` sees each letter with its record.

        Raises MissingTopicsError.
        """
        there = self._log.topics([self.topic])
        if there.missing:
            raise MissingTopicsError(self.cluster, there.missing)
        ends = self._log.ends(there.partitions)
        first = {one: both.low for one, both in ends.items()}
        if since is not None:
            first = self._log.positions(Time(since), ends, self._clock.wall_ms())
        contents = Contents(self.cluster.name, self.topic)
        silent = {*there.leaderless, *there.partitions} - ends.keys()
        contents.unread = [f"{topic}[{number}]" for topic, number in sorted(silent)]
        ranges = {one: (first[one], both.high) for one, both in ends.items()}
        self._take(contents, ranges, told, look)
        return contents

    def again(self, contents: Contents) -> None:
        """Read what has come since."""
        ends = self._log.ends(contents.ends)
        self._take(contents, {one: (contents.ends[one], both.high) for one, both in ends.items()}, lambda *_: None)
        gone = contents.ends.keys() - ends.keys()
        contents.unread += [f"{topic}[{number}]" for topic, number in sorted(gone)]

    def check(self, topics: Iterable[str]) -> None:
        """Check that there are these topics: one that is not there would be waited for. Raises MissingTopicsError."""
        topic_ids(self.cluster, sorted(topics))

    def records(self, letters: Iterable[Letter]) -> Iterator[tuple[Letter, Message]]:
        """Yield the records of letters, each partition's in order; what has expired is left out.

        Raises UnreachableError also where a partition does not answer.
        """
        wanted: dict[Partition, dict[int, Letter]] = defaultdict(dict)
        for letter in letters:
            wanted[self.topic, letter.partition][letter.offset] = letter
        ranges = {one: (min(offsets), max(offsets) + 1) for one, offsets in wanted.items()}
        report = Report()
        with self._reading(report) as reading:
            for one, message in reading.ranges(ranges):
                if message is not None and (message.offset() or 0) in wanted[one]:
                    yield wanted[one][message.offset() or 0], message
        if report.unread:
            raise UnreachableError(f"{', '.join(report.unread)} on {self.cluster.name} did not answer.", hint=AGAIN)

    def _take(
        self,
        contents: Contents,
        ranges: dict[Partition, tuple[int, int]],
        told: OnProgress,
        look: Look = lambda *_: None,
    ) -> None:
        report, total, count = Report(), sum(stop - first for first, stop in ranges.values()), 0
        with self._reading(report) as reading:
            for _, message in reading.ranges(ranges):
                if message is None:
                    continue
                found = read(message, self.cluster.name, self._others)
                contents.take(found)
                if isinstance(found, Letter):
                    look(found, message)
                count += 1
                if count % _EVERY == 0:
                    told(count, total)
        contents.unread += report.unread
        contents.ends |= {one: stop for one, (_, stop) in ranges.items()}

    @contextmanager
    def _reading(self, report: Report) -> Iterator[Reading]:
        reading = Reading(self.cluster, self._group, self._log, report, self._clock)
        try:
            yield reading
        finally:
            reading.close()
