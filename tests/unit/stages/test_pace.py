"""The bridge's pace, by a clock that a test moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.stages.bridge import Pace
from tests.support.fakes.engine import FakeClock, FakeWaiting


@given(st.floats(0.5, 10_000), st.integers(1, 40))
def test_the_nth_is_due_n_gaps_after_the_first(rate: float, count: int) -> None:
    """However long each takes to be sent, as long as it is less than a gap."""
    clock = FakeClock()
    pace = Pace(rate, clock, FakeWaiting(clock))
    start = clock.monotonic()
    for number in range(count):
        pace.wait()
        assert clock.monotonic() - start == pytest.approx(number / rate)
        clock.pass_by(0.5 / rate)


def test_after_a_stall_there_is_no_burst() -> None:
    """At most what a second holds is made up for; the rest is late for good."""
    clock = FakeClock()
    stopping = FakeWaiting(clock)
    pace = Pace(10, clock, stopping)
    pace.wait()
    clock.pass_by(600)
    sent = 0
    while not stopping.waits:
        pace.wait()
        sent += 1
    assert sent <= 12
    before = clock.monotonic()
    for _ in range(20):
        pace.wait()
    assert clock.monotonic() - before == pytest.approx(2.0)


def test_without_a_rate_nothing_waits() -> None:
    """All at once."""
    clock = FakeClock()
    stopping = FakeWaiting(clock)
    pace = Pace(None, clock, stopping)
    for _ in range(100):
        pace.wait()
    assert stopping.waits == []
