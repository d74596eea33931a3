"""Where a forced switch goes on by ids, against a simulation of two logs, whatever the records' times are.

The rule, by itself: before the place lies no record of the old cluster that was not settled there. Heartbeats may be
anybody's.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kafkalert.bus.records import lookup
from kafkalert.bus.records.lookup import Found, Sought, find
from kafkalert.bus.records.marks import Mark
from kafkalert.bus.records.partitions import Partition
from kafkalert.ops.failover.positions.reported import Claim, claims
from kafkalert.ops.failover.status.heartbeats import Committed, HeartbeatRecord
from tests.support.fakes.engine import FakeClock

ONE: Final[Partition] = ("accountentry", 0)
WORD: Final = "accountentry/0"


def id_of(name: str) -> bytes:
    """The id of a record's mark."""
    return hashlib.blake2b(name.encode(), digest_size=8).digest()


class FakeReader:
    """Reads logs that a test makes up, some records at a time.

    Records n0, n1, ... are this cluster's own; so is +r7, which repeats the id of r7.
    """

    def __init__(self, logs: Mapping[Partition, Sequence[str]], step: int = 3) -> None:
        self.logs = logs
        self.positions: dict[Partition, int] = {}
        self.read = 0
        self._open: set[Partition] = set()
        self._step = step

    def start(self, at: Mapping[Partition, int]) -> None:
        """As the real one."""
        self.positions, self._open = dict(at), set(at)

    def stop(self, partitions: Sequence[Partition]) -> None:
        """As the real one."""
        self._open -= set(partitions)

    def pump(self, _seconds: float) -> list[tuple[Partition, Mark]]:
        """The next few of each."""
        found: list[tuple[Partition, Mark]] = []
        for one in sorted(self._open):
            at = self.positions[one]
            for offset, name in enumerate(self.logs[one][at : at + self._step], at):
                is_native = name.startswith(("n", "+"))
                found.append((one, Mark(offset, id_of(name.removeprefix("+")), native=is_native, timestamp=0)))
            self.positions[one] = min(len(self.logs[one]), at + self._step)
        self.read += len(found)
        return found


@dataclass
class Death:
    """The old log, the new one, beats of the old cluster's instances, and how far everything was when it died."""

    old: list[str]
    new: list[str]
    beats: list[HeartbeatRecord]
    settled: int
    """Offset on the old log before which everything was processed, and all of whose outputs crossed."""
    until: int


@st.composite
def deaths(draw: st.DrawFn) -> Death:  # noqa: C901 - a simulation, told from its beginning to its end
    """Records r0, r1, ... written to the old cluster, n0, n1, ... to the new one; each crosses a little later."""
    old: list[str] = []
    new: list[str] = []
    to_new, to_old = 0, 0  # how much of each log the flows have carried
    done = 0
    positions = {0: 0}
    for moment in range(draw(st.integers(1, 60))):
        for _ in range(draw(st.integers(0, 3))):
            old.append(f"r{len(old)}")
        if draw(st.booleans()):
            new.append(f"n{len(new)}")
        # This flow has no delay: the overlap is for its delays.
        old += [name for name in new[to_old:] if name.startswith("n")]
        to_old = len(new)
        for _ in range(draw(st.integers(0, 4))):
            if to_new < len(old):
                if old[to_new].startswith("r"):
                    new.append(old[to_new])
                to_new += 1
        if draw(st.integers(0, 9)) == 0:
            to_new = max(0, to_new - draw(st.integers(0, 5)))  # the flow begins anew: repeats
        done = min(len(old), done + draw(st.integers(0, 4)))
        positions[moment] = done
        to_old = len(new)
    last = max(positions)
    until = draw(st.integers(0, last))
    named = draw(st.integers(1, 3))
    beats: list[HeartbeatRecord] = []
    for moment, at in positions.items():
        if draw(st.integers(0, 4)):
            at_id = id_of(old[at - 1]).hex() if at else ""
            beats.append(_beat(f"vm-{moment * named // (last + 1)}", moment, Committed(at, at_id)))
    for moment in draw(st.lists(st.integers(0, last), max_size=3)):  # anybody's
        place = draw(st.integers(0, 2 * len(old) + 1))
        names = draw(st.sampled_from([*old, "unheard of"]))
        beats.append(_beat("ghost", moment, Committed(place, id_of(names).hex())))
    return Death(old, new, beats, positions[until], until)


def _beat(name: str, time: int, at: Committed) -> HeartbeatRecord:
    return HeartbeatRecord(name, "alerting", "dc1", "running", time, committed={WORD: at})


def place(death: Death) -> int | None:
    """Where the group goes on on the new log; None where nothing is found."""
    made = claims(death.beats, "dc1").get("alerting", {}).get(ONE)
    chosen = [] if made is None else made.settled(death.until)
    ids = [[one.id for one in each.made if one.id] for each in chosen]
    sought = {ONE: Sought(ids, 0, len(death.new), len(death.new), [each.later for each in chosen])}
    found = find(sought, FakeReader({ONE: death.new}), FakeClock())
    return found[ONE].after if ONE in found else None


def lowest(death: Death) -> int | None:
    """The same by hand: of each instance the newest claim that crossed, where it first lies; of those the lowest.

    Ghosts beat in no order: of one name, those count that are not older than one before, nor ahead of one after.
    """
    places: list[int] = []
    beats = believed(death.beats)
    says = {one.instance for one in beats if one.time <= death.until}
    if all(sum(one.instance == name for one in beats) == 1 for name in says):
        return None
    for name in says:
        told = [one for one in beats if one.instance == name and one.time <= death.until]
        newest_first = [one.committed[WORD].id for one in sorted(told, key=lambda one: one.time)][::-1]
        ids = [id_of(one).hex() for one in death.new]
        found = [ids.index(one) + 1 for one in newest_first if one in ids]
        if not found:
            return None  # of that instance nothing is known, so it may have been anywhere
        after = [one.committed[WORD].id for one in beats if one.instance == name and one.time > death.until]
        places.append(min([found[0], *(ids.index(one) + 1 for one in after if one in ids)]))
    return min(places, default=None)


def believed(beats: Sequence[HeartbeatRecord]) -> list[HeartbeatRecord]:
    """Those of each instance whose times and offsets rise."""
    return [
        one
        for number, one in enumerate(beats)
        if not [before for before in beats[:number] if before.instance == one.instance and before.time > one.time]
        and not [
            after
            for place, after in enumerate(beats[number:], number)
            if after.instance == one.instance
            and (
                after.committed[WORD].offset < one.committed[WORD].offset
                or (
                    after.committed[WORD].offset == one.committed[WORD].offset
                    and after.committed[WORD].id != one.committed[WORD].id
                )
            )
            and not [b for b in beats[:place] if b.instance == after.instance and b.time > after.time]
        ]
    ]


@given(deaths())
def test_the_place_is_the_lowest_of_the_newest_that_crossed(death: Death) -> None:
    """Where nothing was told, or nothing of what one instance told has crossed, there is none."""
    assert place(death) == lowest(death)


@given(deaths())
def test_nothing_that_had_crossed_and_was_not_settled_lies_before_the_place(death: Death) -> None:
    """Beats of instances that still had the partition bound every other one's."""
    at = place(death)
    assume(at is not None)
    honest = [one for one in death.beats if one.instance != "ghost" and one.time <= death.until]
    assume(honest)  # else only a ghost has said anything; its words count, but see the test of one that is alone
    settled = set(death.old[: death.settled])
    assert {name for name in death.new[:at] if name.startswith("r")} <= settled


@given(deaths(), st.data())
def test_one_heartbeat_in_an_instance_s_own_name_moves_no_place_ahead(death: Death, data: st.DataObject) -> None:
    """Of whatever time, with whatever offset and id; the instance itself beats on after it.

    Ahead is what lies behind what the instance itself claims in its next beat.
    """
    honest = [one for one in death.beats if one.instance != "ghost"]
    assume([one for one in honest if one.time <= death.until])
    name = data.draw(st.sampled_from(sorted({one.instance for one in honest})))
    last = max(number for number, one in enumerate(honest) if one.instance == name)
    time = data.draw(st.integers(0, max(one.time for one in honest)))
    claimed = Committed(
        data.draw(st.integers(0, 2 * len(death.old) + 1)),
        id_of(data.draw(st.sampled_from([one for one in death.old if one.startswith("r")] or ["gone"]))).hex(),
    )
    at = data.draw(st.integers(0, last))
    death.beats = [*honest[:at], _beat(name, time, claimed), *honest[at:]]
    found = place(death)
    assume(found is not None)
    later = [one.committed[WORD].offset for one in honest if one.instance == name and one.time > death.until]
    settled = set(death.old[: max([death.settled, *later[:1]])])
    assert {one for one in death.new[:found] if one.startswith("r")} <= settled


def test_what_an_instance_claims_later_bounds_what_it_claimed() -> None:
    """Also where that lies further back than the window in which the first is found."""
    log = [f"r{number}" for number in range(9_000)]
    sought = {ONE: Sought([[id_of("r8990")]], 0, 9_000, 8_990, [[id_of("r700"), id_of("r701")]])}
    assert find(sought, FakeReader({ONE: log}, step=100), FakeClock()) == {ONE: Found(701, 0)}
    unheard = {ONE: Sought([[id_of("r8990")]], 0, 9_000, 8_990, [[id_of("not crossed")]])}
    assert find(unheard, FakeReader({ONE: log}, step=100), FakeClock()) == {ONE: Found(8_991, 0)}


def test_a_single_claim_is_not_believed() -> None:
    """Where all that is known of a partition is one heartbeat, it may be anybody's."""
    once = [_beat("ghost", 3, Committed(9, id_of("r8").hex()))]
    assert claims(once, "dc1")["alerting"][ONE].settled(5) == []
    assert claims([*once, _beat("a", 3, Committed(2, ""))], "dc1")["alerting"][ONE].settled(5) == []
    twice = [*once, _beat("ghost", 9, Committed(9, id_of("r8").hex()))]
    assert [say.made[0].offset for say in claims(twice, "dc1")["alerting"][ONE].settled(5)] == [9]


def test_the_lowest_of_the_places_counts_whatever_offsets_are_claimed() -> None:
    """One heartbeat with the id of a record far ahead moves nothing."""
    log = [f"r{number}" for number in range(100)]
    sought = {ONE: Sought([[id_of("r90")], [id_of("gone"), id_of("r30"), id_of("r20")]], 0, 100, 100)}
    assert find(sought, FakeReader({ONE: log}), FakeClock()) == {ONE: Found(31, 1, 1)}


@given(deaths())
def test_times_of_records_do_not_matter_and_a_repeat_is_behind(death: Death) -> None:
    """Of a record that the flow carried twice the first copy counts: whatever follows any of them follows it."""
    at = place(death)
    assume(at)
    assert at is not None
    assert death.new[at - 1] not in death.new[: at - 1]


def test_each_who_has_the_partition_has_a_say() -> None:
    """Who has beaten since without it has lost it; one that is silent, or claims it again, may still have it."""
    at = [Committed(number, id_of(f"r{number - 1}").hex()) for number in range(10)]
    beats = [
        _beat("lost", 1, at[2]),
        HeartbeatRecord("lost", "alerting", "dc1", "running", 2),
        _beat("has", 3, at[4]),
        _beat("has", 4, at[5]),
        HeartbeatRecord("has", "alerting", "dc1", "running", 5),
        _beat("ghost", 4, at[9]),
        _beat("has", 9, at[8]),
        HeartbeatRecord("other", "alerting", "dc2", "running", 4, committed={WORD: at[1]}),
    ]

    def offsets(until: int) -> list[list[int]]:
        return [[one.offset for one in say.made] for say in claims(beats, "dc1")["alerting"][ONE].settled(until)]

    assert offsets(5) == [[9], [5, 4]], "it claims it again later"
    assert offsets(9) == [[9], [8, 5, 4]]
    assert offsets(0) == []
    beats = [_beat("lost", 0, at[1]), *beats[:2]]
    assert offsets(5) == [[2, 1]], "where nobody has it, whoever had it last counts"


def test_a_place_that_is_not_near_is_found_in_windows_that_grow() -> None:
    """And not at all where the record is gone; then the caller goes further back rather than to the end."""
    log = [f"r{number}" for number in range(8_000)]
    reader = FakeReader({ONE: log}, step=100)
    wanted = Sought([[id_of("r7000"), id_of("r6000")]], 0, len(log), near=7_990)
    assert find({ONE: wanted}, reader, FakeClock()) == {ONE: Found(7001, 0)}
    assert reader.read < 7_000
    second = Sought([[id_of("gone"), id_of("r100")]], 0, len(log), near=7_990)
    assert find({ONE: second}, FakeReader({ONE: log}, step=100), FakeClock()) == {ONE: Found(101, 1)}
    assert (
        find(
            {ONE: Sought([[id_of("r7"), id_of("r8")], [id_of("gone")]], 0, len(log), 0)},
            FakeReader({ONE: log}, step=100),
            FakeClock(),
        )
        == {}
    )


@pytest.mark.parametrize("shift", [0, 400, 3_000])
def test_a_repeat_of_its_id_far_behind_is_not_taken_for_it(shift: int) -> None:
    """A file that is sent twice, or an id that somebody copied; wherever the record is thought to lie."""
    log = [f"r{number}" for number in range(20_000)]
    log[19_000] = "r8000"
    sought = Sought([[id_of("r8000"), id_of("r7990")]], 0, len(log), near=8_000 - shift)
    assert find({ONE: sought}, FakeReader({ONE: log}, step=100), FakeClock()) == {ONE: Found(8_001, 0)}


def test_one_that_is_near_costs_a_few_records() -> None:
    log = [f"r{number}" for number in range(50_000)]
    reader = FakeReader({ONE: log}, step=100)
    found = find({ONE: Sought([[id_of("r40000")]], 0, len(log), near=40_003)}, reader, FakeClock())
    assert found == {ONE: Found(40_001, 0)}
    assert reader.read <= 2 * lookup._NEAR


def test_claims_are_of_one_cluster_and_its_beats_alone() -> None:
    made = claims([_beat("a", 1, Committed(3, "")), HeartbeatRecord("b", "alerting", "dc1", "held", 2)], "dc1")
    assert made["alerting"][ONE].made == (Claim(1, "a", 3, b""),)
    assert claims([_beat("a", 1, Committed(3, ""))], "dc2") == {}
