"""Questions that are asked at once: each its own answer, none longer than the bound."""

import time
from threading import Event

from kafkalert.errors import KafkalertError
from kafkalert.ops.failover.positions.asking import at_once


def test_one_that_hangs_takes_nothing_from_the_others() -> None:
    """Answers, errors and silence, by key; over once the bound is reached, not once the thread is."""
    for_ever = Event()
    broken = KafkalertError("broken")

    def fail() -> str:
        raise broken

    def hang() -> str:
        for_ever.wait(60)
        return "too late"

    began = time.monotonic()
    found = at_once({"good": lambda: "fine", "bad": fail, "hung": hang}, 0.2)
    assert time.monotonic() - began < 10
    for_ever.set()
    assert found["good"] == "fine"
    assert found["bad"] is broken
    assert isinstance(found["hung"], TimeoutError)


def test_it_does_not_wait_for_the_hasty_ones_alone() -> None:
    """Who is asked in haste is left once its own time is over, and what the others said stands."""
    for_ever = Event()

    def hang() -> str:
        for_ever.wait(60)
        return "too late"

    began = time.monotonic()
    found = at_once({"hung": hang, "good": lambda: "fine"}, 60, hasty={"hung": 0.01})
    assert time.monotonic() - began < 30
    for_ever.set()
    assert isinstance(found["hung"], TimeoutError)
    assert found["good"] == "fine"


def test_all_answers_end_it_at_once() -> None:
    began = time.monotonic()
    assert at_once({number: lambda: "x" for number in range(5)}, 60) == dict.fromkeys(range(5), "x")
    assert time.monotonic() - began < 30
    assert at_once({}, 60) == {}
