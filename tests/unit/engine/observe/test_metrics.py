"""Percentiles and the latency histogram."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.engine.observe.metrics import BUCKETS_MS, LONGEST_MS, Metrics, by_name, percentile, rate


@given(st.lists(st.integers(0, 50), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(numbers: list[int], percent: int) -> None:
    """The nearest rank: of at least `percent` in a hundred it is the bound, and no smaller value is."""
    found = percentile(sorted(numbers), percent)
    assert found in numbers
    bounded = {one: sum(other <= one for other in numbers) for one in numbers}
    assert found == min(one for one, count in bounded.items() if 100 * count >= percent * len(numbers))


def test_nothing_has_no_percentile() -> None:
    """A second without alerts has no latency, which is not the latency 0."""
    assert percentile([], 99) is None


@given(st.lists(st.lists(st.integers(0, 100_000), max_size=30), max_size=4))
def test_every_latency_is_counted_once_in_the_first_bucket_that_holds_it(seconds: list[list[int]]) -> None:
    """Drained in any portions, in order."""
    metrics = Metrics()
    for latencies in seconds:
        metrics.fresh.extend(latencies)
        assert metrics.drain_latencies() == sorted(latencies)
    every = [one for latencies in seconds for one in latencies]
    for place, count in enumerate(metrics.buckets):
        low = BUCKETS_MS[place - 1] if place else float("-inf")
        high = BUCKETS_MS[place] if place < len(BUCKETS_MS) else float("inf")
        assert count == sum(low < one <= high for one in every)
    assert metrics.latency_sum_ms == sum(every)


@pytest.mark.parametrize(
    ("time", "counted"),
    [(1_700_000_000_000_000, 0), (-62_135_596_800_000, LONGEST_MS), (-1, LONGEST_MS), (1_700_000_000_000 - 5, 5)],
    ids=["microseconds", "the year 1", "before 1970", "as it should be"],
)
def test_a_time_that_was_not_meant_spoils_no_sum(time: int, counted: int) -> None:
    """A histogram's sum only grows, as its readers take rates of it."""
    metrics = Metrics()
    metrics.fresh.append(1_700_000_000_000 - time)
    assert metrics.drain_latencies() == [counted]
    assert metrics.latency_sum_ms == counted
    assert sum(metrics.buckets) == 1


def test_a_rate_is_per_second_and_nothing_where_no_time_passed() -> None:
    """Two readings at the same moment divide by nothing."""
    assert rate(150, 50, 2.0) == 50.0
    assert rate(150, 50, 0.0) == 0.0


def test_counts_have_a_stable_order() -> None:
    """By name, not by what happened first."""
    assert list(by_name([("SMS", 1), ("EMAIL", 2)])) == ["EMAIL", "SMS"]
