"""After a cluster's return both tables are equal and the newest row has won, whatever came in between.

By a simulation of one key: two logs, a flow each way, writers on both sides, a command that is killed and run again.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from kafkalert.ops.failover.reconcile.rows import Key, Row


@dataclass(frozen=True, slots=True)
class Record:
    """One row: its number, time, the cluster that it was written to, whether it deletes, and where it lies."""

    number: int
    time: int
    origin: str
    deletes: bool
    native: bool
    offset: int = 0


@dataclass
class Log:
    """What one cluster has of the key."""

    records: list[Record] = field(default_factory=list)
    end: int = 0

    def append(self, record: Record) -> None:
        """Write."""
        self.records.append(replace(record, offset=self.end))
        self.end += 1

    def compact(self) -> None:
        """Only the last row is left, and none where it deletes no longer."""
        self.records = self.records[-1:]

    def value(self) -> int | None:
        """What the table says; None: no such row."""
        return self.records[-1].number if self.records and not self.records[-1].deletes else None


class Sites:
    """dc1, which was given up, and dc2. The flow out of dc1 is stopped, and that out of dc2 where it was forced too.

    `confirmed`: from where on rows may not have crossed, as the connector of the flow out of a cluster says.
    """

    def __init__(self) -> None:
        self.logs = {"dc1": Log(), "dc2": Log()}
        self.at = {"dc1": 0, "dc2": 0}
        self.confirmed = {"dc1": 0, "dc2": 0}
        self.stopped: set[str] = set()
        self.written: list[Record] = []
        self.carried: list[int] = []

    def write(self, cluster: str, time: int, *, deletes: bool) -> None:
        """Somebody writes a row."""
        self.written.append(Record(len(self.written), time, cluster, deletes, native=True))
        self.logs[cluster].append(self.written[-1])

    def stop(self, source: str, crossed: int) -> None:
        """Stop a flow, which may have carried the last so many rows without having confirmed them."""
        native_records = [one for one in self.logs[source].records if one.native and one.offset < self.at[source]]
        kept = native_records[: max(0, len(native_records) - crossed)]
        self.confirmed[source] = kept[-1].offset + 1 if kept else 0
        self.stopped.add(source)

    def mirror(self, source: str) -> None:
        """The flow out of `source` carries what is there, unless it is stopped."""
        if source in self.stopped:
            return
        (target,) = self.logs.keys() - {source}
        for one in self.logs[source].records:
            if one.offset >= self.at[source] and one.native:
                self.logs[target].append(replace(one, native=False))
        self.at[source] = self.logs[source].end

    def copy(self, source: str, offset: int, target: str) -> bool:
        """The command writes the record that lies there, as a copy, if it still does."""
        there = [one for one in self.logs[source].records if one.offset == offset]
        for one in there:
            self.logs[target].append(replace(one, native=False))
        return bool(there)


class KilledError(Exception):
    """The command was killed."""


class Command:
    """What the command does about one cluster; `between` is what may happen between any two of its steps."""

    def __init__(self, sites: Sites, source: str, between: Callable[[], None]) -> None:
        self.sites, self.between = sites, between
        (target,) = sites.logs.keys() - {source}
        self.source, self.target = source, target
        self.old, self.new = sites.logs[source], sites.logs[target]
        committed = sites.confirmed[source]
        self.key, self.end, self.at_old = Key(), self.old.end, committed
        self.tracked = False
        times = [one.time for one in self.old.records if one.offset >= committed and one.native]
        self.at_new = next((one.offset for one in self.new.records if times and one.time >= min(times)), self.new.end)

    def look(self) -> None:
        """At both, before anything is asked."""
        self.look_at_old()
        self.between()
        if self.tracked:
            self.look_at_new()

    def run(self) -> None:
        """Look again, carry, put, let the flow go on."""
        if self.tracked:
            self.between()
            self.look_at_new()
            self.carry()
            self.put()
        self.sites.at[self.source] = self.sites.confirmed[self.source] = self.end
        self.between()
        self.sites.stopped.discard(self.source)

    def look_at_old(self) -> None:
        """Go on reading."""
        for one in self.old.records:
            if one.offset >= self.at_old and (self.tracked or (one.native and one.offset < self.end)):
                self.tracked = True
                self.key.on_old(row(one), self.end)
        self.at_old = self.old.end

    def look_at_new(self) -> None:
        """Go on reading."""
        for one in self.new.records:
            if one.offset >= self.at_new:
                self.key.on_new(row(one))
        self.at_new = self.new.end

    def carry(self) -> None:
        """Row by row."""
        for one in list(self.key.to_carry()):
            self.between()
            if self.sites.copy(self.source, one.offset, self.target):
                self.sites.carried.append(one.id)
            else:
                self.key.lost({one.offset}, on_new=False)

    def put(self) -> None:
        """Until nothing is left to put."""
        while True:
            self.between()
            self.sites.mirror(self.target)
            self.look_at_old()
            self.look_at_new()
            puts = [
                (one, target)
                for one, target in ((self.key.to_put_on_new(), self.target), (self.key.to_put_on_old(), self.source))
                if one
            ]
            if not puts:
                return
            for one, target in puts:
                self.between()
                on_new, offset = self.key.lies(one)
                if not self.sites.copy(self.target if on_new else self.source, offset, target):
                    self.key.lost({offset}, on_new=on_new)


def row(one: Record) -> Row:
    """As the command sees it."""
    return Row(one.offset, one.number, one.time, one.native, one.deletes)


Write = tuple[str, int, bool]
CLUSTER = st.sampled_from(["dc1", "dc2"])


def writes(most: int) -> st.SearchStrategy[list[Write]]:
    """Who writes, how much later (or earlier), and whether it deletes."""
    return st.lists(st.tuples(CLUSTER, st.integers(0, 3), st.booleans()), max_size=most)


def begin(sites: Sites, before: list[Write], crossed: int) -> None:
    """Both clusters as they were when the flow out of dc1 was stopped."""
    for number, (cluster, _, deletes) in enumerate(before):
        sites.write(cluster, number, deletes=deletes)
        sites.mirror(cluster)
    sites.stop("dc1", crossed)


def force_back(sites: Sites, again: list[Write] | None, time: int, crossed: int) -> None:
    """Stages were forced there and back before anybody reconciled: the other flow is stopped, too (None: it is not)."""
    if again is not None:
        sites.stop("dc2", crossed)
    for cluster, shift, deletes in again or ():
        sites.write(cluster, time + shift, deletes=deletes)


def until_it_ends(sites: Sites, old: str, between: Callable[[], None]) -> None:
    """Run the command for the cluster `old`, again if it is killed."""
    (new,) = sites.logs.keys() - {old}
    while True:
        sites.mirror(new)
        with suppress(KilledError):
            stopped = [one for one in (new, old) if one in sites.stopped]
            commands = []
            for one in stopped:
                commands.append(Command(sites, one, between))
                commands[-1].look()
            for command in commands:
                command.run()
                sites.mirror(new)
            return


def finish(sites: Sites) -> None:
    """Both flows run, until all is where it should be."""
    for source in ("dc1", "dc2"):
        sites.mirror(source)


@settings(max_examples=300)
@given(
    before=writes(4),
    crossed=st.integers(0, 2),
    apart=st.lists(st.tuples(CLUSTER, st.integers(-3, 3), st.booleans(), st.booleans()), max_size=7),
    old=CLUSTER,
    again=st.none() | st.lists(st.tuples(CLUSTER, st.integers(-3, 6), st.booleans()), max_size=5),
    during=st.lists(st.tuples(st.integers(0, 24), st.sampled_from(["write", "kill", "compact", "flow"]), CLUSTER)),
    times=st.lists(st.integers(0, 12), min_size=12, max_size=12),
)
def test_both_tables_are_equal_whatever_happens(
    before: list[Write],
    crossed: int,
    apart: list[tuple[str, int, bool, bool]],
    old: str,
    again: list[Write] | None,
    during: list[tuple[int, str, str]],
    times: list[int],
) -> None:
    """Times in any order, rows and tombstones, writers and compaction at any step, kills: in the end both are equal.

    Not kills and compaction at once: what is taken between two runs is unknown to the second. Kafka compacts no segment
    that is being written to.
    """
    assume({"kill", "compact"} - {what for _, what, _ in during})
    assume(old == "dc1" or again is not None)
    (new,) = {"dc1", "dc2"} - {old}
    sites = Sites()
    begin(sites, before, crossed)
    for cluster, shift, deletes, flows in apart:
        sites.write(cluster, len(before) + shift, deletes=deletes)
        if flows:
            sites.mirror("dc2")
    force_back(sites, again, len(before), crossed)
    steps = count(1)

    def between() -> None:
        step = next(steps)
        for cluster in [cluster for at, what, cluster in during if (at, what) == (step, "compact")]:
            sites.logs[cluster].compact()
        happens = {what for at, what, _ in during if at == step}
        if "write" in happens:
            sites.write(new, times[step % len(times)], deletes=step % 3 == 0)
        if "flow" in happens:
            sites.mirror(new)
        if "kill" in happens:
            raise KilledError

    until_it_ends(sites, old, between)
    finish(sites)
    assert sites.logs["dc1"].value() == sites.logs["dc2"].value()
    assert len(sites.carried) == len(set(sites.carried))


@settings(max_examples=300)
@example(  # dc1's row is the newest, and an older one of dc2 has come in behind it
    before=[],
    crossed=0,
    apart=[("dc1", 3, False), ("dc2", 0, False)],
    old="dc2",
    again=[("dc2", 1, False)],
    kills={9},
    late={},
)
@given(
    before=writes(4),
    crossed=st.integers(0, 2),
    apart=writes(8),
    old=CLUSTER,
    again=st.none() | writes(5),
    kills=st.sets(st.integers(1, 24)),
    late=st.dictionaries(st.integers(1, 24), st.tuples(st.integers(0, 3), st.booleans()), max_size=3),
)
def test_the_newest_row_wins(
    before: list[Write],
    crossed: int,
    apart: list[Write],
    old: str,
    again: list[Write] | None,
    kills: set[int],
    late: dict[int, tuple[int, bool]],
) -> None:
    """Where each cluster's times rise: of all rows ever written the newest one counts.

    What is written to the cluster in use while the command runs is newer than what was stranded before, as clocks
    have it.
    """
    assume(old == "dc1" or again is not None)
    (new,) = {"dc1", "dc2"} - {old}
    sites = Sites()
    begin(sites, before, crossed)
    clock = dict.fromkeys(("dc1", "dc2"), len(before))
    for cluster, later, deletes in apart:
        clock[cluster] += later
        sites.write(cluster, clock[cluster], deletes=deletes)
        sites.mirror("dc2")
    if again is not None:
        sites.stop("dc2", crossed)
    for cluster, later, deletes in again or ():
        clock[cluster] += later
        sites.write(cluster, clock[cluster], deletes=deletes)
    steps = count(1)

    def between() -> None:
        step = next(steps)
        if step in late:
            sites.write(new, max(clock.values()) + late[step][0], deletes=late[step][1])
            clock[new] = sites.written[-1].time
        if step in kills:
            raise KilledError

    until_it_ends(sites, old, between)
    finish(sites)
    assert sites.logs["dc1"].value() == sites.logs["dc2"].value()
    newest = [
        max(theirs, key=lambda one: (one.time, one.number))
        for origin in (new, old)
        if (theirs := [one for one in sites.written if one.origin == origin])
    ]
    # Of equal ones the one of the cluster in use; where both flows were stopped, any of the two.
    best = [one for one in newest if one.time == max(each.time for each in newest)]
    values = [None if one.deletes else one.number for one in best] or [None]
    assert sites.logs[new].value() in (values if again is not None else values[:1])


def key_of(old: list[Row], new: list[Row]) -> Key:
    """A key whose logs hold these, all of the old cluster's behind what is confirmed."""
    key = Key()
    for row in old:
        key.on_old(row, 100)
    for row in new:
        key.on_new(row)
    return key


@pytest.mark.parametrize("deletes", [False, True])
def test_a_stranded_row_is_carried_unless_the_other_cluster_has_a_newer_one(deletes: bool) -> None:
    """Newer, older and equally old; a tombstone is a row like any other."""
    stranded = Row(5, 1, 1000, native=True, deletes=deletes)
    for time, carried in ((999, True), (1000, False), (1001, False)):
        theirs = Row(9, 2, time, native=True, deletes=not deletes)
        key = key_of([stranded], [theirs])
        assert bool(list(key.to_carry())) is carried
        assert bool(list(key.superseded())) is not carried


def test_an_equally_old_row_that_came_from_the_returning_cluster_lies_before_the_stranded_one() -> None:
    """Two rows of one millisecond, the first of which had crossed."""
    key = key_of([Row(5, 1, 1000, native=True, deletes=False)], [Row(9, 2, 1000, native=False, deletes=False)])
    assert [row.offset for row in key.to_carry()] == [5]


def test_a_loser_that_lies_last_is_overtaken_on_its_own_cluster() -> None:
    """dc2's row crossed to dc1 before an older one was written there: dc1 gets it once more."""
    theirs = Row(4, 2, 1001, native=True, deletes=False)
    key = key_of([Row(5, 1, 1000, native=True, deletes=False)], [theirs])
    assert (key.to_put_on_old(), key.to_put_on_new()) == (theirs, None)


def test_what_is_written_to_the_returning_cluster_meanwhile_stays_last_there() -> None:
    """It crosses by itself, and is last on the other one."""
    since = Row(101, 3, 900, native=True, deletes=False)
    key = key_of([Row(5, 1, 1000, native=True, deletes=False), since], [Row(9, 2, 1001, native=True, deletes=False)])
    assert key.to_put_on_old() is None
    key.on_old(Row(102, 2, 1001, native=False, deletes=False), 100)
    assert key.to_put_on_old() == since


def test_what_the_cluster_in_use_wrote_behind_a_row_that_had_crossed_stays_whatever_its_time() -> None:
    """There it lies later in one log, which decides."""
    crossed, later = Row(8, 1, 1000, native=False, deletes=False), Row(9, 2, 500, native=True, deletes=False)
    key = key_of([Row(5, 1, 1000, native=True, deletes=False)], [crossed, later])
    assert (list(key.to_carry()), key.to_put_on_new(), key.to_put_on_old()) == ([], None, later)


def test_a_copy_that_came_in_late_does_not_hide_a_newer_row_of_the_cluster_in_use() -> None:
    """Which was stranded there itself; one that is newer counts."""
    theirs = Row(8, 2, 1001, native=True, deletes=False)
    for time, last in ((1000, theirs), (1002, Row(9, 3, 1002, native=False, deletes=False))):
        copy = Row(9, 3, time, native=False, deletes=False)
        key = key_of([Row(5, 1, 1000, native=True, deletes=False)], [theirs, copy])
        assert key.winner() == (last, False)
        assert (key.to_put_on_new() is None) == (last == copy)


def test_a_row_that_won_is_read_where_nothing_takes_it_away() -> None:
    """Where it is the last one; where it was written, compaction may have taken it."""
    key = key_of([Row(5, 1, 1000, native=True, deletes=False)], [Row(9, 2, 500, native=True, deletes=False)])
    assert key.lies(key.stranded[0]) == (False, 5)
    key.on_old(Row(105, 2, 500, native=False, deletes=False), 100)
    key.on_new(Row(10, 1, 1000, native=False, deletes=False))
    assert key.lies(key.stranded[0]) == (True, 10)


def test_of_two_copies_the_later_one_counts() -> None:
    """They come from one cluster, where a clock was set back; the order of its log decides, not the times."""
    copies = [Row(0, 1, 5, native=False, deletes=False), Row(1, 2, 3, native=False, deletes=True)]
    key = key_of([Row(2, 3, 4, native=True, deletes=False)], copies)
    assert (key.theirs, list(key.to_carry())) == (copies[1], key.stranded)


def test_a_copy_counts_once_the_newer_row_before_it_is_gone() -> None:
    """Compaction took that while the operator was asked; the stranded row is older than both."""
    theirs = [Row(0, 2, 30, native=True, deletes=False), Row(1, 3, 20, native=False, deletes=False)]
    key = key_of([Row(0, 1, 10, native=True, deletes=False)], theirs)
    assert key.theirs == theirs[0]
    key.lost({0}, on_new=True)
    assert (key.theirs, list(key.to_carry())) == (theirs[1], [])
    both = key_of([Row(0, 1, 10, native=True, deletes=False)], theirs)
    both.lost({0, 1}, on_new=True)
    assert (both.theirs, list(both.to_carry())) == (None, both.stranded)
