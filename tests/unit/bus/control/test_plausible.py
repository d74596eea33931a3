"""Events of a control log that cannot be meant: passed over by all alike, however far they have read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.bus.control.event import LONGEST_BYTES, Event, decode, encode
from kafkalert.bus.control.plausible import REACH, Plausibility
from kafkalert.bus.control.state import lacking, resolve
from kafkalert.errors import DecodingError
from tests.support.fakes.control import OTHER, forced, planned

FAR = 2**53 - 1
NOWHERE = Event(FAR, "x", "COMMIT", "forced", "dc1", "nowhere", "somebody", 1)
EPOCHS = st.sampled_from([1, 2, 3, 500, REACH, REACH + 1, 2 * REACH, 3 * REACH, FAR])
CLUSTERS = st.sampled_from(sorted(OTHER))


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Any event, of a cluster that is there or of one that is not."""
    epoch, target, attempt = draw(EPOCHS), draw(CLUSTERS), draw(st.sampled_from("ab"))
    kind = draw(st.sampled_from(["PREPARE", "COMMIT", "ABORT", "forced", "nowhere"]))
    if kind == "nowhere":
        return Event(epoch, attempt, "COMMIT", "forced", target, "nowhere", "somebody", 1)
    return forced(epoch, target, attempt) if kind == "forced" else planned(epoch, target, kind, attempt)  # type: ignore[arg-type]  # one of the three


def screened(log: list[Event]) -> list[Event]:
    """The events of one log that count."""
    screen = Plausibility(OTHER)
    return [event for event in log if not screen.take(event)]


RAW = st.lists(events(), max_size=10)


def test_a_commit_to_nowhere_decides_nothing() -> None:
    """It neither moves stages, nor uses up the epochs, nor is copied."""
    logs = {"dc1": screened([forced(1, "dc2"), NOWHERE]), "dc2": screened([NOWHERE])}
    view = resolve(logs, "dc1")
    assert (view.active, view.epoch, view.next_epoch) == ("dc2", 1, 2)
    assert lacking(logs, view) == {"dc2": [forced(1, "dc2")]}


def test_an_epoch_far_above_leaves_the_next_ones_free() -> None:
    """Also where its attempt was ended in due form."""
    high = [planned(FAR, "dc2", "PREPARE", "x"), planned(FAR, "dc2", "ABORT", "x")]
    view = resolve({"dc1": screened([planned(1, "dc2", "PREPARE"), *high]), "dc2": []}, "dc1")
    assert (view.next_epoch, view.pending) == (2, planned(1, "dc2", "PREPARE"))


def test_why_is_told() -> None:
    screen = Plausibility(OTHER)
    assert screen.take(forced(7, "dc2")) == ""
    assert screen.take(NOWHERE) == "It names cluster nowhere, which this context does not have."
    assert screen.take(forced(FAR, "dc2")) == f"Its epoch {FAR} is far above 7, the highest before it."
    assert screen.take(forced(7 + REACH, "dc2")) == ""


def test_an_outcome_of_nothing_is_no_base_for_higher_ones() -> None:
    """It is not copied, so the other log could not follow; nor does it use up its epoch."""
    log = screened([planned(REACH, "dc2", "ABORT", "x"), planned(2 * REACH, "dc2", "PREPARE", "x")])
    assert [event.event for event in log] == ["ABORT"]
    assert resolve({"dc1": log, "dc2": []}, "dc1").next_epoch == 1


def test_a_false_copy_does_not_keep_the_right_event_out() -> None:
    false = planned(1, "dc2", "COMMIT")
    logs = {"dc1": [false], "dc2": [forced(1, "dc2")]}
    assert lacking(logs, resolve(logs, "dc1")) == {"dc1": [forced(1, "dc2")]}


@given(log=RAW, number=st.integers(0, 10))
def test_what_comes_later_changes_no_verdict(log: list[Event], number: int) -> None:
    whole, part = screened(log), screened(log[:number])
    assert whole[: len(part)] == part


@given(one=RAW, other=RAW, read=st.tuples(st.integers(0, 10), st.integers(0, 10)))
def test_more_knowledge_never_takes_a_commit_away(one: list[Event], other: list[Event], read: tuple[int, int]) -> None:
    less = resolve({"dc1": screened(one[: read[0]]), "dc2": screened(other[: read[1]])}, "dc1")
    more = resolve({"dc1": screened(one), "dc2": screened(other)}, "dc1")
    assert more.epoch >= less.epoch
    assert more.active in OTHER


@given(one=RAW, other=RAW)
def test_no_log_passes_over_a_copy_of_what_counts_in_the_other(one: list[Event], other: list[Event]) -> None:
    """So copying ends, both logs come to say the same, and the epoch after it is free in both."""
    screens = {"dc1": Plausibility(OTHER), "dc2": Plausibility(OTHER)}
    logs = {
        name: [event for event in log if not screens[name].take(event)] for name, log in (("dc1", one), ("dc2", other))
    }
    for _ in range(6):
        for name, lacks in lacking(logs, resolve(logs, "dc1")).items():
            for event in lacks:
                assert screens[name].take(event) == ""
                logs[name].append(event)
    view = resolve(logs, "dc1")
    assert lacking(logs, view) == {}
    for name, screen in screens.items():
        assert screen.odd(forced(view.next_epoch, name)) == ""


@pytest.mark.parametrize("change", [{"by": "x" * 1001}, {"reason": "x" * 1001}, {"detail": {"a": "x" * LONGEST_BYTES}}])
def test_an_event_is_bounded(change: dict[str, object]) -> None:
    given_ = {"by": "somebody", "reason": "", "detail": {}} | change
    with pytest.raises(DecodingError):
        encode(Event(1, "a", "COMMIT", "forced", "dc1", "dc2", at=1, **given_))  # type: ignore[arg-type]  # as said above
    with pytest.raises(DecodingError, match="more than 1,048,576"):
        decode(b" " * (LONGEST_BYTES + 1))


def test_an_attempt_that_lost_its_epoch_is_ended_wherever_it_was_copied() -> None:
    """Else a log that is read alone would say that it is under way, and stages would stand still for it."""
    lost = [planned(1, "dc2", "PREPARE", "z"), planned(1, "dc2", "ABORT", "z")]
    won = [planned(1, "dc1", "PREPARE", "a"), planned(1, "dc1", "ABORT", "a")]
    logs = {"dc1": [*lost, *won], "dc2": [*won, lost[0]]}
    view = resolve(logs, "dc2")
    assert view.history == tuple(won)
    assert resolve({"dc2": logs["dc2"]}, "dc1").pending == lost[0]
    assert lacking(logs, view) == {"dc2": [lost[1]]}
    logs["dc2"].append(lost[1])
    assert resolve({"dc2": logs["dc2"]}, "dc1").pending is None
