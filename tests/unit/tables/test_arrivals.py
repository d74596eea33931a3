"""Which records the tables remember of a partition, and where they go on behind these on another cluster.

Few are remembered, and always one that is old enough.
"""

from collections.abc import Mapping
from itertools import accumulate
from typing import cast

import pytest
from confluent_kafka import OFFSET_BEGINNING
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.bus.records.lookup import SECONDS, Found, Sought
from kafkalert.bus.records.mark_reader import MarkReader
from kafkalert.bus.records.partitions import Partition
from kafkalert.tables.arrivals import OVERLAP_MS, Arrival, sure, with_newest
from kafkalert.tables.resume import SURE_SECONDS, places
from kafkalert.tables.store import Checkpoint
from tests.support.fakes.engine import FakeClock
from tests.unit.ops.failover.positions.test_reported import ONE, FakeReader, id_of

STEPS = st.lists(st.one_of(st.integers(0, 2_000), st.integers(0, 400_000)), min_size=1, max_size=200)


@given(STEPS, st.integers(0, 2 * OVERLAP_MS))
def test_one_is_kept_that_is_old_enough(steps: list[int], later: int) -> None:
    """Of any run of arrivals: in order, few, and one to go on behind wherever there was any."""
    times = list(accumulate(steps))
    kept: tuple[Arrival, ...] = ()
    for number, time in enumerate(times):
        kept = with_newest(kept, Arrival(time, number.to_bytes(8, "big")))
    assert [one.at for one in kept] == sorted((one.at for one in kept), reverse=True)
    assert len(kept) <= 48
    seen = times[-1] + later
    found, after = ([times[int.from_bytes(one, "big")] for one in ids] for ids in sure(kept, seen))
    assert bool(found) == (times[0] <= seen - OVERLAP_MS)
    assert all(time <= seen - OVERLAP_MS for time in found)
    assert [*after, *found] == [one.at for one in kept]


def test_what_comes_each_second_is_gone_on_behind_not_much_before() -> None:
    """After an hour: at most twelve minutes are read again."""
    kept: tuple[Arrival, ...] = ()
    for second in range(3600):
        kept = with_newest(kept, Arrival(second * 1000, second.to_bytes(8, "big")))
        if second * 1000 > 3 * OVERLAP_MS:
            found = int.from_bytes(sure(kept, second * 1000)[0][0], "big")
            assert 300 <= second - found <= 700


def test_a_row_that_is_written_again_is_not_taken_for_the_one_that_was_read() -> None:
    """A row a second, whose last 1,000 were read; r9000 comes again near the end, where nothing else is looked for."""
    kept: tuple[Arrival, ...] = ()
    for number in range(9_900):
        kept = with_newest(kept, Arrival(number * 1000, id_of(f"r{number}")))
    log = [f"r{number}" for number in range(10_900)]
    (best, *_), _ = sure(kept, 9_899_000)
    at = next(number for number in range(9_900) if id_of(f"r{number}") == best)
    found = gone_on({ONE: log}, Checkpoint("dc1", "", 9_900, 9_899_000, kept))
    assert found == at + 1
    log[10_890] = f"r{at}"
    assert gone_on({ONE: log}, Checkpoint("dc1", "", 9_900, 9_899_000, kept)) == found


def test_rows_that_did_not_cross_hold_up_nobody_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would show that the row is no repeat is looked for two seconds; then it is gone on behind it."""
    asked: list[tuple[bool, float]] = []

    def found(
        sought: Mapping[Partition, Sought], _reader: object, _clock: object, seconds: float = SECONDS
    ) -> dict[Partition, Found]:
        asked.append((any(any(what.later) for what in sought.values()), seconds))
        return {ONE: Found(7, 0)} if asked[1:] else {}

    monkeypatch.setattr("kafkalert.tables.resume.find", found)
    kept = (Arrival(OVERLAP_MS, id_of("later")), Arrival(0, id_of("r1")))
    assert gone_on({ONE: ["r1"]}, Checkpoint("dc1", "", 1, OVERLAP_MS, kept)) == 7
    assert asked == [(True, SURE_SECONDS), (False, SECONDS)]


def test_where_nothing_that_was_read_is_there_all_is_read() -> None:
    kept = (Arrival(0, id_of("gone")),)
    assert gone_on({ONE: ["r1"]}, Checkpoint("dc1", "", 1, OVERLAP_MS, kept)) == OFFSET_BEGINNING
    assert gone_on({ONE: []}, Checkpoint("dc1", "", 1, OVERLAP_MS, kept)) == 0


def gone_on(logs: dict[Partition, list[str]], kept: Checkpoint) -> int:
    """Where the tables go on."""
    reader = FakeReader(logs, step=500)
    return places({ONE: kept}, {ONE: len(logs[ONE])}, cast("MarkReader", reader), FakeClock())[ONE]
