"""A sink whose calls hang, fail and return in any order: nobody waits for them who does not want to."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from threading import Barrier, Condition, Event, Thread
from threading import enumerate as threads

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkalert.bus.threads import LostThreadError
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.engine.ending import AbandonedError
from kafkalert.engine.sinks import sink as module
from kafkalert.engine.sinks.completion import Completion, Token
from kafkalert.engine.sinks.keyed import Job
from kafkalert.engine.sinks.sink import PassingError, Sink
from kafkalert.errors import RestartError
from tests.support.fakes.engine import FakeClock, FakeMessage
from tests.unit.bus.test_threads import raise_what_is_no_exception

HERE = ("a", 0)
LONG = 3600.0
PATIENCE = 30.0
"""Seconds after which a test that waits for an event has failed."""


def nothing() -> None:
    """What a flush does meanwhile."""


def yes() -> bool:
    """Calls may begin."""
    return True


class Outside:
    """What a sink calls. A call of a key in `hanging` hangs until `released`; one in `failing` raises what is next."""

    def __init__(self) -> None:
        self.hanging: set[bytes] = set()
        self.failing: dict[bytes, list[BaseException]] = {}
        self.raising: Callable[[], None] = nothing
        self.released = Event()
        self._begun: set[tuple[bytes, int]] = set()
        self._news = Condition()
        self.calls: list[tuple[bytes, int, int]] = []

    def __call__(self, job: Job) -> None:
        """One call."""
        assert isinstance(job.key, bytes)
        self.calls.append((job.key, job.token.offset, job.attempt))
        with self._news:
            self._begun.add((job.key, job.token.offset))
            self._news.notify_all()
        if job.key in self.hanging:
            assert self.released.wait(PATIENCE)
        if self.failing.get(job.key):
            raise self.failing[job.key].pop(0)
        self.raising()

    def await_begun(self, key: bytes, offset: int) -> None:
        """Return once this call has begun: then all that came before it in its key are done with."""
        with self._news:
            assert self._news.wait_for(lambda: (key, offset) in self._begun, PATIENCE)


class Made:
    """A sink with what it calls, and with what offers to it."""

    def __init__(
        self,
        name: str = "outside",
        workers: int = 2,
        most_records: int = 100,
        most_bytes: int = 1000,
        clock: Clock | None = None,
        backoff: tuple[float, ...] = (0.001,),
    ) -> None:
        self.name = name
        self.outside = Outside()
        self.may = True
        self.workers = [one for one in threads() if one.daemon]
        self.sink = Sink(
            self.name,
            self.outside,
            workers=workers,
            most_records=most_records,
            most_bytes=most_bytes,
            clock=clock or SystemClock(),
            may=lambda: self.may,
            backoff=backoff,
        )
        self.workers = [one for one in threads() if one.daemon and one not in self.workers]

    def offer(self, key: bytes, offset: int, *, size: int = 1, partition: tuple[str, int] = HERE) -> bool:
        """Offer a record; whether it was taken."""
        message = FakeMessage(of=partition[0], lies=partition[1], at=offset, id=key)
        return self.sink.offer(Token(partition, 1, offset), message.real, key, size)

    def offer_all(self, key: bytes, *offsets: int) -> None:
        """Offer records, for all of which there is room."""
        for offset in offsets:
            assert self.offer(key, offset)

    def hang(self, *keys: bytes) -> None:
        """Have a call of each of these hang."""
        self.outside.hanging.update(keys)
        for key in keys:
            self.offer_all(key, 0)
            self.outside.await_begun(key, 0)

    def offsets(self) -> list[int]:
        """What is done with since the last look, all of it well."""
        done = self.sink.drain()
        assert [one.error for one in done] == [None] * len(done)
        return [one.token.offset for one in done]

    def end(self) -> None:
        """Release all, and see every worker end."""
        self.sink.close()
        self.outside.released.set()
        for worker in self.workers:
            worker.join(PATIENCE)
            assert not worker.is_alive()


@pytest.fixture
def make() -> Iterator[Callable[..., Made]]:
    """Makes sinks whose workers have ended when the test has."""
    made: list[Made] = []

    def one(**given: object) -> Made:
        made.append(Made(**given))  # type: ignore[arg-type]
        return made[-1]

    yield one
    for each in made:
        each.end()


def flushing(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> tuple[Thread, list[bool | Exception]]:
    """A thread that waits in `flush` until something wakes it, and what comes of it."""
    monkeypatch.setattr(module, "_LOOK_SECONDS", LONG)
    waits, told = Event(), list[bool | Exception]()
    wait = sink._waited_for.wait

    def waited(seconds: float) -> bool:
        waits.set()  # under the lock, which whoever wakes it needs
        return wait(seconds)

    monkeypatch.setattr(sink._waited_for, "wait", waited)

    def flush() -> None:
        try:
            told.append(sink.flush(LONG, nothing))
        except (AbandonedError, RestartError) as error:
            told.append(error)

    thread = Thread(target=flush, daemon=True)
    thread.start()
    assert waits.wait(PATIENCE)
    return thread, told


@settings(max_examples=40)
@given(
    offered=st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.integers(0, 2)), max_size=40),
    workers=st.integers(1, 4),
)
def test_each_key_goes_in_order_one_at_a_time(offered: list[tuple[bytes, int]], workers: int) -> None:
    """However many workers, and however often calls have to be repeated; none is left out, none comes twice."""
    seen: dict[bytes, list[tuple[str, int, int]]] = defaultdict(list)

    def call(job: Job) -> None:
        assert isinstance(job.key, bytes)
        seen[job.key].append(("begins", job.token.offset, job.attempt))
        fails = job.attempt <= offered[job.token.offset][1]
        seen[job.key].append(("ends", job.token.offset, job.attempt))
        if fails:
            raise PassingError

    clock = SystemClock()
    sink = Sink("outside", call, workers=workers, most_records=40, most_bytes=40, clock=clock, may=yes, backoff=(0.0,))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for offset, (key, _) in enumerate(offered):
            assert sink.offer(Token(HERE, 1, offset), FakeMessage().real, key, 1)
        assert sink.flush(PATIENCE, nothing)
    finally:
        sys.setswitchinterval(interval)
        sink.close()
    expected: dict[bytes, list[tuple[str, int, int]]] = defaultdict(list)
    for offset, (key, failures) in enumerate(offered):
        for attempt in range(1, failures + 2):
            expected[key] += [("begins", offset, attempt), ("ends", offset, attempt)]
    assert seen == expected
    assert sorted(one.token.offset for one in sink.drain()) == list(range(len(offered)))


def test_a_key_that_hangs_holds_its_own_alone(make: Callable[..., Made]) -> None:
    one = make(workers=2)
    one.hang(b"slow")
    one.offer_all(b"slow", 1)
    one.offer_all(b"quick", 2, 3, 4)
    one.outside.await_begun(b"quick", 4)
    assert one.offsets()[:2] == [2, 3]
    one.outside.released.set()
    assert one.sink.flush(PATIENCE, nothing)
    assert [each for each in one.offsets() if each < 2] == [0, 1]


def test_what_is_in_flight_is_bounded_by_number(make: Callable[..., Made]) -> None:
    """What waits behind its key counts as what is called; once a record is done with, there is room again."""
    one = make(most_records=3)
    one.hang(b"slow")
    one.offer_all(b"slow", 1, 2)
    assert not one.offer(b"quick", 3)
    one.outside.released.set()
    assert one.sink.flush(PATIENCE, nothing)
    one.offer_all(b"quick", 3)


def test_what_is_in_flight_is_bounded_by_bytes(make: Callable[..., Made]) -> None:
    """Up to the last byte; what is larger than all has room alone, or it would never go."""
    one = make(most_bytes=10)
    one.outside.hanging.add(b"slow")
    assert one.offer(b"slow", 0, size=6)
    assert not one.offer(b"slow", 1, size=5)
    assert one.offer(b"slow", 1, size=4)
    one.outside.released.set()
    assert one.sink.flush(PATIENCE, nothing)
    one.outside.released.clear()
    assert one.offer(b"slow", 2, size=11)
    assert not one.offer(b"quick", 3)


def test_where_every_call_hangs_nobody_waits(make: Callable[..., Made]) -> None:
    """A sink is full then, says by its deadline what it can say, and is left at once; nothing more begins."""
    one = make(workers=2, most_records=3)
    one.hang(b"a", b"b")
    one.offer_all(b"c", 1)
    assert not one.offer(b"d", 2)
    looks: list[None] = []
    assert not one.sink.flush(0.01, lambda: looks.append(None))
    assert looks
    assert one.offsets() == []
    one.sink.abandon()
    assert not one.outside.released.is_set(), "all that until here while every call hung"
    for use in (lambda: one.offer(b"d", 2), one.sink.drain, lambda: one.sink.flush(LONG, nothing)):
        with pytest.raises(AbandonedError):
            use()
    one.end()
    assert sorted(one.outside.calls) == [(b"a", 0, 1), (b"b", 0, 1)]


def test_a_planned_switch_leaves_what_hangs_uncommitted_and_names_it(make: Callable[..., Made]) -> None:
    """As the loop does it: what is done with is committed, up to the first that is not; the others come again there."""
    one, completion = make(workers=2), Completion()
    completion.assigned([HERE])
    one.outside.hanging.add(b"slow")
    for offset, key in enumerate([b"quick", b"slow", b"quick", b"quick"], start=7):
        message = FakeMessage(at=offset, id=key)
        assert one.sink.offer(completion.taken(HERE, offset), message.real, key, 1)
    one.outside.await_begun(b"slow", 8)
    one.outside.await_begun(b"quick", 10)
    one.sink.close()
    assert not one.sink.flush(0.0, nothing)
    assert {each.token.offset for each in one.sink.begun()} <= {8, 10}
    done = one.sink.drain()
    assert {7, 9} <= {each.token.offset for each in done}
    for each in done:
        completion.completed(each.token)
    assert completion.safe(HERE, 11) == 8
    assert completion.incomplete()[HERE] in {1, 2}


def test_a_process_ends_while_every_call_hangs() -> None:
    """Nobody joins the workers at the interpreter's end."""
    program = """
from threading import Event
from kafkalert.engine.clock import SystemClock
from kafkalert.engine.sinks.completion import Token
from kafkalert.engine.sinks.sink import Sink
began = Event()
def call(job):
    began.set()
    Event().wait()
sink = Sink("outside", call, workers=2, most_records=9, most_bytes=9, clock=SystemClock(), may=lambda: True)
assert sink.offer(Token(("a", 0), 1, 0), None, b"key", 1)
assert began.wait()
"""
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=PATIENCE).returncode == 0


def test_a_flush_is_woken_by_what_ends_it(make: Callable[..., Made], monkeypatch: pytest.MonkeyPatch) -> None:
    one = make()
    one.hang(b"slow")
    thread, told = flushing(one.sink, monkeypatch)
    one.outside.released.set()
    thread.join(PATIENCE)
    assert told == [True]


def test_a_flush_is_woken_as_the_stay_is_abandoned(make: Callable[..., Made], monkeypatch: pytest.MonkeyPatch) -> None:
    one = make()
    one.hang(b"slow")
    thread, told = flushing(one.sink, monkeypatch)
    one.sink.abandon()
    thread.join(PATIENCE)
    assert [type(each) for each in told] == [AbandonedError]


def test_who_waits_for_a_flush_may_end_it(make: Callable[..., Made]) -> None:
    """It is asked again and again, also where nothing completes."""
    one = make()
    one.hang(b"slow")
    looks: list[None] = []

    def look() -> None:
        looks.append(None)
        if len(looks) == 2:
            raise AbandonedError("too late")

    with pytest.raises(AbandonedError, match="too late"):
        one.sink.flush(LONG, look)


def test_what_fails_for_now_waits_without_a_worker(make: Callable[..., Made]) -> None:
    """Its key waits behind it; the one worker goes on with others, and comes back when it is due."""
    clock = FakeClock()
    one = make(workers=1, clock=clock, backoff=(10.0, LONG))
    one.outside.failing[b"a"] = [PassingError(), PassingError()]
    one.offer_all(b"a", 0, 1)
    one.offer_all(b"b", 2, 3)
    one.outside.await_begun(b"b", 3)
    clock.pass_by(9.9)
    one.offer_all(b"c", 4)
    one.outside.await_begun(b"c", 4)
    assert [call for call in one.outside.calls if call[0] == b"a"] == [(b"a", 0, 1)]
    clock.pass_by(0.1)
    one.offer_all(b"d", 5, 6)
    one.outside.await_begun(b"d", 6)
    clock.pass_by(10.0)
    one.offer_all(b"e", 7, 8)
    one.outside.await_begun(b"e", 8)
    assert [call for call in one.outside.calls if call[0] == b"a"] == [(b"a", 0, 1), (b"a", 0, 2)]
    clock.pass_by(LONG)
    one.offer_all(b"f", 9)
    one.outside.await_begun(b"a", 1)
    assert [call for call in one.outside.calls if call[0] == b"a"] == [
        (b"a", 0, 1),
        (b"a", 0, 2),
        (b"a", 0, 3),
        (b"a", 1, 1),
    ]


def test_what_fails_for_now_comes_again_by_itself(make: Callable[..., Made]) -> None:
    one = make()
    one.outside.failing[b"a"] = [PassingError(), PassingError()]
    one.offer_all(b"a", 0)
    assert one.sink.flush(PATIENCE, nothing)
    assert one.outside.calls == [(b"a", 0, 1), (b"a", 0, 2), (b"a", 0, 3)]
    assert one.offsets() == [0]


def test_what_fails_for_good_is_told_with_its_record(make: Callable[..., Made]) -> None:
    """So that it can be put away; its key goes on behind it."""
    one, error = make(), ValueError("no such address")
    one.outside.failing[b"a"] = [error]
    one.offer_all(b"a", 0, 1)
    assert one.sink.flush(PATIENCE, nothing)
    failed, fine = one.sink.drain()
    assert (failed.token, failed.error) == (Token(HERE, 1, 0), error)
    assert (failed.record.key(), failed.record.offset()) == (b"a", 0)
    assert (fine.token.offset, fine.error) == (1, None)
    assert one.sink.drain() == [], "each is told once"


def test_a_worker_that_ends_is_seen(make: Callable[..., Made], monkeypatch: pytest.MonkeyPatch) -> None:
    """By whoever uses the sink next, or waits in it. Its record is not told as done with, so it is not committed."""
    one = make(workers=2)
    one.hang(b"a")
    one.outside.failing[b"a"] = [SystemExit(3)]
    thread, told = flushing(one.sink, monkeypatch)
    one.outside.released.set()
    thread.join(PATIENCE)
    assert [type(each) for each in told] == [RestartError]
    for use in (lambda: one.offer(b"b", 1), one.sink.drain):
        with pytest.raises(RestartError, match="SystemExit"):
            use()
    assert not one.sink._inbox


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="from Python 3.12 on it is made an exception")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_ends_by_what_is_no_exception_is_seen(make: Callable[..., Made]) -> None:
    """As the Kafka client may raise it: its record is not done with either."""
    one = make(workers=1)
    one.outside.raising = raise_what_is_no_exception
    one.offer_all(b"a", 0)
    with pytest.raises(LostThreadError):
        one.sink.flush(PATIENCE, nothing)
    assert not one.sink._inbox


def test_what_has_not_begun_goes_with_its_partition(make: Callable[..., Made]) -> None:
    """There is room in its place. Its key's records of other partitions go on."""
    one, gone = make(workers=2, most_records=4), ("a", 1)
    one.hang(b"x", b"y")
    assert one.offer(b"a", 1, partition=gone)
    one.offer_all(b"a", 2)
    assert not one.offer(b"b", 3)
    one.sink.drop([gone])
    one.offer_all(b"b", 3)
    one.outside.released.set()
    assert one.sink.flush(PATIENCE, nothing)
    assert sorted(one.offsets()) == [0, 0, 2, 3]
    assert (b"a", 1, 1) not in one.outside.calls


def test_a_call_of_a_partition_that_went_is_not_waited_for(
    make: Callable[..., Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    """How it ends is not told; until it has, records of its key wait: the partition may have come back."""
    one = make(workers=2)
    one.hang(b"a")
    thread, told = flushing(one.sink, monkeypatch)
    one.sink.drop([HERE])
    thread.join(PATIENCE)
    assert told == [True]
    one.offer_all(b"a", 5)
    one.offer_all(b"b", 6, 7)
    one.outside.await_begun(b"b", 7)
    assert (b"a", 5, 1) not in one.outside.calls
    one.outside.released.set()
    assert one.sink.flush(PATIENCE, nothing)
    assert sorted(one.offsets()) == [5, 6, 7]


@pytest.mark.parametrize("error", [PassingError(), ValueError()])
def test_what_fails_after_its_partition_went_is_done_with(make: Callable[..., Made], error: Exception) -> None:
    """It is neither called again nor told: who has the partition calls it."""
    one = make(workers=1)
    one.outside.failing[b"a"] = [error]
    one.hang(b"a")
    one.sink.drop([HERE])
    one.offer_all(b"a", 5)
    one.outside.released.set()
    assert one.sink.flush(PATIENCE, nothing)
    assert one.offsets() == [5]
    assert one.outside.calls == [(b"a", 0, 1), (b"a", 5, 1)]


def test_who_is_woken_for_another_partitions_record_takes_it(make: Callable[..., Made]) -> None:
    """It comes first in its key's line as the one before it goes, while the worker has nothing to do."""
    clock = FakeClock()
    one, gone = make(workers=1, clock=clock, backoff=(LONG,)), ("a", 1)
    one.outside.failing[b"a"] = [PassingError()]
    assert one.offer(b"a", 0, partition=gone)
    one.offer_all(b"a", 1)
    one.offer_all(b"b", 2, 3)
    one.outside.await_begun(b"b", 3)
    one.sink.drop([gone])
    one.outside.await_begun(b"a", 1)


def test_a_closed_sink_begins_nothing_and_tells_what_it_has_done(make: Callable[..., Made]) -> None:
    one = make(workers=2)
    one.hang(b"slow")
    one.offer_all(b"slow", 1)
    one.offer_all(b"quick", 2, 3)
    one.outside.await_begun(b"quick", 3)
    one.sink.close()
    assert not one.offer(b"quick", 4)
    one.end()
    assert sorted(one.offsets()) == [0, 2, 3]
    assert (b"slow", 1, 1) not in one.outside.calls


def test_a_closed_sink_is_flushed_of_what_runs(make: Callable[..., Made]) -> None:
    """What has not begun will not; what is to be called again neither, though it has begun."""
    one = make(workers=3, clock=FakeClock(), backoff=(LONG,))
    one.outside.failing[b"a"] = [PassingError()]
    one.offer_all(b"a", 1)
    one.hang(b"slow", b"slower")
    one.offer_all(b"slow", 2)
    one.offer_all(b"b", 3, 4)
    one.outside.await_begun(b"b", 4)
    assert {each.token.offset for each in one.sink.begun()} >= {0, 1}
    one.sink.close()
    assert not one.sink.flush(0.0, nothing)
    one.outside.released.set()
    assert one.sink.flush(PATIENCE, nothing)
    assert [each.token.offset for each in one.sink.begun()] == [1]
    assert sorted(one.offsets()) == [0, 0, 3, 4]


def test_no_call_begins_while_that_is_forbidden(make: Callable[..., Made]) -> None:
    """What is under way goes on; what waits begins once it is allowed."""
    one = make(workers=2)
    one.hang(b"slow")
    one.may = False
    one.offer_all(b"quick", 1, 2)
    one.outside.released.set()
    assert not one.sink.flush(0.5, nothing)
    assert one.offsets() == [0]
    assert one.outside.calls == [(b"slow", 0, 1)]
    one.may = True
    assert one.sink.flush(PATIENCE, nothing)
    assert one.offsets() == [1, 2]


def test_who_waits_for_room_is_told_of_each_call_that_ends(
    make: Callable[..., Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And does not wait where one has ended already, or the stay is over."""
    one = make(workers=2, most_records=2)
    one.hang(b"a", b"b")
    monkeypatch.setattr(one.sink, "_inbox", [])
    thread = Thread(target=lambda: one.sink.await_change(LONG), daemon=True)
    thread.start()
    one.outside.released.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert one.sink.flush(PATIENCE, nothing)
    one.sink.await_change(LONG)
    one.sink.abandon()
    with pytest.raises(AbandonedError):
        one.sink.await_change(LONG)


def test_threads_that_never_come_back_are_counted(make: Callable[..., Made]) -> None:
    """Each stay leaves those behind that hang; in the end only a new process is rid of them."""
    for _ in range(5):
        one = make(name="hanging", workers=2)
        one.hang(b"a", b"b")
        one.sink.close()
    with pytest.raises(RestartError, match="10 calls of hanging have not returned") as refused:
        make(name="hanging", workers=2)
    assert "timeout" in refused.value.hint
    make(name="other", workers=2)


def test_a_partition_that_goes_leaves_its_room(make: Callable[..., Made]) -> None:
    """Its calls that hang keep their workers, and no room."""
    one = make(workers=3, most_records=2, most_bytes=10)
    one.hang(b"a", b"b")
    assert not one.offer(b"c", 1)
    one.sink.drop([HERE])
    assert one.sink.begun() == []
    assert one.offer(b"c", 1, size=11)


def test_workers_call_side_by_side() -> None:
    """As many as there are: each of these calls returns when all have begun."""
    together = Barrier(3)
    sink = Sink(
        "outside",
        lambda _: (together.wait(PATIENCE), None)[1],
        workers=3,
        most_records=3,
        most_bytes=3,
        clock=SystemClock(),
        may=yes,
    )
    for offset, key in enumerate((b"a", b"b", b"c")):
        assert sink.offer(Token(HERE, 1, offset), FakeMessage().real, key, 1)
    assert sink.flush(PATIENCE, nothing)
    assert [one.error for one in sink.drain()] == [None] * 3
    sink.close()
