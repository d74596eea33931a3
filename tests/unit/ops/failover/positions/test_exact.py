"""Where a group goes on, on the other cluster: nothing lost, nothing twice, by a simulation of two mirrored logs."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkalert.bus.records.marks import Mark, Marks
from kafkalert.ops.failover.positions.exact import ExactPosition, NotCrossed, exact_position, oldest


@dataclass
class Log:
    """One partition on one cluster: each record's offset, number, the cluster that it was written to, and time."""

    records: list[tuple[int, int, str, int]] = field(default_factory=list)
    end: int = 0

    def write(self, number: int, origin: str, time: int, gap: int) -> None:
        """Append a record, after `gap` offsets of markers."""
        self.records.append((self.end + gap, number, origin, time))
        self.end += gap + 1

    def marker(self) -> None:
        """A transaction's marker: an offset without a record."""
        self.end += 1


class Sites:
    """Clusters A and B, and a flow each way that reads in order and may begin again further back."""

    def __init__(self) -> None:
        self.logs = {"A": Log(), "B": Log()}
        self.at = {"A": 0, "B": 0}
        self.furthest = {"A": 0, "B": 0}
        self.times: dict[int, int] = {}

    def write(self, cluster: str, time: int, gap: int = 0) -> None:
        """Somebody writes a record of that time, which need not rise."""
        number = len(self.times)
        self.times[number] = time
        self.logs[cluster].write(number, cluster, time, gap)

    def mirror(self, source: str, count: int | None = None) -> None:
        """The flow from `source` takes so many records, or all; those that came from its target it drops."""
        log, other = self.logs[source], self.logs["B" if source == "A" else "A"]
        stop = len(log.records) if count is None else min(len(log.records), self.at[source] + count)
        for _, number, origin, time in log.records[self.at[source] : stop]:
            if origin == source:
                other.write(number, origin, time, 0)
        self.at[source] = stop
        self.furthest[source] = max(self.furthest[source], stop)

    def restart(self, source: str, back: int) -> None:
        """The flow begins anew `back` records before where it was."""
        self.at[source] = max(0, self.at[source] - back)

    def crossed(self, source: str, less: int = 0) -> int:
        """An offset before which all native records were on the other cluster at some time."""
        records = self.logs[source].records[: max(0, self.furthest[source] - less)]
        return records[-1][0] + 1 if records else 0

    def marks(self, cluster: str, since: int = 0, stop: int | None = None) -> Marks:
        """A window of a cluster's log, by offsets."""
        return Marks(
            [
                Mark(offset, number.to_bytes(8, "big"), origin == cluster, time)
                for offset, number, origin, time in self.logs[cluster].records
                if since <= offset and (stop is None or offset < stop)
            ]
        )

    def since(self, cluster: str, time: int | None, default: int) -> int:
        """The first offset with that time or a later one, as brokers answer; at most `default`."""
        found = [offset for offset, _, _, own in self.logs[cluster].records if time is not None and own >= time]
        return min([*found[:1], default])

    def lacking(self, committed: int) -> int:
        """How many native records of A before an offset are not on B."""
        there = {number for _, number, _, _ in self.logs["B"].records}
        native_records = {
            number for offset, number, origin, _ in self.logs["A"].records if origin == "A" and offset < committed
        }
        return len(native_records - there)

    def processed(self, cluster: str, begin: int, end: int, skip: tuple[tuple[int, int], ...] = ()) -> set[int]:
        """What a group processes from `begin` to before `end`, passing over `skip`."""
        return {
            number
            for offset, number, _, _ in self.logs[cluster].records
            if begin <= offset < end and not any(first <= offset < last for first, last in skip)
        }

    def check(self, committed: int, made: ExactPosition) -> None:
        """Prove a position, by going on at it: each record that A's group had not processed comes once, and no other.

        Each cluster's own come in the order in which they were written there.
        """
        done = {number for offset, number, _, _ in self.logs["A"].records if offset < committed}
        came = [
            (number, origin)
            for offset, number, origin, _ in self.logs["B"].records
            if offset >= made.offset and not any(first <= offset < last for first, last in made.skip)
        ]
        numbers = [number for number, _ in came]
        assert sorted(numbers) == sorted(self.times.keys() - done)
        for cluster in "AB":
            own = [number for number, origin in came if origin == cluster]
            assert own == sorted(own)


step = st.one_of(
    st.tuples(st.just("write"), st.sampled_from("AB"), st.integers(0, 30), st.integers(0, 2)),
    st.tuples(st.just("mirror"), st.sampled_from("AB"), st.integers(1, 6), st.just(0)),
    st.tuples(st.just("restart"), st.sampled_from("AB"), st.integers(1, 8), st.just(0)),
    st.tuples(st.just("marker"), st.sampled_from("AB"), st.just(0), st.just(0)),
)
steps = st.lists(step, max_size=30)
Steps = list[tuple[str, str, int, int]]


def run(sites: Sites, taken: Steps) -> None:
    """Let happen what was drawn; times rise on the whole, as those of real records do."""
    for what, cluster, number, gap in taken:
        if what == "write":
            sites.write(cluster, len(sites.times) + number, gap)
        elif what == "mirror":
            sites.mirror(cluster, number)
        elif what == "restart":
            sites.restart(cluster, number)
        else:
            sites.logs[cluster].marker()


@settings(max_examples=400)
@given(steps, st.floats(0, 1), st.booleans())
def test_what_was_not_processed_comes_once_and_nothing_again(taken: Steps, share: float, everything: bool) -> None:
    """Wherever the group had got to, once A's native records have crossed; of B's some may not be on A yet."""
    sites = Sites()
    run(sites, taken)
    sites.mirror("A")
    if everything:
        sites.mirror("B")
    committed = round(share * sites.logs["A"].end)
    b_end = sites.logs["B"].end
    made = exact_position(sites.marks("A"), sites.marks("B"), committed, b_end)
    assert isinstance(made, ExactPosition)
    assert all(made.offset < first < last <= b_end for first, last in made.skip)
    assert all(one[1] < other[0] for one, other in zip(made.skip, made.skip[1:], strict=False))
    sites.check(committed, made)
    sites.write("A", 0)  # and life goes on: what crosses later is behind the position
    sites.write("B", 0)
    sites.mirror("A")
    sites.check(committed, made)


@settings(max_examples=500)
@given(steps, steps, st.floats(0, 1), st.floats(0, 1))
def test_what_one_switch_had_skipped_the_next_one_remembers(
    first: Steps, then: Steps, share: float, further: float
) -> None:
    """There and back, the group having come as far as it did in between, over some of what it skips or none of it."""
    sites = Sites()
    run(sites, first)
    sites.mirror("A")
    there = exact_position(sites.marks("A"), sites.marks("B"), round(share * sites.logs["A"].end), sites.logs["B"].end)
    assert isinstance(there, ExactPosition)
    done = sites.processed("A", 0, round(share * sites.logs["A"].end))
    # A flow that is begun anew now would bring back what was processed; planned switches wait for such repeats.
    run(sites, [one for one in then if one[0] != "restart"])
    sites.mirror("B")
    committed = there.offset + round(further * (sites.logs["B"].end - there.offset))
    done |= sites.processed("B", there.offset, committed, there.skip)
    a_end = sites.logs["A"].end
    back = exact_position(sites.marks("B"), sites.marks("A"), committed, a_end, passed=there.skip)
    assert isinstance(back, ExactPosition)
    came = [
        number
        for offset, number, _, _ in sites.logs["A"].records
        if offset >= back.offset and not any(begin <= offset < stop for begin, stop in back.skip)
    ]
    assert sorted(came) == sorted(sites.times.keys() - done)


@settings(max_examples=300)
@given(steps, st.floats(0, 1))
def test_there_is_no_cut_before_what_was_processed_has_crossed(taken: Steps, share: float) -> None:
    """A copy that came later would be processed again. What was not processed may come later, and is then."""
    sites = Sites()
    run(sites, taken)
    committed = round(share * sites.logs["A"].end)
    made = exact_position(sites.marks("A"), sites.marks("B"), committed, sites.logs["B"].end)
    lacking = sites.lacking(committed)
    if lacking:
        assert isinstance(made, NotCrossed)
        assert made.count == lacking
        return
    assert isinstance(made, ExactPosition)
    sites.at["A"] = sites.furthest["A"]  # a repeat that is still to come is not known, and comes again
    sites.mirror("A")
    sites.check(committed, made)


def busy(least: int) -> st.SearchStrategy[Steps]:
    """Steps in which the flows keep up, more or less, and some records' times lie far back."""
    write = st.tuples(st.just("write"), st.sampled_from("AB"), st.sampled_from([0, 0, 1, 2, -5, -20]), st.just(0))
    mirror = st.tuples(st.just("mirror"), st.sampled_from("AB"), st.integers(2, 9), st.just(0))
    restart = st.tuples(st.just("restart"), st.sampled_from("AB"), st.integers(1, 5), st.just(0))
    return st.lists(st.one_of(write, mirror, restart), min_size=least, max_size=25)


@settings(max_examples=500)
@given(
    st.tuples(busy(8), busy(0), busy(0), busy(0)),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
    st.tuples(st.just(0) | st.integers(0, 15), st.just(0) | st.integers(0, 15)),
)
def test_windows_by_time_suffice(taken: tuple[Steps, ...], shares: tuple[float, float], less: tuple[int, int]) -> None:
    """The windows that `oldest` names give the position that whole logs give, whatever happens later."""
    sites = Sites()
    run(sites, taken[0])
    a_crossed, b_crossed = sites.crossed("A", less[0]), sites.crossed("B", less[1])
    first_end = sites.logs["A"].end
    lowest = round(shares[0] * first_end)
    run(sites, taken[1])
    b_end = sites.logs["B"].end
    run(sites, taken[2])
    # What is read of both logs to begin with, and how far back that says that one has to go.
    early_a = sites.marks("A", min(lowest, a_crossed))
    early_b = sites.marks("B", b_crossed, b_end)
    time = oldest(early_a, early_b, lowest, a_crossed=a_crossed, b_crossed=b_crossed)
    run(sites, taken[3])
    sites.mirror("A")
    a_start = sites.since("A", time, min(lowest, a_crossed, first_end))
    b_start = sites.since("B", time, min(b_crossed, b_end))
    committed = lowest + round(shares[1] * (sites.logs["A"].end - lowest))
    windows = sites.marks("A", a_start), sites.marks("B", b_start)
    end = sites.logs["B"].end
    made = exact_position(*windows, committed, end, a_crossed=a_crossed, b_crossed=b_crossed, since=time)
    assert made == exact_position(sites.marks("A"), sites.marks("B"), committed, end)
    assert isinstance(made, ExactPosition)
    sites.check(committed, made)


def marks(*records: str) -> Marks:
    """Marks by notation: "n3" is a native record with id 3, "c3" a copy. Offsets from 0, times by id."""
    return Marks([Mark(at, one[1:].encode().rjust(8), one[0] == "n", int(one[1:])) for at, one in enumerate(records)])


@pytest.mark.parametrize(
    ("a", "b", "committed", "expected"),
    [
        ("n1 n2 n3", "c1 c2 c3", 2, ExactPosition(2)),
        ("n1 n2 n3", "c1 c2 c3", 3, ExactPosition(3)),
        ("n1 n2 n3", "c1 c2 c3", 0, ExactPosition(0)),
        ("n1 n2 n3 n4", "c1 c2 c3 c2 c3 c4", 3, ExactPosition(5)),  # the repeat lies before the position
        ("n1 n2 n3 n4", "c1 c2 c3 c2 c3 c4", 1, ExactPosition(1, ((3, 5),))),  # each once, the first ones kept
        ("n1 n2 n3 n4", "c1 c2 c3 c4 c2 c3", 1, ExactPosition(1, ((4, 6),))),  # in the middle of a repeat
        ("c9 n1 n2 c8", "n9 n8 c1 c2", 2, ExactPosition(1, ((2, 3),))),  # 8 came first on B, after what was done on A
        ("n1 n2", "n9 c1 c2", 1, ExactPosition(0, ((1, 2),))),  # 9 has yet to cross
        ("n1 c9 n2 c9", "n9 c1 c2", 2, ExactPosition(2)),  # 9 was repeated on A behind what was processed: it is done
        ("n1 n2", "c1", 1, ExactPosition(1)),  # 2 crosses later, behind the position
        ("n1 n2", "", 2, NotCrossed(2, 0, 1)),
        ("", "", 5, ExactPosition(0)),
        ("", "n1", 5, ExactPosition(0)),
    ],
)
def test_cuts(a: str, b: str, committed: int, expected: ExactPosition | NotCrossed) -> None:
    ours, theirs = marks(*a.split()), marks(*b.split())
    assert exact_position(ours, theirs, committed, len(theirs)) == expected


@pytest.mark.parametrize(
    ("committed", "a_crossed", "b_crossed", "expected"),
    [
        (2, 3, 4, 6),  # what lies on A behind what was committed, copies too
        (3, 3, 4, None),
        (3, 1, 4, 7),  # A's native records that may not have crossed
        (None, 1, 4, 6),  # a group may yet begin to read here
        (None, 0, 4, 5),
        (3, 3, 2, 2),  # B's native records that may not have crossed
        (3, 3, 3, None),
    ],
)
def test_windows_begin_with_the_lowest_time(
    committed: int | None, a_crossed: int, b_crossed: int, expected: int | None
) -> None:
    """Of all records whose every occurrence has to be known."""
    a, b = marks("n5", "n7", "c6"), marks("n1", "c5", "n2", "c3")
    assert oldest(a, b, committed, a_crossed=a_crossed, b_crossed=b_crossed) == expected


def test_a_record_that_is_gone_from_the_other_cluster_is_not_passed_over_in_silence() -> None:
    """It crossed, was not processed, and B's retention took it: going on there would lose it."""
    a, b = marks("n1", "n2", "n3"), marks("c3")
    assert exact_position(a, b, 1, 1, a_crossed=3) == NotCrossed(1, 1, 2)
    assert exact_position(a, b, 2, 1, a_crossed=3) == ExactPosition(0)


def test_what_is_read_behind_the_end_does_not_count() -> None:
    """B's log goes on while it is read; what is there then lies behind the position anyhow."""
    a, b = marks("n1", "n2"), marks("c1", "c2", "c1")
    assert exact_position(a, b, 1, 3) == ExactPosition(1, ((2, 3),))
    assert exact_position(a, b, 1, 2) == ExactPosition(1)


def test_what_lies_before_both_windows_was_processed() -> None:
    """A copy that A's window lacks lies before it; a native record of B that is known to have crossed, too."""
    a, b = marks("n5", "n6"), marks("c3", "n4", "c5", "n7", "c3", "c5", "c6")
    assert exact_position(a, b, 1, 7, b_crossed=2) == ExactPosition(3, ((4, 6),))


def test_what_is_marked_as_a_copy_and_is_not_on_the_other_cluster_holds_the_cut() -> None:
    """Its producer wrote the mark itself, or it is gone there: no flow carries it, so going on would lose it."""
    a, b = marks("n1", "c9", "n2", "c8", "c9"), marks("c1", "c2")
    assert exact_position(a, b, 1, 2) == NotCrossed(2, 1, 9, marked=True)
    assert exact_position(a, b, 3, 2) == NotCrossed(
        1, 3, 8, marked=True
    )  # the repeat of 9 is done, as the first one is
    assert exact_position(a, b, 5, 2) == ExactPosition(2)
    assert exact_position(a, b, 2, 2, passed=[(3, 4)]) == ExactPosition(1)  # 8 was processed before the switch to A


def test_a_copy_that_came_after_the_other_clusters_end_was_taken_says_nothing() -> None:
    """Its native record lies behind that end, and so behind the position."""
    a, b = marks("n1", "c9"), marks("c1", "n9")
    assert exact_position(a, b, 1, 1, a_sure=1) == ExactPosition(1)
    assert exact_position(a, b, 1, 1, a_sure=2) == ExactPosition(1)  # it was read all the same
    assert exact_position(a, marks("c1"), 1, 1, a_sure=1) == ExactPosition(1)


def test_a_copy_whose_native_would_have_to_be_known_and_is_not_is_processed() -> None:
    """Somebody wrote the mark to B, so it never came to A."""
    a, b = marks("n5", "n6"), marks("c3", "c7", "c5", "c6")
    assert exact_position(a, b, 1, 4, whole_since=5) == ExactPosition(1, ((2, 3),))
    assert exact_position(a, b, 1, 4, whole_since=8) == ExactPosition(3)
    assert exact_position(a, b, 1, 4) == ExactPosition(3)
