"""How a stay on a cluster ends without the process, and what an abandoned one may still do: nothing."""

from collections.abc import Callable
from contextlib import nullcontext
from threading import Event, Thread
from unittest.mock import Mock

import pytest

from kafkalert.config.sections import Cluster
from kafkalert.engine.consuming.events import RetryError
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.ending import AbandonedError, Ending, alone
from kafkalert.engine.loop import Loop
from kafkalert.engine.stay import Stay
from kafkalert.engine.stopping import Stopping
from tests.support.fakes.engine import FakeClock, FakeMessage, FakeWaiting

NOBODY = Cluster(name="dc1", bootstrap="127.0.0.1:1")


def test_it_ends_with_the_process_or_alone() -> None:
    """Leaving is no reason to raise; being abandoned is, at the next look."""
    stopping = Stopping(FakeClock())
    one, other = Ending(stopping), Ending(stopping)
    assert not one
    one.leave()
    assert one
    one.check()
    one.check_deadline()
    assert not other
    other.abandon()
    for look in (other.check, other.check_deadline):
        with pytest.raises(AbandonedError):
            look()
    third = Ending(stopping)
    stopping.stop()
    assert third
    assert third.stopped
    assert third.wait(60)


@pytest.mark.parametrize("call", [lambda one: one.send("t", b"v", b"k", []), lambda one: one.flush()])
def test_whoever_uses_an_abandoned_producer_has_an_error(call: Callable[[Delivery], None]) -> None:
    """Nothing is handed over any more, and nobody waits for acknowledgement."""
    delivery = Delivery(NOBODY, linger_ms=0, stopping=Stopping(FakeClock()))
    delivery.send("t", b"value", b"key", [])
    delivery.abandon()
    with pytest.raises(AbandonedError):
        call(delivery)
    delivery.close()


def test_a_flush_that_waits_is_woken() -> None:
    """It is abandoned from another thread while it waits for a broker that is away."""
    delivery = Delivery(NOBODY, linger_ms=0, stopping=Stopping(FakeClock()))
    delivery.send("t", b"value", b"key", [])
    waits = Event()
    delivery.waiting = waits.set
    raised: list[Exception] = []

    def flush() -> None:
        try:
            delivery.flush()
        except AbandonedError as error:
            raised.append(error)

    thread = Thread(target=flush, daemon=True)
    thread.start()
    assert waits.wait(30)
    delivery.abandon()
    thread.join(30)
    assert len(raised) == 1
    delivery.close()


def looped(ending: Ending) -> Loop:
    """A loop without clients, as far as it processes."""
    loop = Loop.__new__(Loop)
    loop._ending = ending
    loop._orders = Mock()
    loop._clock = FakeClock()
    loop.ticked = loop._clock.monotonic()
    loop._stage, loop._delivery, loop._dead = Mock(), Mock(), Mock()
    loop.busy = False
    return loop


def test_records_that_arrive_too_late_are_not_processed() -> None:
    """Neither by a stay that leaves, whose offsets they are then not part of, nor by one that was abandoned."""
    ending = Ending(Stopping(FakeClock()))
    loop = looped(ending)
    assert loop._process([FakeMessage().real])
    ending.leave()
    assert not loop._process([FakeMessage().real])
    ending.abandon()
    with pytest.raises(AbandonedError):
        loop._process([FakeMessage().real])
    assert loop._stage.process.call_count == 1  # type: ignore[attr-defined]
    assert not loop.busy


@pytest.mark.parametrize(
    ("look", "expected"),
    [(lambda _: None, RetryError), (Ending.leave, None), (Ending.abandon, AbandonedError)],
    ids=["goes on", "leaves", "abandoned"],
)
def test_what_a_process_that_stood_still_has_in_hand_is_not_processed(
    look: Callable[[Ending], None], expected: type[Exception] | None
) -> None:
    """Stopped inside poll() for longer than the lease: another member may have its partitions by now.

    The control log comes first, as it may say that nothing is to be processed here any more.
    """
    ending = Ending(FakeWaiting(FakeClock()))
    loop = looped(ending)
    looks = iter([False, False, True])
    loop._orders = Mock(fresh=lambda _now: next(looks), look=lambda: look(ending))
    loop._member, loop._held = Mock(cluster=NOBODY), ""
    with nullcontext() if expected is None else pytest.raises(expected):
        assert not loop._process([FakeMessage().real])
    assert next(looks, None) is None, "it waited for the control log"
    assert loop._stage.process.call_count == 0  # type: ignore[attr-defined]
    assert not loop.busy


@pytest.mark.parametrize(("seconds", "late"), [(4.9, False), (5.1, True)])
def test_a_member_whose_session_may_be_over_does_not_process_what_it_has_in_hand(seconds: float, late: bool) -> None:
    """In a context of one cluster, too, where no control log would have to be read first."""
    loop = looped(Ending(Stopping(FakeClock())))
    loop._clock.pass_by(seconds)  # type: ignore[attr-defined]
    with pytest.raises(RetryError) if late else nullcontext():
        assert loop._process([FakeMessage().real])
    assert loop._stage.process.call_count == (not late)  # type: ignore[attr-defined]


def test_abandoning_waits_for_what_is_being_processed() -> None:
    """So the stage is never used by two stays at a time."""
    ending = Ending(Stopping(FakeClock()))
    loop = looped(ending)
    entered, released = Event(), Event()

    def process(*_: object) -> None:
        entered.set()
        assert released.wait(30)

    loop._stage = Mock(process=process)
    Thread(target=lambda: loop._process([FakeMessage().real]), daemon=True).start()
    assert entered.wait(30)
    attempt = Stay.__new__(Stay)
    attempt.ending, attempt.loop, attempt.ended = ending, loop, False
    attempt._delivery, attempt._sink, attempt._going, attempt._work = Mock(), Mock(), Event(), Mock()
    waits = Event()

    def wait(_seconds: float) -> bool:
        waits.set()
        return False

    attempt._work.stopping.wait = wait
    abandoning = Thread(target=attempt.abandon, daemon=True)
    abandoning.start()
    assert waits.wait(30)
    assert ending.abandoned
    assert attempt._sink.abandon.call_count == 1
    assert abandoning.is_alive()
    released.set()
    abandoning.join(30)
    assert not abandoning.is_alive()


def test_an_error_keeps_no_clients_alive() -> None:
    """Its frames held them; where they end is their own thread's business."""
    freed = Event()

    class Client:
        def __del__(self) -> None:
            freed.set()

    def fail() -> None:
        client = Client()
        assert client
        raise ValueError

    try:
        fail()
    except ValueError as error:
        kept = alone(error)
    assert freed.is_set()
    assert kept.__traceback__ is not None
