"""The ratios that the bench prints."""

from bench.measure import Throughput
from bench.results import Result, ratios


def result(contestant: str, *rates: float, accounts: int = 10) -> Result:
    """A contestant's result with these entries a second."""
    runs = [Throughput(rate=rate, outputs=1, cpu=1.0, memory=1) for rate in rates]
    return Result(contestant, accounts, throughputs=runs)


def test_ratio_to_each_that_took_part() -> None:
    """The first's median is divided by each other's median, size by size."""
    results = [
        *(result("ours", 10, 80, 90), result("one", 20, 40, 1), result("two", 40)),
        *(result("ours", 60, accounts=20), result("two", 40, accounts=20)),
    ]
    assert ratios(results) == {10: {"one": 4.0, "two": 2.0}, 20: {"two": 1.5}}


def test_no_ratio_without_a_measurement() -> None:
    """Who was not measured, by its own fault or the plan's, is in no ratio."""
    assert ratios([result("ours"), result("one", 5)]) == {}
    assert ratios([result("ours", 5), result("one"), result("two", 1)]) == {10: {"two": 5.0}}
