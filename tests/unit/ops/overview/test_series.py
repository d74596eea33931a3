"""Charts by heartbeats: what was told in each second, by whom; what nobody told is not known; and hostile ones."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord, Rates, Totals
from kafkalert.ops.overview.series import MOST_INSTANCES, MOST_PARTITIONS, SECONDS, Series

NOW = 1_800_000_000


def beat(second: int, instance: str = "vm-1", **more: Any) -> HeartbeatRecord:  # noqa: ANN401 - any field
    """A heartbeat of alerting."""
    fields: dict[str, Any] = {"stage": "alerting", "cluster": "dc1", "state": "running", "host": "h", **more}
    return HeartbeatRecord(instance=instance, time=second * 1000, **fields)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 20), st.sampled_from("abc"), st.sampled_from(["alerting", "bridge"]), st.integers(0, 99)
        ),
        max_size=40,
    )
)
def test_each_second_is_the_sum_of_who_told_of_it(told: list[tuple[int, str, str, int]]) -> None:
    """By the last word of each instance in it, whatever came twice or out of order; of none it is not known."""
    series = Series({"bridge"})
    last: dict[int, dict[str, tuple[str, int]]] = {}
    for ago, name, stage, rate in told:
        series.add(beat(NOW - ago, name, stage=stage, rates=Rates(rate, rate), lag=rate), NOW)
        last.setdefault(ago, {})[name] = (stage, rate)
    window = series.window(NOW)
    assert len(window.bookings) == SECONDS
    for place, (bookings, brought, waiting) in enumerate(
        zip(window.bookings, window.brought, window.waiting, strict=True)
    ):
        seen = last.get(SECONDS - place)
        if seen is None:
            assert (bookings, brought, waiting) == (None, None, None)
        else:
            assert bookings == sum(rate for stage, rate in seen.values() if stage == "alerting")
            assert brought == sum(rate for stage, rate in seen.values() if stage == "bridge")
            assert waiting == sum(rate for _, rate in seen.values())


def test_alerts_by_channel_are_what_the_counters_grew_by() -> None:
    """Each second; names that are no channel are none."""
    series = Series()
    for second, count in enumerate((10, 14, 20)):
        series.add(beat(NOW - 3 + second, totals=Totals(0, {"EMAIL": count, "x": 9 * count})), NOW)
    assert [*series.window(NOW).channels] == ["EMAIL"]
    assert [*series.window(NOW).channels["EMAIL"]][-2:] == [4.0, 6.0]


def test_pace_and_time_left_are_those_of_the_last_seconds() -> None:
    """5 records a second less wait, and 7 are processed."""
    series = Series()
    for second in range(6):
        waiting, end = 100 - 5 * second, 1000 + 2 * second
        series.add(beat(NOW - 6 + second, lags={"t/0": waiting}, ends={"t/0": end}), NOW)
    (seen,) = series.partitions(NOW)
    assert (seen.partition, seen.waiting, seen.rate, seen.left, seen.reader) == ("t/0", 75, 7.0, 15.0, "h")
    assert [*seen.history][-6:] == [100, 95, 90, 85, 80, 75]


def test_of_a_partition_that_nobody_reads_nothing_is_known() -> None:
    """And it stands first."""
    series = Series()
    series.add(beat(NOW - 20, lags={"t/0": 0}), NOW - 20)
    series.add(beat(NOW - 1, "vm-2", lags={"t/1": 50}), NOW)
    first, second = series.partitions(NOW)
    assert (first.partition, first.waiting, first.rate, first.left, first.reader) == ("t/0", None, None, None, "")
    assert (second.partition, second.waiting) == ("t/1", 50)


@pytest.mark.parametrize("second", [NOW - SECONDS - 1, NOW + 5, 2**52])
def test_what_is_of_another_time_counts_nowhere(second: int) -> None:
    """Too old, or ahead of the clock."""
    series = Series()
    series.add(beat(second, lags={"t/0": 1}), NOW)
    assert series.partitions(NOW) == []
    assert {*series.window(NOW).bookings} == {None}


def test_what_is_remembered_is_bounded_and_forgotten() -> None:
    """Of whoever writes heartbeats of more than run anywhere, and of those that are gone."""
    series = Series()
    for number in range(MOST_INSTANCES + 50):
        lags = {f"t/{place}": 1 for place in range(number * 10, number * 10 + 10)}
        series.add(beat(NOW, f"vm-{number}", lags=lags, totals=Totals(0, {"SMS": 1})), NOW)
    assert len(series.partitions(NOW)) == MOST_PARTITIONS
    later = NOW + 3 * SECONDS
    series.add(beat(later, "vm-new", lags={"u/0": 3}), later)
    assert [one.partition for one in series.partitions(later)] == ["u/0"]
    assert len(series._totals) == 1
