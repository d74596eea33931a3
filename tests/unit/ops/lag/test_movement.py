"""Verdicts by movement: what kinds of groups do, simulated, and what each of them has to be called."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kafkalert.ops.lag.movement import SEVERITY, Observation, Trend, Verdict, judge

Steps = Sequence[tuple[int, int, int]]
"""Between two looks: records that came, offsets that the group passed, commits."""
STEP = 0.5
COUNTS = st.integers(0, 10**6)
SOME = st.integers(1, 10**6)


def window(backlog: int, steps: Steps, base: int = 1000) -> list[Observation]:
    """What is seen of a group that has `backlog` to read at the first look, at the offset `base`."""
    came = list(accumulate((step[0] for step in steps), initial=base + backlog))
    passed = list(accumulate((step[1] for step in steps), initial=base))
    commits = list(accumulate((step[2] for step in steps), initial=7))
    return [
        Observation(100 + number * STEP, at, 0, end, end, count)
        for number, (at, end, count) in enumerate(zip(passed, came, commits, strict=True))
    ]


@given(SOME, st.lists(COUNTS, min_size=1, max_size=14))
def test_who_commits_nothing_has_stopped(backlog: int, came: list[int]) -> None:
    """However little waits, whatever comes."""
    assert judge(window(backlog, [(one, 0, 0) for one in came])).verdict is Verdict.STOPPED


@given(SOME, st.lists(st.tuples(COUNTS, st.integers(0, 3)), min_size=1, max_size=14))
def test_who_commits_the_same_offset_is_stalled(backlog: int, steps: list[tuple[int, int]]) -> None:
    assume(any(commits for _, commits in steps))
    found = judge(window(backlog, [(came, 0, commits) for came, commits in steps]))
    assert found.verdict is Verdict.STALLED
    assert found.rate_out == 0
    assert found.catch_up is None


@given(COUNTS, st.lists(COUNTS, min_size=1, max_size=14))
def test_who_reads_what_was_there_a_look_ago_keeps_up(backlog: int, came: list[int]) -> None:
    """Whatever comes, and however much waits at a look: it is one step old."""
    passed = [backlog, *came]
    steps = [(one, passed[number], 1) for number, one in enumerate(came)]
    found = judge(window(backlog, steps))
    assert (found.verdict, found.trend, found.catch_up) == (Verdict.OK, Trend.STEADY, 0.0)


@given(SOME, st.lists(st.tuples(SOME, COUNTS), min_size=1, max_size=14))
def test_who_reads_less_than_what_comes_loses_ground(most: int, steps: list[tuple[int, int]]) -> None:
    """The backlog is larger than all that it reads meanwhile."""
    read = [(come + passed, passed, 1) for come, passed in steps]
    assume(any(passed for _, passed, _ in read) and read[-1][1])
    found = judge(window(most + sum(passed for _, passed, _ in read), read))
    assert found.verdict is Verdict.WARN
    assert found.trend is Trend.GROWING


@given(SOME, st.lists(st.tuples(COUNTS, SOME), min_size=1, max_size=14))
def test_who_reads_more_than_what_comes_gets_on(most: int, steps: list[tuple[int, int]]) -> None:
    """However much waits."""
    read = [(come, come + more, 1) for come, more in steps]
    found = judge(window(most + sum(passed for _, passed, _ in read), read))
    assert (found.verdict, found.trend) == (Verdict.OK, Trend.FALLING)


@given(
    st.lists(st.tuples(COUNTS, COUNTS, st.integers(0, 2)), min_size=2, max_size=14), SOME, st.integers(1, 1000), COUNTS
)
def test_who_is_back_where_it_was_before_has_rewound(
    steps: list[tuple[int, int, int]], backlog: int, back: int, base: int
) -> None:
    """Until it has read again all that it had read."""
    seen = window(backlog + sum(passed for _, passed, _ in steps), steps, base + 1000)
    furthest = max(one.committed or 0 for one in seen[:-1])
    seen[-1] = replace(seen[-1], committed=furthest - back)
    assert judge(seen).verdict is Verdict.REWOUND
    again = [*seen, replace(seen[-1], time=seen[-1].time + STEP, committed=furthest, commits=seen[-1].commits + 1)]
    assert judge(again).verdict is not Verdict.REWOUND
    lost = [*seen[:-1], replace(seen[-1], committed=None)]
    assert judge(lost).verdict is Verdict.REWOUND


@st.composite
def windows(draw: st.DrawFn) -> list[Observation]:
    """Anything that may be seen, in order of time."""
    numbers = st.integers(0, 50)
    times = list(accumulate(draw(st.lists(st.integers(1, 40), min_size=1, max_size=8))))
    commits = list(accumulate(draw(st.lists(st.integers(0, 2), min_size=len(times), max_size=len(times)))))
    found = []
    for time, count in zip(times, commits, strict=True):
        start, stable, end = sorted(draw(st.tuples(numbers, numbers, numbers)))
        committed = draw(st.none() | numbers)
        found.append(Observation(float(time), committed, start, end, stable, count))
    return found


@given(windows(), st.sampled_from([None, True, False]))
def test_nothing_to_read_is_never_behind(seen: list[Observation], waits: bool | None) -> None:
    """Unless it was deleted before it was read, or the group is where the log is not."""
    last = seen[-1]
    found = judge(seen, waits=waits)
    if waits is False or (waits is None and last.end <= last.position):
        wrong = last.committed is not None and not last.start <= last.committed <= last.end
        assert found.verdict is (Verdict.WARN if wrong else Verdict.OK)
        assert found.catch_up == 0
    elif len(seen) == 1:
        assert found == judge(seen, waits=True)
        assert (found.verdict, found.trend, found.rate_in) == (None, None, None)
    else:
        assert found.verdict is not None


@given(windows(), st.integers(1, 10**12), st.integers(2, 9))
def test_neither_the_number_nor_the_unit_matters(seen: list[Observation], shift: int, slower: int) -> None:
    """Offsets may begin anywhere, and time pass at any pace: there is no threshold."""
    moved = [
        Observation(
            one.time * slower,
            None if one.committed is None else one.committed + shift,
            one.start + shift,
            one.end + shift,
            one.stable + shift,
            one.commits,
        )
        for one in seen
    ]
    assert judge(moved).verdict is judge(seen).verdict
    assert judge(moved).trend is judge(seen).trend


@given(windows())
def test_time_to_catch_up_is_when_both_meet(seen: list[Observation]) -> None:
    """If both rates stay: what is read by then is what waits, and what comes meanwhile."""
    found = judge(seen, waits=True)
    if found.catch_up:
        assert found.rate_in is not None
        assert found.rate_out is not None
        come, read = found.rate_in * found.catch_up, found.rate_out * found.catch_up
        assert seen[-1].behind + come == pytest.approx(read)


def test_a_pause_longer_than_all_its_commits_is_an_end() -> None:
    """A group that committed three times, each second, and then for longer than these two seconds not."""
    moving = [(500, 10, 1)] * 4
    assert judge(window(10_000, moving + [(500, 0, 0)] * 3)).verdict is not Verdict.STOPPED
    assert judge(window(10_000, moving + [(500, 0, 0)] * 4)).verdict is Verdict.STOPPED
    assert judge(window(10_000, [(500, 10, 1)] + [(500, 0, 0)] * 9)).verdict is Verdict.WARN  # commits rarely, perhaps


def test_rates_are_told_by_commits() -> None:
    """A group that commits every second look 100 records, as many as come; looks begin and end between commits."""
    steps = [(50, 0, 0), (50, 100, 1), (50, 0, 0), (50, 100, 1), (50, 0, 0)]
    found = judge(window(60, steps))
    assert (found.rate_in, found.rate_out) == (100, 100)


def test_an_open_transaction_is_no_fault_of_the_group() -> None:
    """What lies behind it cannot be read: a warning while it stays open, and not that the group has stopped."""
    seen = [Observation(float(time), 50, 0, 60 + time, 50) for time in range(3)]
    assert judge(seen, waits=True).verdict is Verdict.WARN
    goes_on = [replace(one, stable=50 + time) for time, one in enumerate(seen)]
    assert judge(goes_on, waits=True).verdict is Verdict.OK
    behind = [replace(one, committed=40) for one in seen]
    assert judge(behind, waits=True).verdict is Verdict.STOPPED


def test_markers_at_the_end_are_nothing_to_read() -> None:
    """The offset stays before them for ever, and nothing is wrong."""
    assert judge(window(2, [(0, 0, 0)] * 5), waits=False).verdict is Verdict.OK


def test_what_is_not_known_is_worse_than_a_warning() -> None:
    assert sorted(SEVERITY, key=SEVERITY.__getitem__) == [
        *(Verdict.OK, Verdict.WARN, None, Verdict.REWOUND, Verdict.STALLED, Verdict.STOPPED)
    ]
