"""The fault driver itself: schedules come again by their seed, and what is wrong is seen."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.support.follow import Alert
from tests.support.reading import Output
from torture import oracle
from torture.plan import Kind, plan
from torture.topics import Entry

STAYS = [oracle.Stay("dc1", 0, forced=False), oracle.Stay("dc2", 50_000, forced=False)]


def alert(entry: str, at: int, cluster: str = "dc1", what: str = "") -> Alert:
    """An alert for the one receiver of the one account."""
    return Alert(cluster, True, at, Output(("sms", 0), at, b"key", f"alert-{entry}", entry, "NL01", (what,)))


def entries(*ids: str) -> list[Entry]:
    """Entries one after the other in one partition."""
    return [Entry(one, 0, offset, 0, "") for offset, one in enumerate(ids)]


@given(st.integers(0, 10_000), st.integers(1, 10))
def test_a_schedule_follows_from_its_seed(seed: int, minutes: int) -> None:
    """It comes again, has a calm and a forced leg first, and breaks no process in a calm one."""
    made = plan(seed, minutes)
    assert made == plan(seed, minutes)
    assert {one.kind for one in made.legs[:2]} == {Kind.CALM, Kind.FORCED}
    for leg in made.legs:
        assert leg.kind is not Kind.CALM or not leg.faults
        assert leg.kind is Kind.CALM or not any(one.what == "partition" for one in leg.operations)
        times = [one.at for one in leg.operations]
        assert times == sorted(times)
        if leg.kind is Kind.FORCED:
            order = [one.what.split()[0] for one in leg.operations]
            assert order.index("break") < order.index("force") < order.index("return")


def test_a_longer_round_begins_as_a_shorter_one() -> None:
    assert plan(7, 10).legs[:4] == plan(7, 2).legs
    assert plan(7, 10).legs[:4] != plan(8, 2).legs


def test_a_repeat_is_seen() -> None:
    before = Counter({"a": 1})
    assert not list(oracle.repeated(before, Counter({"a": 1, "b": 1})))
    assert "1 alerts were written more than once" in next(oracle.repeated(before, Counter({"a": 2, "b": 1})))
    assert "1 alerts were written more than once" in next(oracle.repeated(before, Counter({"a": 1, "b": 2})))


def test_an_alert_that_nobody_asked_for_is_seen() -> None:
    assert not list(oracle.uncalled({"a"}, {"a", "b"}))
    assert "such as a" in next(oracle.uncalled({"a", "b"}, {"b"}))


def test_a_repeat_that_differs_is_seen() -> None:
    assert not list(oracle.differing([alert("a", 1), alert("a", 2)]))
    assert "1 alerts have repeats that differ" in next(oracle.differing([alert("a", 1), alert("a", 2, what="else")]))


def test_alerts_out_of_order_are_seen() -> None:
    """By first occurrences in a stay; an entry that its source sent again is left out."""
    there = {"dc1": entries("a", "b", "c")}
    assert not list(oracle.disordered([alert(one, at) for at, one in enumerate("abac")], there, STAYS))
    assert "1 times, such as ('b', 'a')" in next(
        oracle.disordered([alert(one, at) for at, one in enumerate("bac")], there, STAYS)
    )
    twice = {"dc1": entries("a", "b", "a", "c")}
    assert not list(oracle.disordered([alert(one, at) for at, one in enumerate("bac")], twice, STAYS))


def test_what_a_forced_switch_has_done_again_has_no_order() -> None:
    """Here `c` still came by the stay that was over, and `b` was done again after it; `e` and `d` were not."""
    there = {"dc1": entries("a", "b", "c", "d", "e")}
    stays = [oracle.Stay("dc1", 0, forced=False), oracle.Stay("dc1", 2, forced=True)]
    assert not list(oracle.disordered([alert(one, at) for at, one in enumerate("abcbd")], there, stays))
    assert "such as ('e', 'd')" in next(
        oracle.disordered([alert(one, at) for at, one in enumerate("abcbed")], there, stays)
    )


def test_entries_of_two_partitions_have_no_order() -> None:
    """An account's entries lie in two once a partition was added."""
    there = {"dc1": [Entry("a", 0, 0, 0, ""), Entry("b", 1, 0, 0, "")]}
    assert not list(oracle.disordered([alert(one, at) for at, one in enumerate("ba")], there, STAYS))


def test_an_alert_on_the_cluster_that_was_left_is_seen() -> None:
    """At once after a planned switch, after the lease where it was forced."""
    assert not list(oracle.on_both([alert("a", 49_999), alert("b", 50_001, "dc2")], STAYS))
    assert "1 alerts were written to a cluster" in next(oracle.on_both([alert("a", 50_001)], STAYS))
    forced = [STAYS[0], oracle.Stay("dc2", 50_000, forced=True)]
    assert not list(oracle.on_both([alert("a", 50_001)], forced))
    assert list(oracle.on_both([alert("a", 50_001 + oracle.GRACE_MS)], forced))


def test_clusters_that_hold_other_things_are_seen() -> None:
    assert not list(oracle.unequal({"dc1": ["a", "b"], "dc2": ["b", "a"]}, "entries"))
    assert list(oracle.unequal({"dc1": ["a", "b"], "dc2": ["b", "c"]}, "entries")) == [
        "entries: 1 on dc1 alone, 1 on dc2 alone"
    ]
