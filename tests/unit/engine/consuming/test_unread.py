"""What a group can read no more, and how that is said."""

from unittest.mock import Mock

import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.bus.records.marks import Mark
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.engine.consuming import unread
from kafkalert.engine.consuming.events import OutOfRangeError
from kafkalert.engine.consuming.progress import Place, committed_place, offsets, topic_id, with_topic
from kafkalert.engine.consuming.skipping import bound, written
from kafkalert.engine.consuming.unread import Gap, Unread, UnreadError, gaps
from kafkalert.errors import DeniedError, UnreachableError
from tests.support.fakes.engine import FakeClock

ONE = ("accountentry", 0)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 100))
def test_what_is_gone_is_counted_exactly(start: int, length: int, offset: int) -> None:
    """From the committed offset to the log's start; an offset beyond the end is a gap whose size is not known."""
    found = gaps({ONE: start}, {ONE: offset}, {ONE: start + length})
    assert (ONE in found) == (not start <= offset <= start + length)
    assert sum(one.records for one in found.values()) == max(0, start - offset)


def test_a_partition_that_does_not_answer_is_no_gap() -> None:
    assert gaps({}, {ONE: 5}, {ONE: 9}) == {}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            {ONE: Gap(100, 220, 900), ("accountentry", 2): Gap(0, 1, 9)},
            "121 records expired or were deleted before they were read: accountentry[0] offsets 100 to 219, account",
        ),
        ({ONE: Gap(4, 5, 5)}, "At most 1 record expired or was deleted before it was read: accountentry[0] offset 4."),
        (
            {ONE: Gap(90, 0, 40)},
            "The cluster has lost records: accountentry[0] ended at 40, before the group's offset 90.",
        ),
        (
            {ONE: Gap(90, 0, 95)},
            "The cluster has lost records: accountentry[0] was cut before the group's offset 90, and has grown since.",
        ),
        ({("a", one): Gap(0, 1, 1) for one in range(9)}, "a[2] offset 0, and 6 partitions more."),
    ],
    ids=["expired", "one", "lost at the end", "lost, and grown again", "many"],
)
def test_it_says_how_many_and_where(found: dict[tuple[str, int], Gap], said: str) -> None:
    error = UnreadError("g", found)
    assert said in str(error)
    assert error.hint.startswith("`kafkalert group seek g next` goes on with the next ones that are there")
    assert ("`@-1h`" in error.hint) == any(not one.records for one in found.values())


class Log:
    """One partition on dc1, of a topic of the id `topic`, where the group has committed behind offset 89."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begins, self.ends, self.topic = 0, 90, "t"
        self.records = {89: b"89------"}
        self.place, self.metadata = Place(90, b"89------".hex(), adjacent=True), "epoch=0 topic=t"
        self.unread, self.readings = Unread(FakeClock()), 0
        self.positions: dict[Partition, int] = {}
        self.fault: Exception | None = None
        self.away = False
        places = Mock(starts=self.starts, high_watermarks=lambda _: {ONE: self.ends})
        monkeypatch.setattr(unread, "Places", lambda _: places)
        monkeypatch.setattr(unread, "MarkReader", lambda *_, **__: self)

    def starts(self, _: object) -> dict[Partition, int]:
        """Where it begins, unless its cluster is away."""
        if self.away:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return {ONE: self.begins}

    def look(self, *, compare: bool = False, refused: tuple[int | None] | None = None) -> str:
        """What is said, if anything; `refused`: the offset that its member was told not to be there."""
        consumer = Mock()
        consumer.committed.return_value = offsets({ONE: self.place}, lambda _: self.metadata)
        error = self.unread.look(
            Cluster(name="dc1", bootstrap="127.0.0.1:1"),
            "g",
            consumer,
            {ONE[0]: (self.topic, 1)},
            compare=compare,
            refused=None if refused is None else OutOfRangeError(ONE, refused[0]),
        )
        return "" if error is None else str(error)

    def start(self, at: dict[Partition, int]) -> None:
        """Read there."""
        self.positions = dict(at)

    def pump(self, _: float) -> list[tuple[Partition, Mark]]:
        """The record that is asked for, if it is there."""
        if self.fault is not None:
            raise self.fault
        (at,) = self.positions.values()
        self.positions = {ONE: at + 1}
        return [(ONE, Mark(at, self.records[at], native=True, timestamp=0))] if at in self.records else []

    def stop(self, _: object) -> None:
        """It reads no longer."""

    def close(self) -> None:
        """It leaves."""
        self.readings += 1


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    return Log(monkeypatch)


ENDED = "The cluster has lost records: accountentry[0] ended at 40, before the group's offset 90."
CUT = "The cluster has lost records: accountentry[0] was cut before the group's offset 90, and has grown since."


@pytest.mark.parametrize("told", ["offset", "what stands beside it", "topic"])
def test_a_log_that_was_cut_stays_so_until_somebody_decides(log: Log, told: str) -> None:
    """It grows again, and what is written then, before the group's offset, would be read by nobody.

    Where the log has grown past the group's offset, `next` commits it anew, in other words; a topic that was made anew
    is another one.
    """
    log.place, log.ends = Place(90), 40
    assert log.look() == ENDED
    log.ends = 200
    assert [log.look() for _ in range(2)] == [ENDED, ENDED]
    if told == "topic":
        log.topic = "made-anew"
    else:
        log.place, log.metadata = Place(90 - (told == "offset")), "epoch=0"
    assert log.look() == ""


@pytest.mark.parametrize(
    ("refused", "said"),
    [((90,), CUT), ((97,), CUT), ((None,), CUT), ((89,), ""), (None, "")],
    ids=["the group's offset", "what the member was to read next", "not told", "what others have processed", "nothing"],
)
def test_a_log_that_has_grown_when_it_is_looked_at_was_cut_all_the_same(
    log: Log, refused: tuple[int | None] | None, said: str
) -> None:
    """What a member was to read was not there, and it has not expired: a log's start does not go back."""
    log.place, log.ends = Place(90), 200
    assert log.look(refused=refused) == said
    assert log.look() == said


def test_what_a_member_was_refused_is_looked_into_as_soon_as_that_can_be(log: Log) -> None:
    """Brokers that come and go do not answer at once, and the log may have grown by then."""
    log.place, log.begins, log.ends = Place(90), 0, 200
    log.away = True
    with pytest.raises(KafkaException):
        log.look(refused=(90,))
    dc1 = Cluster(name="dc1", bootstrap="127.0.0.1:1")
    assert log.unread.owes(dc1)
    assert not log.unread.owes(Cluster(name="dc2", bootstrap="127.0.0.1:1"))
    log.away = False
    assert log.look() == CUT
    assert not log.unread.owes(dc1)


def test_what_expired_is_no_cut(log: Log) -> None:
    """It is counted as long as it lies before the log's start, and no longer."""
    log.place, log.begins, log.ends = Place(90), 92, 200
    assert log.look(refused=(90,)).startswith("At most 2 records expired")
    log.place = Place(92)
    assert log.look() == ""


@pytest.mark.parametrize("refused", [(90,), None])
def test_a_record_that_still_stands_says_that_nothing_was_cut_before_it(
    log: Log, refused: tuple[int | None] | None
) -> None:
    """What was cut is what the member has processed, and not committed; or a broker told of an end of the past."""
    if refused is None:
        log.ends = 40
        assert log.look() == ENDED
    log.ends = 200
    assert log.look(refused=refused) == ""


def test_an_offset_that_was_refused_and_has_its_record_before_it_is_not_asked_about_again(log: Log) -> None:
    """A broker that knows nothing of the commit's epoch any more would refuse it for ever."""
    dc1 = Cluster(name="dc1", bootstrap="127.0.0.1:1")
    log.ends = 200
    assert log.look(compare=True) == ""
    assert log.look(refused=(None,)) == ""
    assert log.unread.proven(dc1) == {}
    assert log.look(refused=(90,)) == ""
    assert log.unread.proven(dc1) == {ONE: 90}
    assert log.unread.proven(Cluster(name="dc2", bootstrap="127.0.0.1:1")) == {}


def test_a_member_that_is_told_twice_that_its_log_was_cut_does_not_go_by_a_repeat(log: Log) -> None:
    """At first it had gone further than its commit; then it begins right there, and is told so again."""
    log.ends = 200
    assert log.look(refused=(None,)) == ""
    assert log.look(refused=(None,)) == CUT
    assert log.look(compare=True) == CUT
    log.place = Place(90)  # as somebody has decided
    assert log.look(compare=True) == ""


def test_a_record_that_another_one_has_replaced_is_found_at_the_start(log: Log) -> None:
    """The log was cut and has grown while nobody looked; it is told again without another reading of all."""
    log.ends = 200
    assert log.look(compare=True) == ""
    log.records[89] = b"another-"
    assert log.look() == ""
    assert log.look(compare=True) == CUT
    assert log.look() == CUT


@pytest.mark.parametrize(
    "why",
    ["no record", "begins there", "id of an earlier one", "no id", "no topic", "another topic", "not read", "slow"],
)
def test_nothing_is_said_where_it_is_not_certain(log: Log, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A marker, or what expired; a commit of a switch, or of another program; a cluster that does not answer."""
    log.ends, log.records = 200, {} if why == "no record" else {89: b"another-"}
    log.begins = 90 if why == "begins there" else 0
    if why == "id of an earlier one":
        log.place = log.place._replace(adjacent=False)
    elif why == "no id":
        log.place = Place(90)
    elif "topic" in why:
        log.metadata = "epoch=0" if why == "no topic" else "epoch=0 topic=before"
    elif why == "not read":
        log.fault = UnreachableError("dc1 does not answer.")
    elif why == "slow":
        clock = FakeClock()
        log.unread = Unread(clock)

        def pump(seconds: float) -> list[tuple[Partition, Mark]]:
            clock.pass_by(seconds)
            return []

        monkeypatch.setattr(log, "pump", pump)
    assert log.look(compare=True) == ""
    assert log.readings == (why in {"no record", "not read", "slow"})


def test_a_right_that_is_missing_is_no_unknown(log: Log) -> None:
    """Nobody can tell of it, and somebody can give it."""
    log.ends, log.fault = 200, DeniedError("Cluster dc1 denies READ.", "READ", "topic accountentry")
    with pytest.raises(DeniedError):
        log.look(compare=True)


@given(
    st.text("abcXYZ019_-", min_size=1, max_size=30),
    st.integers(0, 99),
    st.none() | st.integers(0, 99),
    st.sampled_from([Place(7), Place(7, "00" * 8), Place(7, "00" * 8, adjacent=True, leader=3)]),
)
def test_a_commit_tells_its_topic(id_: str, epoch: int, end: int | None, place: Place) -> None:
    """Beside epoch, end and the record's id, each of which is still read."""
    (one,) = offsets({ONE: place}, lambda _: with_topic(written(epoch, end), id_))
    assert topic_id(one.metadata) == id_
    assert bound(one.metadata) == end
    assert committed_place(one) == place


@pytest.mark.parametrize("metadata", [None, "", "epoch=1", "xtopic=1", "topic=", "epoch=1 id=aa topic=1"])
def test_other_metadata_tells_none(metadata: str | None) -> None:
    assert topic_id(metadata) == ""
