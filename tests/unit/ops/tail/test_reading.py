"""Reading ranges of partitions, with a consumer that gives what a broker would be hard to make give."""

from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition

from kafkalert.bus import clients
from kafkalert.config.sections import Cluster
from kafkalert.errors import UnreachableError
from kafkalert.ops.offsets import AfterStart, At, BeforeEnd, End, Position, Start, Time
from kafkalert.ops.tail.log import Ends, offset_of
from kafkalert.ops.tail.reading import PATIENCE_SECONDS, POLL_SECONDS, Reading
from kafkalert.ops.tail.report import Report

A, B = ("t", 0), ("t", 1)
EOF, RESET = KafkaError._PARTITION_EOF, KafkaError._AUTO_OFFSET_RESET


class Clock:
    """Moves only when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def wall_ms(self) -> int:
        """Nobody may ask: what waits goes by the other one."""
        raise AssertionError("the wall clock was asked")

    def monotonic(self) -> float:
        """Seconds that were waited."""
        return self.now


class Consumer:
    """Gives what is in `events`, one poll each; after that only time passes."""

    def __init__(self, clock: Clock, *events: tuple[tuple[str, int], int, int | None]) -> None:
        self._clock = clock
        self._events = deque(events)
        self.assigned: dict[tuple[str, int], int] = {}

    def poll(self, seconds: float) -> Any:  # noqa: ANN401 - a Message or None
        """The next event, or None after `seconds`."""
        if not self._events:
            self._clock.now += seconds
            return None
        (topic, partition), offset, code = self._events.popleft()
        error = None if code is None else SimpleNamespace(code=lambda: code)
        parts = {"topic": topic, "partition": partition, "offset": offset, "error": error}
        return SimpleNamespace(**{name: lambda part=part: part for name, part in parts.items()})

    def consume(self, _count: int, _seconds: float) -> list[Any]:
        """Nothing more at once."""
        return []

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Read these."""
        self.assigned = {(one.topic, one.partition): one.offset for one in partitions}

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        """Read these too."""
        self.assigned |= {(one.topic, one.partition): one.offset for one in partitions}

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        """Read these no more."""
        for one in partitions:
            del self.assigned[one.topic, one.partition]

    def unassign(self) -> None:
        """Read nothing."""
        self.assigned = {}


class Answers:
    """A log that answers, or does not. `low` is where every partition begins."""

    def __init__(self, *, away: bool = False, low: int = 0) -> None:
        self._away = away
        self._low = low

    def topics(self, _names: object, *, seconds: float) -> None:
        """Whether it is there."""
        del seconds
        if self._away:
            raise UnreachableError("Nobody answers.")

    def ends(self, partitions: list[tuple[str, int]]) -> dict[tuple[str, int], Ends]:
        """The ends of these."""
        return {one: Ends(self._low, 99) for one in partitions}


Made = tuple[Reading, Report, Consumer, Clock]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Made]:
    """`make(event, ..., log=Answers())`: a Reading whose consumer gives these events."""

    def build(*events: Any, log: Any = None) -> Made:  # noqa: ANN401 - doubles
        clock, report = Clock(), Report()
        consumer = Consumer(clock, *events)
        monkeypatch.setattr(clients, "consumer", lambda *_, **__: consumer)
        cluster = Cluster(name="dc1", bootstrap="127.0.0.1:1")
        answers: Any = log or Answers()
        return Reading(cluster, "g", answers, report, clock), report, consumer, clock

    return build


def got(reading: Reading, ranges: dict[tuple[str, int], tuple[int, int]]) -> list[tuple[tuple[str, int], int | None]]:
    """Offsets as they are given; None where a partition has ended."""
    return [(one, None if message is None else message.offset()) for one, message in reading.ranges(ranges)]


def test_a_range_ends_with_its_last_record(make: Callable[..., Made]) -> None:
    """The record before the second offset ends a partition; a range that is empty ends at once, and is not read."""
    reading, report, consumer, _ = make((A, 3, None), (A, 4, None))
    assert got(reading, {A: (3, 5), B: (2, 2)}) == [(B, None), (A, 3), (A, 4), (A, None)]
    assert consumer.assigned == {}
    assert report.whole


def test_holes_and_markers_end_a_range(make: Callable[..., Made]) -> None:
    """A record behind the range, or the end of the log, ends it too: compaction and markers leave no last record."""
    reading, _, _, _ = make((A, 3, None), (B, 0, None), (A, 7, None), (B, 1, EOF))
    assert got(reading, {A: (3, 5), B: (0, 4)}) == [(A, 3), (B, 0), (A, None), (B, None)]


def test_what_comes_late_is_not_given(make: Callable[..., Made]) -> None:
    """Messages of a partition that has ended, fetched ahead, are dropped."""
    reading, _, _, _ = make((A, 0, None), (A, 1, None), (B, 0, None))
    assert got(reading, {A: (0, 1), B: (0, 1)}) == [(A, 0), (A, None), (B, 0), (B, None)]


@pytest.mark.parametrize("gone", [RESET, KafkaError.OFFSET_OUT_OF_RANGE], ids=["as the library says", "as a broker"])
def test_what_expired_is_counted(make: Callable[..., Made], gone: int) -> None:
    """Where retention was quicker it goes on at the log's start, or ends where nothing of the range is left."""
    reading, report, consumer, _ = make((A, 3, gone), (A, 6, None), (A, 7, None), log=Answers(low=6))
    assert got(reading, {A: (3, 8)}) == [(A, 6), (A, 7), (A, None)]
    assert report.expired == 3
    reading, report, consumer, _ = make((A, 3, gone), log=Answers(low=50))
    assert got(reading, {A: (3, 8)}) == [(A, None)]
    assert report.expired == 5
    assert consumer.assigned == {}


def test_a_partition_that_does_not_answer_is_named(make: Callable[..., Made]) -> None:
    """Where the cluster answers and a partition does not, it is given up in the end and named; the rest is read."""
    reading, report, _, clock = make((A, 0, None))
    assert got(reading, {A: (0, 1), B: (0, 1)}) == [(A, 0), (A, None), (B, None)]
    assert report.unread == ["t[1]"]
    assert not report.whole
    assert report.sentences() == ["Not read, because it did not answer: t[1]."]
    assert PATIENCE_SECONDS < clock.now <= PATIENCE_SECONDS + 2 * POLL_SECONDS


def test_a_cluster_that_does_not_answer_is_an_error(make: Callable[..., Made]) -> None:
    """Where nobody answers, that is said instead of a list of partitions."""
    reading, _, _, _ = make((A, 0, None), log=Answers(away=True))
    with pytest.raises(UnreachableError):
        got(reading, {A: (0, 9)})


def test_a_slow_reader_is_no_silence(make: Callable[..., Made]) -> None:
    """Time that passes while records are being looked at does not count against the cluster."""
    reading, report, _, clock = make((A, 0, None), (A, 1, None), log=Answers(away=True))
    offsets = []
    for _, message in reading.ranges({A: (0, 2)}):
        clock.now += 1000
        offsets.append(message and message.offset())
    assert offsets == [0, 1, None]
    assert report.whole


@pytest.mark.parametrize(
    ("position", "by_time", "offset"),
    [
        (Start(), -1, 10),
        (End(), -1, 20),
        (At(15), -1, 15),
        (At(3), -1, 10),
        (At(33), -1, 20),
        (AfterStart(2), -1, 12),
        (BeforeEnd(2), -1, 18),
        (BeforeEnd(200), -1, 10),
        (Time(5), 14, 14),
        (Time(5), -1, 20),
    ],
)
def test_a_position_is_an_offset_between_the_ends(position: Position, by_time: int, offset: int) -> None:
    """Every position is an offset of the partition, never before its start or behind its end."""
    assert offset_of(position, Ends(10, 20), by_time) == offset


def test_a_report_says_what_is_missing() -> None:
    """Each thing that was not shown has its sentence, and nothing has none."""
    report = Report(shown=1, filtered=2, expired=1, missing=["a", "b"], unseen=["color"])
    report.undecodable.update({"bad-bytes": 1200})
    assert report.sentences() == [
        "1,200 records could not be decoded (1200 bad-bytes); skipped.",
        "1 record expired by retention before being read.",
        "2 records did not match --grep.",
        "No record has a field color; look at -o json for the names.",
        "Topics a, b do not exist yet.",
    ]
    assert Report().sentences() == []
