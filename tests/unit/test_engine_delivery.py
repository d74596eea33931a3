"""Outputs that no broker takes: there is none at the address."""

import pytest

from kafkalert.config.sections import Cluster
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.stopping import ORDERLY_SECONDS, InterruptedStopError, Stopping
from kafkalert.errors import DecodingError
from tests.engine_fakes import FakeClock

NOBODY = Cluster(name="dc1", bootstrap="127.0.0.1:1")


def test_a_flush_waits_until_a_stop_has_taken_too_long() -> None:
    """It says meanwhile that it waits, so that nobody takes the stage for hung."""
    clock = FakeClock()
    stopping = Stopping(clock)
    delivery = Delivery(NOBODY, linger_ms=0, stopping=stopping)
    delivery.send("t", b"value", b"key", [])
    turns: list[None] = []

    def waiting() -> None:
        turns.append(None)
        if len(turns) == 2:
            stopping.stop()
            clock.pass_by(ORDERLY_SECONDS + 1)

    delivery.waiting = waiting
    with pytest.raises(InterruptedStopError):
        delivery.flush()
    assert len(turns) == 2
    assert delivery.pending() >= 1  # events of the connection count, too
    delivery.close()


def test_a_full_buffer_waits_and_ends_as_a_flush_does() -> None:
    """64 MB are taken, and then no more."""
    clock = FakeClock()
    stopping = Stopping(clock)
    delivery = Delivery(NOBODY, linger_ms=0, stopping=stopping)

    def waiting() -> None:
        stopping.stop()
        clock.pass_by(ORDERLY_SECONDS + 1)

    delivery.waiting = waiting

    def fill() -> None:
        for _ in range(200):
            delivery.send("t", b"x" * 900_000, None, [])

    with pytest.raises(InterruptedStopError):
        fill()
    assert 60 <= delivery.pending() <= 80
    delivery.close()


def test_a_record_larger_than_any_may_be_is_the_records_fault() -> None:
    """Not the broker's: it would come again for ever."""
    delivery = Delivery(NOBODY, linger_ms=0, stopping=Stopping(FakeClock()))
    with pytest.raises(DecodingError) as raised:
        delivery.send("t", b"x" * 2_000_000, None, [])
    assert raised.value.code == "too-large"
    with pytest.raises(DecodingError):
        delivery.send("t", b"", None, [("ka-id", b"x" * 2_000_000)])
    delivery.send("t", b"x" * 900_000, None, [])
    delivery.check()
