"""What is committed of records whose calls end in any order, against a plain list of what was read and done."""

from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from confluent_kafka import Message
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kafkalert.bus.records.marks import record_id
from kafkalert.bus.records.partitions import Partition
from kafkalert.engine.consuming.progress import Place
from kafkalert.engine.sinks.completion import Token
from kafkalert.engine.sinks.keyed import Job
from kafkalert.engine.sinks.progress import SinkProgress
from kafkalert.engine.sinks.sink import Done
from kafkalert.errors import DecodingError
from tests.support.fakes.engine import FakeClock, FakeMessage

NAMES: tuple[Partition, ...] = (("a", 0), ("a", 1))
PARTITIONS = st.sampled_from(NAMES)
MOST_BEHIND = 12


@dataclass
class FakeSink:
    """Takes records while it has room, and ends their calls when a test says so."""

    room: int = 0
    under_way: list[tuple[Token, Message]] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    keys: list[Hashable] = field(default_factory=list)
    flushed: float = 0
    closed: bool = False
    begun_ms: int = 0

    def offer(self, token: Token, record: Message, key: Hashable, size: int) -> bool:
        """Whether there is room."""
        assert size == len(record.key() or b"") + len(record.value() or b"")
        self.keys.append(key)
        if len(self.under_way) >= self.room:
            return False
        self.under_way.append((token, record))
        return True

    def drop(self, partitions: Collection[Partition]) -> None:
        """Half of them have begun, and go on by themselves."""
        self.under_way = [
            (token, record) for token, record in self.under_way if token.partition not in partitions or token.offset % 2
        ]

    def drain(self) -> list[Done]:
        """What has ended."""
        done, self.done = self.done, []
        return done

    def close(self) -> None:
        """Nothing is begun any more."""
        self.closed = True

    def unfinished(self) -> int:
        """All that was taken, and that nobody has heard of."""
        return len(self.under_way) + len(self.done)

    def begun(self) -> list[Job]:
        """All that was taken."""
        return [Job(token, what, b"", 0, begun_ms=self.begun_ms) for token, what in self.under_way]

    def flush(self, seconds: float, waiting: object) -> bool:
        """All hang that have not ended."""
        assert callable(waiting)
        assert self.closed, "what would begin now might not end"
        self.flushed += seconds
        return not self.under_way


def made(sink: "FakeSink", dead: "FakeDead", *, most_behind: int = MOST_BEHIND) -> SinkProgress:
    """Progress by that sink."""
    return SinkProgress(cast("Any", sink), cast("Any", dead), FakeClock(), most_behind=most_behind)


@dataclass
class FakeDead:
    """What was put away."""

    kept: list[tuple[Message, str]] = field(default_factory=list)

    def put(self, record: Message, error: DecodingError) -> None:
        """Keep it."""
        self.kept.append((record, error.code))


def record(partition: Partition, offset: int) -> Message:
    """The record that lies there, which has an id of its own."""
    name = f"{partition[0]}-{partition[1]}-{offset}".encode()
    made = FakeMessage(of=partition[0], lies=partition[1], at=offset, body=b"v", carried=[("ka-id", name)])
    return made.real


class History(RuleBasedStateMachine):
    """A group whose partitions come, go and come back. Offsets that are no multiple of three hold records.

    `complete` has what was ever done, by whomever: what is committed may not go beyond what is not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sink, self.dead = FakeSink(), FakeDead()
        self.progress = made(self.sink, self.dead)
        self.committed: dict[Partition, Place] = dict.fromkeys(NAMES, Place(0))
        self.read: dict[Partition, int] = {}
        self.complete: set[tuple[Partition, int]] = set()
        self.failed: set[tuple[Partition, int]] = set()

    @rule(partition=PARTITIONS)
    def comes(self, partition: Partition) -> None:
        """It is read from the group's commit on."""
        if partition not in self.read:
            self.progress.assigned({partition: self.committed[partition]})
            self.read[partition] = self.committed[partition].offset

    @rule(partition=PARTITIONS)
    def goes(self, partition: Partition) -> None:
        """What was not committed is read again by whoever has it then."""
        self.progress.gone([partition])
        self.read.pop(partition, None)

    @precondition(lambda self: self.read)
    @rule(data=st.data(), count=st.integers(1, 6))
    def batch(self, data: st.DataObject, count: int) -> None:
        """The loop reads on; also while the sink is full, as what was fetched before that may still come."""
        partition = data.draw(st.sampled_from(sorted(self.read)))
        start = self.read[partition]
        offsets = [one for one in range(start, start + count) if one % 3]
        records = [record(partition, one) for one in offsets]
        self.progress.take(records)
        # As the loop does it: what it was told of the end lies behind the last record.
        self.progress.reached(partition, start + count, records[-1] if records else None)
        self.read[partition] = start + count

    @rule(room=st.integers(0, 5))
    def room(self, room: int) -> None:
        """The sink has so much room from now on."""
        self.sink.room = room
        free = self.progress.advance()
        far = any(self.read[one] - self.committed_or_begun(one) > MOST_BEHIND for one in self.read)
        assert free or len(self.sink.under_way) >= room or far, "what it has room for, it is given"
        for token, _ in self.sink.under_way:
            if token.partition in self.read:
                assert token.offset + 1 - self.committed_or_begun(token.partition) <= MOST_BEHIND

    def committed_or_begun(self, partition: Partition) -> int:
        """The lowest offset that is not complete, of what was read."""
        lacking = [one for one in range(self.read[partition]) if one % 3 and (partition, one) not in self.complete]
        return min([*lacking, self.read[partition]])

    @precondition(lambda self: self.sink.under_way)
    @rule(data=st.data(), fails=st.booleans())
    def ends(self, data: st.DataObject, fails: bool) -> None:
        """Any call ends."""
        token, what = data.draw(st.sampled_from(self.sink.under_way))
        self.sink.under_way.remove((token, what))
        self.sink.done.append(Done(token, what, ValueError("secret") if fails else None))
        self.complete.add((token.partition, token.offset))
        if fails:
            self.failed.add((token.partition, token.offset))

    @rule()
    def commits(self) -> None:
        """As the loop does it."""
        self.progress.collect()
        moved = self.progress.uncommitted()
        places = self.progress.placed(moved)
        for partition, place in places.items():
            before = [one for one in range(place.offset) if one % 3]
            lacking = [one for one in before if (partition, one) not in self.complete]
            assert lacking == [], f"{place.offset} is committed, and {lacking} are not complete"
            assert place.offset > self.committed[partition].offset
            last = before[-1] if before else None
            if last is not None:
                assert place.id == record_id(record(partition, last)).hex()
                assert place.adjacent == (last == place.offset - 1)
            self.committed[partition] = place
        self.progress.committed(places)

    @invariant()
    def what_is_put_away_has_failed(self) -> None:
        """And is told by its kind alone."""
        for what, code in self.dead.kept:
            place = ((what.topic() or "", what.partition() or 0), what.offset() or 0)
            assert place in self.failed
            assert code == "call-failed"

    @invariant()
    def lag_counts_each_record_once(self) -> None:
        """What is not read, what waits, and what is under way."""
        ends = dict.fromkeys(NAMES, 1000)
        for partition, lag in self.progress.lag(ends).items():
            assert lag >= 1000 - self.read[partition]

    def teardown(self) -> None:
        """Once there is room and every call has ended, all that was read is committed."""
        self.sink.room = 10_000
        free = False
        while not free or self.sink.under_way:
            free = self.progress.advance()
            assert free or self.sink.under_way, "there is room once all has ended"
            for token, what in self.sink.under_way:
                self.sink.done.append(Done(token, what, None))
                self.complete.add((token.partition, token.offset))
            self.sink.under_way.clear()
        self.commits()
        assert self.progress.unfinished() == 0
        assert self.progress.positions() == self.read
        assert {one: self.committed[one].offset for one in self.read} == self.read


TestHistory = History.TestCase


def test_who_leaves_waits_for_calls_and_says_what_has_not_ended(caplog: pytest.LogCaptureFixture) -> None:
    """What waits for room is not begun any more; what hangs is named, and not committed."""
    sink, dead = FakeSink(room=2), FakeDead()
    progress = made(sink, dead)
    progress.assigned({("a", 0): Place(4)})
    progress.take([record(("a", 0), at) for at in (4, 4, 5, 7)])
    assert [token.offset for token, _ in sink.under_way] == [4, 5], "a record that comes twice is taken once"
    token, what = sink.under_way.pop(0)
    sink.done.append(Done(token, what, DecodingError("no-address", "There is none.")))
    progress.settle(2, lambda: None)
    assert (sink.flushed, sink.closed) == (2, True)
    assert progress.unfinished() == 1
    assert "records whose calls have not ended are not committed, and come again: a[0]: 1" in caplog.text
    assert progress.positions() == {("a", 0): 5}
    assert [code for _, code in dead.kept] == ["no-address"]
    assert progress.advance(), "nothing is begun any more"
    assert len(sink.under_way) == 1


def test_records_without_a_key_are_in_no_order() -> None:
    """Each is a key of its own; an empty key is one."""
    sink = FakeSink(room=9)
    progress = made(sink, FakeDead())
    progress.assigned({("a", 0): Place(0)})
    keys = [None, None, b"", b"", b"k"]
    progress.take([FakeMessage(of="a", at=at, id=cast("Any", key)).real for at, key in enumerate(keys)])
    assert len(sink.under_way) == len(keys)
    assert len({*sink.keys}) == len(keys) - 1


def test_what_holds_up_a_stage_is_named_once_nothing_was_taken_for_long() -> None:
    """Only where records wait for it: one that is tried for minutes while others go on holds up nothing."""
    sink, clock = FakeSink(room=2, begun_ms=1_700_000_000_000), FakeClock()
    progress = SinkProgress(cast("Any", sink), cast("Any", FakeDead()), clock, most_behind=9)
    progress.assigned({("a", 0): Place(4)})
    progress.take([record(("a", 0), 4)])
    clock.pass_by(60)
    assert progress.obstacle() == ""
    progress.take([record(("a", 0), at) for at in (5, 7, 8)])
    assert progress.obstacle() == ""
    clock.pass_by(20)
    token, what = sink.under_way.pop()
    sink.done.append(Done(token, what, None))
    assert not progress.advance()
    clock.pass_by(20)
    assert progress.obstacle() == "", "another one was taken 20 s ago"
    clock.pass_by(10)
    assert progress.obstacle() == "the call for a[0] offset 4 has not ended since 22:13:20 UTC"


def test_offsets_that_hold_no_record_are_no_distance() -> None:
    """A compacted topic may have millions of them between two records, and a stage goes on behind them."""
    sink = FakeSink(room=9)
    progress = made(sink, FakeDead(), most_behind=10)
    progress.assigned({("a", 0): Place(100)})
    progress.take([record(("a", 0), 20_000)])
    assert [token.offset for token, _ in sink.under_way] == [20_000]
    progress.take([record(("a", 0), 20_010)])
    assert len(sink.under_way) == 1, "that is behind one that is not complete"
    token, what = sink.under_way.pop()
    sink.done.append(Done(token, what, None))
    assert progress.advance()
    assert [token.offset for token, _ in sink.under_way] == [20_010]


def test_a_call_that_ends_behind_the_last_commit_is_told() -> None:
    """No commit has it: it comes again, and a switch says so."""
    sink = FakeSink(room=9)
    progress = made(sink, FakeDead())
    progress.assigned({("a", 0): Place(4)})
    progress.take([record(("a", 0), 4)])
    progress.settle(2, lambda: None)
    token, what = sink.under_way.pop()
    sink.done.append(Done(token, what, None))
    assert progress.unfinished() == 1
