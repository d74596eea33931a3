"""Where a forced switch goes back to, against a simulation of a cluster that dies: all before it was processed."""

from bisect import bisect_right
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kafkalert.ops.failover.beats import Beat, Totals, decode
from kafkalert.ops.failover.horizon import (
    OVERLAP_SECONDS,
    QUIET_SECONDS,
    Partition,
    Sight,
    go_back_to,
    quiet_until,
    sights,
    stranded,
    whole_until,
)

CLOCKS = 15_000
"""How far a clock may be off, in ms; two of them lie 30 s apart."""
ON_THE_WAY = 9_000
"""How long an output may take to be acknowledged and to cross, in ms."""
STALE = 1_000
"""How old the end that a beat tells may be, in ms."""
START = 1_700_000_000_000


@st.composite
def deaths(draw: st.DrawFn) -> tuple[list[tuple[int, bool]], list[Sight], int]:
    """A partition until its cluster died: each record's time, and whether its outputs crossed; beats; the newest copy.

    The stage processes in steps of its own, so it may be far behind, or stand still. Clocks are off.
    """
    died = draw(st.integers(1_000, 400_000))
    arrivals = sorted(draw(st.lists(st.integers(0, died), max_size=60)))
    skews = [draw(st.integers(-CLOCKS, CLOCKS)) for _ in arrivals]
    # Moments at which the stage was at an offset: it never passes what had arrived.
    steps = sorted(draw(st.lists(st.tuples(st.integers(0, died), st.integers(0, len(arrivals))), max_size=20)))
    at = [(0, 0)]
    for moment, wanted in steps:
        at.append((moment, max(at[-1][1], min(wanted, bisect_right(arrivals, moment)))))

    def position(moment: int) -> int:
        return max(offset for when, offset in at if when <= moment)

    def processed(offset: int) -> int | None:
        return next((when for when, reached in at if reached > offset), None)

    clock = draw(st.integers(-CLOCKS, CLOCKS))
    seen = []
    for moment in range(draw(st.integers(0, 1000)), died, draw(st.sampled_from((1000, 3000, 20_000)))):
        end = bisect_right(arrivals, moment - draw(st.integers(0, STALE)))
        seen.append(Sight(START + moment + clock, end, max(0, end - position(moment))))
    records = []
    for offset, (arrival, skew) in enumerate(zip(arrivals, skews, strict=True)):
        when = processed(offset)
        crossed = when is not None and when + ON_THE_WAY <= died
        records.append((START + arrival + skew, crossed))
    copy = START + died - draw(st.integers(0, died)) + draw(st.integers(-CLOCKS, CLOCKS))
    return records, seen, copy


@given(deaths())
def test_what_lies_before_was_processed_and_its_outputs_have_crossed(
    death: tuple[list[tuple[int, bool]], list[Sight], int],
) -> None:
    """Going on at the first record of that time or later leaves out nothing, however far behind the stage was."""
    records, seen, copy = death
    back = go_back_to(seen, copy)
    if back is not None:
        first = next((offset for offset, (time, _) in enumerate(records) if time >= back), len(records))
        assert all(crossed for _, crossed in records[:first])


@given(st.integers(200, 400), st.integers(0, 3))
def test_no_more_than_the_overlap_is_repeated_where_nothing_is_behind(seconds: int, left: int) -> None:
    """A record and a beat a second, nothing left or next to nothing: it goes back by the overlap, and a few seconds."""
    seen = [Sight(START + 1000 * second, second, min(left, second)) for second in range(seconds)]
    copy = seen[-1].time
    back = go_back_to(seen, copy)
    assert back is not None
    assert copy - OVERLAP_SECONDS * 1000 - 1000 * (left + 1) <= back <= copy - OVERLAP_SECONDS * 1000 + 1000


def test_without_evidence_nothing_is_claimed() -> None:
    assert go_back_to([], START) is None
    assert go_back_to([Sight(START, 5, 0)], None) is None
    assert go_back_to([Sight(START, 5, 0)], START + 1000) is None
    assert go_back_to([Sight(START, 5, 4), Sight(START + 1000, 9, 8)], START + 60_000) is None


@st.composite
def late_flows(draw: st.DrawFn) -> tuple[dict[Partition, list[int]], dict[Partition, int]]:
    """The times of what was written to each partition, and until which of them it has crossed.

    Partitions are late by some minutes, each by as much as it likes, and no copy is older than QUIET_SECONDS.
    """
    quiet, written, crossed = round(QUIET_SECONDS * 1000), {}, {}
    for number in range(draw(st.integers(1, 5))):
        times = sorted(draw(st.lists(st.integers(0, quiet), min_size=1, max_size=20)))
        written["out", number] = [START + time for time in times]
        crossed["out", number] = draw(st.integers(1, len(times)))
    return written, crossed


@given(late_flows(), st.booleans())
def test_all_until_then_has_crossed_however_late_each_partition_is(
    flow: tuple[dict[Partition, list[int]], dict[Partition, int]], healthy: bool
) -> None:
    written, crossed = flow
    whole = whole_until({one: times[crossed[one] - 1] for one, times in written.items()}, healthy=healthy)
    assert whole is not None
    assert not [one for one, times in written.items() if any(time < whole for time in times[crossed[one] :])]


def test_who_brought_nothing_for_long_is_quiet_if_the_flow_runs() -> None:
    """Where it was not seen running, a task that failed may have carried it no longer, while others went on."""
    now = round(QUIET_SECONDS * 1000) + 900
    crossed = {("out", 0): 899, ("out", 1): now - 5, ("out", 2): now}
    assert whole_until(crossed, healthy=True) == now - 5
    assert whole_until(crossed, healthy=False) == 899
    assert whole_until(crossed | {("out", 0): 900}, healthy=True) == 900
    assert whole_until({}, healthy=True) is None
    assert whole_until({}, healthy=False) is None


def test_what_is_stranded_is_bounded_by_what_was_seen_to_cross_and_by_what_was_carried() -> None:
    """Where neither is known, neither is the number: a mirror may have been dead for longer than beats are kept."""
    seen = [Sight(START, 100, 0), Sight(START + 1000, 140, 0)]
    assert stranded(seen, 129, 100) == 10
    assert stranded(seen, None, 100) == 40
    assert stranded(seen, 3, 100) == 40
    assert stranded(seen, 200, 100) == 0
    assert stranded(seen, 19, None) == 120
    assert stranded(seen, None, None) is None
    assert stranded([], 5, 100) is None
    assert stranded([Sight(START, 0, 0)], None, None) == 0


def test_where_no_alert_was_made_for_long_nothing_waits_to_cross() -> None:
    """A bank at night. One instance that made one, or beats of too short a time, and nobody knows."""

    def beats(alerts: dict[int, int], cluster: str = "dc1", name: str = "a") -> list[Beat]:
        return [
            Beat(name, "alerting", cluster, "running", START + 1000 * at, totals=Totals(alerts={"email": made}))
            for at, made in alerts.items()
        ]

    night = beats({0: 5, 300: 5, 600: 5, 700: 5})
    assert quiet_until(night, "dc1") == START + 700_000
    assert quiet_until(night, "dc2") is None
    assert quiet_until(night[1:], "dc1") is None
    assert quiet_until([*night, *beats({90: 0, 120: 1}, name="b")], "dc1") is None
    assert quiet_until([*night, *beats({20: 0, 90: 1, 120: 1}, name="b")], "dc1") == START + 700_000
    assert quiet_until([*night, *beats({90: 9, 120: 9}, name="b")], "dc1") == START + 700_000, "it made them before"


def test_sights_are_of_the_old_cluster_and_in_order() -> None:
    """Partitions by topic and number; the sum of what is left stands for each, unless a beat tells more."""

    def beat(cluster: str, time: int, ends: dict[str, int], lags: dict[str, int]) -> Beat:
        return Beat("i", "alerting", cluster, "running", time, lag=7, ends=ends, lags=lags)

    found = sights(
        [
            beat("dc1", 2, {"a.b/3": 20, "odd": 1}, {}),
            beat("dc2", 3, {"a.b/3": 99}, {}),
            beat("dc1", 1, {"a.b/3": 10}, {"a.b/3": 2}),
        ],
        "dc1",
    )
    assert found == {"alerting": {("a.b", 3): [Sight(1, 10, 2), Sight(2, 20, 7)]}}
    assert all(one.time <= other.time for one, other in pairwise(found["alerting"]["a.b", 3]))


@given(st.binary(max_size=60) | st.none())
def test_bytes_that_are_no_beat_are_none(value: bytes | None) -> None:
    assert decode(value) is None
