"""Where a group goes on after a forced switch, by logs, heartbeats and commits that a test makes up."""

from collections.abc import Mapping, Sequence
from typing import Final

import pytest

from kafkalert.bus.records import lookup
from kafkalert.bus.records.lookup import SECONDS, Sought
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.ops.failover.positions import resume as module
from kafkalert.ops.failover.positions.groups import Known
from kafkalert.ops.failover.positions.reported import claims
from kafkalert.ops.failover.positions.resume import Logs, ResumePoint, points_of
from kafkalert.ops.failover.positions.rewind import End
from kafkalert.ops.failover.status.heartbeats import Committed, HeartbeatRecord
from tests.support.fakes.engine import FakeClock
from tests.unit.ops.failover.positions.test_reported import FakeReader, id_of

ONE: Final[Partition] = ("accountentry", 0)
WORD: Final = "accountentry/0"
DEATH: Final = 1_000_000
NOTHING: Final = Known({}, {})


def beat(time: int, offset: int, record: str, *, name: str = "vm-1") -> HeartbeatRecord:
    """By it everything before `offset` was processed, the last of which was `record`."""
    return HeartbeatRecord(
        name, "alerting", "dc1", "running", time, committed={WORD: Committed(offset, id_of(record).hex())}
    )


def steady(ahead: int, *, seconds: int = 600, rate: int = 10) -> list[HeartbeatRecord]:
    """A beat a second up to DEATH, at which everything before `ahead` was processed: r0, r1, ..."""
    return [
        beat(DEATH - 1000 * back, ahead - rate * back, f"r{ahead - rate * back - 1}")
        for back in range(min(seconds, (ahead - 1) // rate), -1, -1)
    ]


def going(
    monkeypatch: pytest.MonkeyPatch,
    log: Sequence[str],
    beats: Sequence[HeartbeatRecord],
    *,
    end: End | None,
    carried: Mapping[Partition, int] | None = None,
    known: Known = NOTHING,
    stable: int | None = None,
    overlap: float = 20.0,
) -> ResumePoint:
    """Of the one partition, whose log on the target is `log`; everything had crossed until DEATH."""

    class Reader(FakeReader):
        def close(self) -> None:
            """Nothing to close."""

    def reader(*_: object, uncommitted: bool) -> Reader:
        assert uncommitted
        return Reader({ONE: log}, step=500)

    monkeypatch.setattr(module, "MarkReader", reader)
    bound = len(log) if stable is None else stable
    logs = Logs(Cluster(name="dc2", bootstrap="a:1"), "dc1", {ONE: 0}, {ONE: len(log)}, {ONE: bound}, FakeClock())
    made = claims(beats, "dc1")["alerting"]
    (one,) = points_of("g", {ONE: end}, made, known, logs, carried or {}, DEATH, overlap, all_read=True)
    return one


def test_an_end_of_before_does_not_make_a_repeat_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alerting ended at r9999; 40,000 entries came and crossed, the source sent its file again, and dc1 died.

    Whether the flow's worker tells how far it was, or nobody does.
    """
    log = [f"r{number}" for number in (*range(50_000), *range(10_000))]
    for carried in ({}, {ONE: 59_999}):
        one = going(monkeypatch, log, steady(10_000), end=End(10_000, 300_000), carried=carried)
        assert one.offset == 9_800
        assert one.again == 50_200
        assert one.stranded is None


@pytest.mark.parametrize("written", [0, 400, 3_000, 30_000])
def test_what_others_write_after_the_death_does_not_make_a_repeat_the_record(
    monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    """A producer had no answer for two records, and sends them to the other cluster; others' lie between the two."""
    own = [f"n{number}" for number in range(written)]
    log = [*(f"r{number}" for number in range(10_000)), *own, "+r9799", "+r9809"]
    one = going(monkeypatch, log, steady(10_000), end=End(10_000, 0))
    assert (one.offset, one.since) == (9_800, DEATH - 20_000)


def test_a_record_that_was_written_here_at_first_is_found_where_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its copy was processed on the old cluster."""
    log = [*(f"r{number}" for number in range(5_000)), *(f"n{number}" for number in range(5_000, 10_000))]
    beats = [beat(DEATH - 1000 * back, 10_000 - back, f"n{10_000 - back - 1}") for back in range(600, -1, -1)]
    assert going(monkeypatch, log, beats, end=End(10_000, 0)).offset == 9_980


def test_an_end_that_is_fresh_is_near_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    log = [f"r{number}" for number in range(50_000)]
    one = going(monkeypatch, log, steady(50_000), end=End(50_000, 0))
    assert (one.offset, one.since, one.stranded) == (49_800, DEATH - 20_000, 0)


def test_one_heartbeat_does_not_bound_what_is_stranded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flow stood still after r39. Somebody claims everything up to far ahead, by the id of the first record."""
    log = [f"r{number}" for number in range(40)]
    honest = going(monkeypatch, log, steady(1_000), end=End(1_000, 0), overlap=60.0)
    assert honest.stranded == 960
    ghost = beat(DEATH - 90_000, 10**9, "r0", name="ghost")
    one = going(monkeypatch, log, [ghost, *steady(1_000)], end=End(1_000, 0), overlap=60.0)
    assert one.stranded is not None
    assert one.stranded >= 960


def test_of_an_id_that_came_twice_the_first_claim_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source sent r0 to r49 again, so the same ids were claimed at two offsets; only the first ones crossed."""
    there = [f"r{number}" for number in (*range(50), *range(50))]
    beats = [beat(DEATH - 1000 * (100 - at), at, there[at - 1]) for at in range(10, 101, 10)]
    one = going(monkeypatch, there[:45], beats, end=End(1_000, 0), overlap=0.0)
    assert (one.offset, one.since) == (40, DEATH - 60_000)
    assert one.stranded == 960


def test_who_has_nothing_to_do_goes_back_no_further_than_need_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle for ten minutes, it claimed the same each second; then ten entries came."""
    log = [f"r{number}" for number in range(110)]
    idle = [beat(DEATH - 1000 * back, 100, "r99") for back in range(600, 9, -1)]
    busy = [beat(DEATH - 1000 * back, 110 - back, f"r{109 - back}") for back in range(9, -1, -1)]
    one = going(monkeypatch, log, [*idle, *busy], end=End(110, 0), overlap=80.0)
    assert (one.offset, one.since) == (100, DEATH - 80_000)


def test_where_nobody_knows_near_what_it_is_looked_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than that all is done again: the whole log is read."""
    seconds: list[float] = []
    found = lookup.find

    def look(sought: Mapping[Partition, Sought], reader: FakeReader, clock: FakeClock, how_long: float) -> object:
        seconds.append(how_long)
        return found(sought, reader, clock, how_long)

    monkeypatch.setattr(module, "find", look)
    log = [f"r{number}" for number in range(1_000)]
    for age in (0, 300_000):
        assert going(monkeypatch, log, steady(1_000), end=End(1_000, age)).offset == 800
    assert seconds == [SECONDS] * 2 + [module.LONG_SECONDS] * 2


def test_a_second_try_with_more_overlap_goes_further_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first try wrote for the group counts only where nothing else is known."""
    log = [f"r{number}" for number in range(5_000)]
    tried = Known({}, {ONE: 4_600})
    one = going(monkeypatch, log, steady(5_000), end=End(5_000, 0), known=tried, overlap=100.0)
    assert (one.offset, one.since) == (4_000, DEATH - 100_000)
    stood = Known({ONE: 4_200}, {})
    assert going(monkeypatch, log, steady(5_000), end=End(5_000, 0), known=stood, overlap=100.0).offset == 4_200
    unheard = [beat(DEATH - 1000 * back, 9_000 - back, f"n{back}") for back in range(50)]
    assert going(monkeypatch, log, unheard[::-1], end=End(5_000, 0), known=tried).offset == 4_600
    assert going(monkeypatch, log, unheard[::-1], end=End(5_000, 0), known=Known({}, {ONE: 5_001})).offset == 0


def test_nothing_behind_an_open_transaction_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """It lies behind offset 1,000 on the target; what follows is counted, as it comes once that has ended."""
    log = [f"r{number}" for number in range(5_000)]
    one = going(monkeypatch, log, steady(5_000), end=End(5_000, 0), stable=1_000)
    assert (one.offset, one.again) == (1_000, 4_000)
