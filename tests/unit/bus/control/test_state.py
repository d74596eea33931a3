"""What cannot come of the orderly interleavings of test_control_machine: single rules, and logs that anybody wrote."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.bus.control import lease
from kafkalert.bus.control.event import Event, Step, decode, encode
from kafkalert.bus.control.lease import Read
from kafkalert.bus.control.overdue import GRACE_SECONDS, LONGEST_SECONDS, STANDARD_SECONDS, Overdue, allowed
from kafkalert.bus.control.plausible import begins
from kafkalert.bus.control.state import decided, duty, given_up, lacking, outcome, remarks, resolve
from kafkalert.errors import DecodingError

OTHER = {"dc1": "dc2", "dc2": "dc1"}


def an_event(
    epoch: int,
    step: Step,
    attempt: str = "a",
    source: str = "dc1",
    mode: Literal["planned", "forced"] = "planned",
    **detail: object,
) -> Event:
    return Event(epoch, attempt, step, mode, source, OTHER[source], "somebody", 1, "why", detail)


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Any event, whoever wrote it and wherever it stands."""
    mode: Literal["planned", "forced"] = draw(st.sampled_from(["planned", "forced"]))
    steps: list[Step] = ["PREPARE", "COMMIT", "ABORT"] if mode == "planned" else ["COMMIT"]
    step = draw(st.sampled_from(steps))
    return an_event(
        draw(st.integers(1, 3)), step, draw(st.sampled_from("ab")), draw(st.sampled_from(["dc1", "dc2"])), mode
    )


LOGS = st.fixed_dictionaries({}, optional={name: st.lists(events(), max_size=8) for name in OTHER})


@given(logs=LOGS)
def test_whatever_stands_there_has_one_meaning(logs: dict[str, list[Event]]) -> None:
    """Also logs that no operator of ours wrote: one cluster, epochs in order, and copying comes to an end."""
    view = resolve(logs, "dc1")
    assert view.active in OTHER
    assert view == resolve(dict(reversed(logs.items())), "dc1")
    assert [one.epoch for one in view.history] == sorted(one.epoch for one in view.history)
    assert all(one.epoch < view.next_epoch for log in logs.values() for one in log if begins(one))
    assert view.commit is None or (view.commit.epoch, view.commit.target) == (view.epoch, view.active)
    assert view.pending is None or view.pending.epoch > view.epoch
    for _ in range(6):
        for name, lacks in lacking(logs, resolve(logs, "dc1")).items():
            logs[name] = [*logs[name], *lacks]
    assert lacking(logs, resolve(logs, "dc1")) == {}


@given(event=events(), text=st.text(), at=st.integers(0, 2**53))
def test_an_event_survives_its_bytes(event: Event, text: str, at: int) -> None:
    """Any reason and detail; what cannot be written says so, and is never written for nobody to read."""
    full = Event(
        *event.key[:2], event.event, event.mode, event.source, event.target, text, at, text, {text: [text, at]}
    )
    assert decode(encode(full)) == full


@given(value=st.binary() | st.text().map(str.encode) | st.just(b"[" * 100_000) | st.just(b'{"epoch":' * 20_000))
def test_bytes_that_are_no_event_are_an_error(value: bytes) -> None:
    with pytest.raises(DecodingError, match="control event"):
        decode(value)


@pytest.mark.parametrize(
    "change",
    [
        (b'"epoch":1', b'"epoch":0'),
        (b'"epoch":1', b'"epoch":9007199254740992'),
        (b'"epoch":1', b'"epoch":1.5'),
        (b'"id":"a"', b'"id":""'),
        (b'"PREPARE"', b'"PAUSE"'),
        (b'"planned"', b'"forced"'),
        (b'"to":"dc2"', b'"to":"dc1"'),
        (b'"to":"dc2"', b'"to":"dc2\\n"'),
        (b'"detail":{}', b'"detail":[]'),
        (b'"by":"somebody",', b""),
    ],
)
def test_an_event_with_something_wrong_is_none(change: tuple[bytes, bytes]) -> None:
    value = encode(an_event(1, "PREPARE"))
    assert change[0] in value
    with pytest.raises(DecodingError):
        decode(value.replace(*change))
    assert decode(value.replace(b'"reason"', b'"later":[1],"reason"')) == an_event(1, "PREPARE")


def test_what_nobody_could_read_is_not_written() -> None:
    for bad in (an_event(0, "PREPARE"), an_event(1, "PREPARE", "\ud800"), an_event(1, "COMMIT", detail=object())):
        with pytest.raises(DecodingError):
            encode(bad)


def test_an_outcome_before_its_prepare_counts() -> None:
    """Who got no answer to PREPARE and writes ABORT has ended the attempt, even if PREPARE comes later."""
    view = resolve({"dc1": [an_event(1, "ABORT"), an_event(1, "PREPARE"), an_event(1, "COMMIT")]}, "dc1")
    assert (view.epoch, view.pending, view.next_epoch) == (0, None, 2)


def test_a_copy_counts_only_where_the_deciding_log_has_none() -> None:
    copies = [an_event(1, "PREPARE", "b"), an_event(1, "COMMIT", "b")]
    assert resolve({"dc2": copies}, "dc1").active == "dc2"
    assert resolve({"dc1": [], "dc2": copies}, "dc1").active == "dc2"
    assert resolve({"dc1": [an_event(1, "PREPARE", "a")], "dc2": copies}, "dc1").epoch == 0
    decided_there = [an_event(1, "PREPARE", "b"), an_event(1, "ABORT", "b")]
    assert resolve({"dc1": decided_there, "dc2": copies}, "dc1").epoch == 0


def test_two_attempts_of_one_epoch_from_different_clusters() -> None:
    """A committed one first, then an open one, then the one whose source was active."""
    here, there = an_event(1, "PREPARE", "z", "dc1"), an_event(1, "PREPARE", "a", "dc2")
    assert resolve({"dc1": [here], "dc2": [there]}, "dc1").pending == here
    assert resolve({"dc1": [here], "dc2": [there]}, "dc2").pending == there
    aborted = [here, an_event(1, "ABORT", "z", "dc1")]
    assert resolve({"dc1": aborted, "dc2": [there]}, "dc1").pending == there
    committed = [there, an_event(1, "COMMIT", "a", "dc2")]
    assert resolve({"dc1": [here], "dc2": committed}, "dc1").history == tuple(committed)
    both = {"dc1": [here, an_event(1, "COMMIT", "z", "dc1")], "dc2": committed}
    assert resolve(both, "dc1").active == "dc2"


def test_forced_wins_over_planned_of_its_epoch_and_the_lowest_id_over_others() -> None:
    planned = [an_event(1, "PREPARE"), an_event(1, "ABORT")]
    forced = an_event(1, "COMMIT", "f", "dc1", "forced")
    back = an_event(1, "COMMIT", "g", "dc2", "forced")
    assert resolve({"dc1": planned, "dc2": [forced]}, "dc1").history == (forced,)
    assert resolve({"dc1": [back], "dc2": [forced]}, "dc1").commit == forced
    later = an_event(1, "COMMIT", "e", "dc1", "forced")
    assert resolve({"dc1": [later], "dc2": [forced, later]}, "dc1").commit == forced


def test_who_acknowledged_waits_though_something_else_was_forced_below() -> None:
    """A forced switch that did not know of the attempt leaves it open: it may still be committed."""
    prepare = an_event(2, "PREPARE", "p")
    view = resolve({"dc1": [prepare], "dc2": [an_event(1, "COMMIT", "f", "dc1", "forced")]}, "dc1")
    assert (view.active, view.epoch, view.pending) == ("dc2", 1, prepare)
    assert not decided(view, prepare)
    assert duty(view, settled=True, fresh=True, acknowledged=prepare).do == "hold"
    assert duty(view, settled=True, fresh=True).do == "process"


def test_a_log_that_lost_an_epoch_holds_who_worked_in_it() -> None:
    held = duty(resolve({"dc1": []}, "dc1"), settled=True, fresh=True, epoch=1)
    assert (held.do, held.why) == ("hold", "the control log has lost epoch 1")


def test_the_outcome_of_an_attempt_that_lost_is_none() -> None:
    log = [an_event(1, "PREPARE", "a"), an_event(1, "PREPARE", "b"), an_event(1, "COMMIT", "b")]
    view = resolve({"dc1": log}, "dc1")
    assert outcome(view, 1, "a") is None
    assert outcome(view, 1, "b") is None
    assert view.epoch == 0


def test_the_lease_needs_the_active_log_and_a_try_at_the_other() -> None:
    away = Read(failed_at=95.0)
    assert lease.fresh({"dc1": Read(92.0, 92.0), "dc2": away}, "dc1", 102.0, 10)
    assert not lease.fresh({"dc1": Read(92.0, 92.0), "dc2": away}, "dc1", 102.1, 10)
    assert not lease.fresh({"dc1": Read(102.0, 91.0), "dc2": away}, "dc1", 102.0, 10)
    assert not lease.fresh({"dc1": Read(102.0, 102.0), "dc2": Read()}, "dc1", 102.0, 10)
    assert not lease.fresh({"dc1": away, "dc2": Read(102.0, 102.0)}, "dc1", 102.0, 10)
    assert lease.reachable({"dc1": Read(92.0, 2.0), "dc2": away}, 102.0, 10) == {"dc1"}


def test_what_all_see_is_done_after_a_random_while_and_once() -> None:
    """Nothing is written before the delay, nothing if it was done meanwhile, and again if it was not."""
    now, delays = [0.0], iter([1.0, 2.0, 1.0])
    overdue = Overdue(lambda: now[0], lambda: next(delays))
    lacks = {"dc2": [an_event(1, "PREPARE")]}
    assert overdue.lacking(lacks) == {}
    now[0] = 1.0
    assert overdue.lacking(lacks) == lacks
    now[0] = 2.9
    assert overdue.lacking(lacks) == {}
    assert overdue.lacking({}) == {}
    now[0] = 3.0
    assert overdue.lacking(lacks) == {}


def test_an_attempt_is_overdue_by_its_own_time_from_when_it_was_seen() -> None:
    now = [100.0]
    overdue = Overdue(lambda: now[0], lambda: 1.0)
    prepare = an_event(1, "PREPARE", timeoutSeconds=5.0)
    assert overdue.attempt(prepare) is None
    now[0] += 5.0 + GRACE_SECONDS + 0.9
    assert overdue.attempt(prepare) is None
    assert overdue.attempt(an_event(2, "PREPARE")) is None
    assert overdue.attempt(prepare) is None
    now[0] += 5.0 + GRACE_SECONDS + 1.0
    assert overdue.attempt(prepare) == prepare
    assert overdue.attempt(prepare) is None
    assert overdue.attempt(None) is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [(5, 5.0), (-1, 0.0), (1e300, LONGEST_SECONDS), ("5", STANDARD_SECONDS), (True, STANDARD_SECONDS)],
)
def test_an_attempt_may_not_say_for_ever(said: object, meant: float) -> None:
    assert allowed(an_event(1, "PREPARE", timeoutSeconds=said)) == meant
    assert allowed(an_event(1, "PREPARE")) == STANDARD_SECONDS


@given(
    st.lists(events(), max_size=8), st.lists(events(), max_size=8), st.integers(1, 5), st.sampled_from(["dc1", "dc2"])
)
def test_an_outcome_of_what_nobody_began_says_something_and_decides_nothing(
    here: list[Event], there: list[Event], epoch: int, source: str
) -> None:
    """Wherever it stands: what is decided, what the logs lack, and which epoch is next stay as they are."""
    remark = an_event(epoch, "ABORT", "nobody's", source=source)
    logs, more = {"dc1": here, "dc2": there}, {"dc1": [remark, *here], "dc2": [*there, remark]}
    view = resolve(logs, "dc1")
    assert resolve(more, "dc1") == view
    assert lacking(more, view) == lacking(logs, view)
    assert [one for one in remarks(more) if one.id == remark.id] == [remark]
    assert remark not in remarks(logs)


def test_given_up_is_what_the_last_move_left_by_force() -> None:
    """A forced COMMIT by which stages only stay is no move; a planned one that follows ends it."""
    history = [
        an_event(1, "COMMIT", source="dc1", mode="forced"),
        an_event(2, "COMMIT", "b", source="dc1", mode="forced", stays=True),
    ]
    assert given_up(resolve({"dc1": [], "dc2": []}, "dc1")) == set()
    assert given_up(resolve({"dc2": history}, "dc1")) == {"dc1"}
    assert given_up(resolve({"dc2": history[1:]}, "dc2")) == set()
    forced_back = an_event(3, "COMMIT", "d", source="dc2", mode="forced")
    assert given_up(resolve({"dc2": [*history, forced_back]}, "dc1")) == {"dc1", "dc2"}
    back = [an_event(3, "PREPARE", "c", source="dc2"), an_event(3, "COMMIT", "c", source="dc2")]
    assert given_up(resolve({"dc2": [*history, *back]}, "dc1")) == set()
