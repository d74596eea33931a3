"""Records that expired on the source before they crossed: told from what the flow confirmed, step by step."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as st

from kafkalert.bus.control.event import Event
from kafkalert.bus.control.state import View
from kafkalert.ops.mirror.confirmed import Confirmed
from kafkalert.ops.mirror.expired import STEADY_MS, TOLD_MS, Expired, Log, bases_of, summed, words

NOW = 10**12
ONE, TWO = ("accountentry", 0), ("accountentry", 1)


def log(start: int, *steps: tuple[int, int], base: int = 0, end: int = 1000) -> Log:
    """A log whose flow has confirmed offsets so many ms ago."""
    return Log(start, end, base, [Confirmed(offset, NOW - ago) for offset, ago in steps])


@given(st.data())
def test_what_expired_before_it_crossed_is_told_until_a_day_after_it_was_passed_over(data: st.DataObject) -> None:
    """Whether the flow stands before the gap, or has carried a later record since, and confirmed others after it."""
    carried = data.draw(st.integers(1, 50))
    gone = data.draw(st.integers(1, 50))
    later = data.draw(st.lists(st.integers(1, 9), max_size=4))
    start = carried + gone
    before = [(carried - 1, 200_000)]
    assert log(start, *before).gone(NOW) == gone
    offset, after = start - 1, []
    for number, step in enumerate(later):
        offset += step
        after.append((offset, 100_000 - number * 20_000))
    assert log(start, *before, *after).gone(NOW) == gone
    told = log(start, *((at, ago + TOLD_MS) for at, ago in [*before, *after]))
    assert told.gone(NOW) == (0 if after else gone)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=20), st.integers(0, 200))
def test_what_expired_after_it_had_crossed_is_never_told(steps: Sequence[tuple[int, int]], start: int) -> None:
    """Confirmed one by one however slowly, or many in one quick step; then the log begins anywhere before the end."""
    offset, ago, made = -1, 10**8, []
    for count, quick in steps:
        offset += 1
        made.append((offset, ago))
        ago -= STEADY_MS - quick
        offset += count
        made.append((offset, ago))
        ago -= 60_000
    assert log(min(start, offset + 1), *made).gone(NOW) == 0


def test_before_the_switch_to_the_cluster_nothing_is_missing() -> None:
    """There the flow dropped what came from the other one, and confirmed none of it."""
    assert log(500, (10, 0), base=500).gone(NOW) == 0
    assert log(500, (10, 0), base=480).gone(NOW) == 20
    assert log(500, base=0).gone(NOW) == 0, "a flow that was never there confirmed nothing"


def test_only_of_the_cluster_in_use_from_the_planned_switch_on() -> None:
    """After a forced one nobody knows what had crossed before."""
    first = View(0, "dc1", None, None, (), 1)
    assert bases_of(first, "dc1", [ONE, TWO]) == {ONE: 0, TWO: 0}
    assert bases_of(first, "dc2", [ONE, TWO]) == {}
    assert bases_of(_switched("planned", {"dc2": {"accountentry/0": 7}}), "dc2", [ONE, TWO]) == {ONE: 7}
    assert bases_of(_switched("forced", {}), "dc2", [ONE, TWO]) == {}
    assert bases_of(_switched("planned", "nonsense"), "dc2", [ONE, TWO]) == {}


def _switched(mode: Literal["planned", "forced"], ends: Any) -> View:  # noqa: ANN401 - what anybody may have written
    event = Event(3, "x", "COMMIT", mode, "dc1", "dc2", "ann@ops", 0, detail={"ends": ends})
    return View(3, "dc2", event, None, (event,), 4)


def test_a_topic_that_was_made_anew_is_told() -> None:
    """Its flow has confirmed more than there is: what of the old one had not crossed nobody knows."""
    anew = log(0, (7, 1000), end=3)
    assert anew.gone(NOW) == 0
    found = summed({ONE: anew, TWO: log(30, (9, 0)), ("other", 0): log(0, (9, 0))}, NOW)
    assert found == [Expired("accountentry", 20, anew=True)]
    assert words(found, "dc1") == (
        "records expired on dc1 before they crossed, at most 20 of accountentry; "
        "made anew on dc1: accountentry; what had not crossed before is lost, ? records"
    )
    assert words([replace(found[0], anew=False)], "dc1").endswith("at most 20 of accountentry")
    assert words([], "dc1") == ""
