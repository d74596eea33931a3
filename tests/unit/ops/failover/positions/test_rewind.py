"""Until when everything is known to have crossed from a cluster that died, and how much of it did not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kafkalert.bus.records.partitions import Partition
from kafkalert.ops.failover.positions.rewind import (
    FRESH_MS,
    QUIET_SECONDS,
    End,
    ends_told,
    quiet_until,
    stranded,
    whole_until,
)
from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord, Totals, decode

START = 1_700_000_000_000


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
    assert stranded(End(140, 0), 129, 100) == 10
    assert stranded(End(140, 0), None, 100) == 40
    assert stranded(End(140, 0), 3, 100) == 40
    assert stranded(End(140, 0), 200, 100) == 0
    assert stranded(End(140, 0), 19, None) == 120
    assert stranded(End(140, 0), None, None) is None
    assert stranded(None, 5, 100) is None
    assert stranded(End(0, 0), None, None) == 0
    assert stranded(End(140, FRESH_MS), 129, 100) == 10
    assert stranded(End(140, FRESH_MS + 1), 129, 100) is None


def beats(
    alerts: dict[int, int], cluster: str = "dc1", name: str = "a", taken: tuple[int, int] = (0, 10_000)
) -> list[HeartbeatRecord]:
    """An instance that has made so many alerts at these seconds; dc1 took its heartbeats in the seconds `taken`."""
    return [
        HeartbeatRecord(
            name,
            "alerting",
            cluster,
            "running",
            START + 1000 * at,
            taken_ms_ago={"dc1": 1000 * max(0, at - taken[1])} if at >= taken[0] else {},
            totals=Totals(alerts={"email": made}),
        )
        for at, made in alerts.items()
    ]


def test_where_no_alert_was_made_for_long_nothing_waits_to_cross() -> None:
    """A bank at night. One instance that made one, or beats of too short a time, and nobody knows."""
    night = beats({0: 5, 300: 5, 600: 5, 700: 5, 701: 5})
    assert quiet_until(night, "dc1") == START + 700_000
    assert quiet_until(night, "dc2") is None
    assert quiet_until(night[1:], "dc1") is None
    assert quiet_until([*night, *beats({90: 0, 120: 1}, name="b")], "dc1") is None
    assert quiet_until([*night, *beats({20: 0, 90: 1, 120: 1}, name="b")], "dc1") == START + 700_000
    assert quiet_until([*night, *beats({90: 9, 120: 9}, name="b")], "dc1") == START + 700_000, "it made them before"


def test_a_cluster_that_is_gone_is_not_quiet() -> None:
    """Instances beat on without an alert while it is away; but what they had made last may not have crossed."""
    gone = beats({at: min(at, 700) for at in range(0, 2000, 10)}, taken=(0, 700))
    assert quiet_until(gone, "dc1") is None
    assert quiet_until(beats(dict.fromkeys(range(0, 2000, 10), 0), taken=(0, 700)), "dc1") == START + 700_000


def test_in_two_hops_what_was_read_may_have_made_records_without_an_alert() -> None:
    """The first hop writes one for each customer, whether any is alerted or not; where none was read, there is none."""
    reads = [
        replace(one, totals=Totals(one.time - START, {"email": 5})) for one in beats({0: 5, 300: 5, 600: 5, 700: 5})
    ]
    assert quiet_until(reads, "dc1") == START + 600_000
    assert quiet_until(reads, "dc1", two_hop=True) is None
    idle = [replace(one, totals=Totals(7, {"email": 5})) for one in reads]
    assert quiet_until(idle, "dc1", two_hop=True) == START + 600_000


@pytest.mark.parametrize("at", [0, 1000, 86_400])
def test_nobody_alone_makes_it_quiet(at: int) -> None:
    """One heartbeat in a name that nobody has, of whatever time, and in the instance's own."""
    busy = beats({at: at for at in range(701)})
    for name in ("ghost", "a"):
        assert quiet_until([*busy, *beats({at: 0}, name=name)], "dc1") is None


def test_the_highest_end_counts_of_the_old_cluster() -> None:
    """By topic and number; what is no partition is passed over."""

    def beat(cluster: str, time: int, ends: dict[str, int]) -> HeartbeatRecord:
        return HeartbeatRecord("i", "alerting", cluster, "running", time, ends=ends)

    found = ends_told(
        [beat("dc1", 2, {"a.b/3": 20, "odd": 1}), beat("dc2", 3, {"a.b/3": 99}), beat("dc1", 3, {"a.b/3": 10})], "dc1"
    )
    assert found == {"alerting": {("a.b", 3): End(20, 1)}}


def test_an_end_is_of_when_it_was_measured() -> None:
    """Which the heartbeat tells: with long commits that is long before it; without it, of when the loop turned."""
    beats = [
        HeartbeatRecord(
            "a", "alerting", "dc1", "running", at, ends={"a/0": 7}, taken_ms_ago={"dc1": 0}, loop_turned_ms_ago=500
        )
        for at in (1000, 2000)
    ]
    assert ends_told(beats, "dc1") == {"alerting": {("a", 0): End(7, 500)}}
    late = [replace(one, ends_ms_ago=20_000) for one in beats]
    assert ends_told(late, "dc1") == {"alerting": {("a", 0): End(7, 20_000)}}


def test_the_age_of_an_end_is_by_one_and_the_same_clock() -> None:
    """An instance ended 4 s before dc1 was last heard, by the clock of another one, which is an hour behind."""

    def beat(name: str, time: int, ends: dict[str, int], *, taken: int = 0, state: str = "running") -> HeartbeatRecord:
        return HeartbeatRecord(name, "alerting", "dc1", state, time, ends=ends, taken_ms_ago={"dc1": taken})

    hour = 3_600_000
    witnesses: list[tuple[str, int, dict[str, int]]] = [("a", 0, {"a/0": 7}), ("b", hour, {})]
    beats = [beat(name, hour * 9 - back + at, ends) for at in (0, 1000) for name, back, ends in witnesses]
    beats += [beat("b", hour * 8 + at, {}) for at in range(2000, 6000, 1000)]
    beats += [beat("b", hour * 8 + at, {}, taken=at - 5000) for at in range(6000, 20_000, 1000)]
    beats += [beat("a", hour * 9 + 20_000, {"a/0": 99}, taken=15_000, state="held: it is")]
    assert ends_told(beats, "dc1") == {"alerting": {("a", 0): End(7, 4000)}}


@given(st.binary(max_size=60) | st.none())
def test_bytes_that_are_no_beat_are_none(value: bytes | None) -> None:
    assert decode(value) is None
