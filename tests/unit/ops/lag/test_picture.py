"""What a partition and a group are told to be, by what was seen and read."""

from dataclasses import replace

import pytest

from kafkalert.ops.lag.movement import Observation, Verdict
from kafkalert.ops.lag.picture import PartitionLag, by_urgency, group_lag, partition_lag, worst
from kafkalert.ops.lag.waiting import Waiting

NOW = 1_750_000_000_000


def observation(time: int, committed: int | None, end: int = 100, stable: int | None = None) -> Observation:
    """A log that begins at 10."""
    return Observation(float(time), committed, 10, end, end if stable is None else stable)


def lag(*window: Observation, waiting: Waiting) -> PartitionLag:
    return partition_lag("g", ("t", 3), window, waiting, NOW, transaction="ask the tool")


def read(position: int, upto: int, records: int, first_ms: int | None = NOW - 1500) -> Waiting:
    """What was read of it."""
    return Waiting(position, upto, records, first_ms if records else None, known=True)


def test_offsets_and_records_are_told_apart() -> None:
    """The lag is that of Kafka's own tool; markers and holes are no records."""
    found = lag(observation(0, 40), observation(1, 40), waiting=read(40, 100, 20))
    assert (found.lag, found.records, found.counted, found.seconds_behind) == (60, 20, True, 1.5)
    assert found.why == "40 offsets behind it hold transaction markers, or what was aborted or compacted away"
    none = lag(observation(0, 99), observation(1, 99), waiting=read(99, 100, 0))
    assert (none.lag, none.records, none.verdict, none.seconds_behind) == (1, 0, Verdict.OK, 0.0)
    assert not none.is_waiting


def test_what_is_not_counted_is_at_most_what_offsets_say() -> None:
    """And an age that is not known is none."""
    found = lag(observation(0, 40), observation(1, 40), waiting=Waiting(40, 40))
    assert (found.records, found.counted, found.seconds_behind, found.why) == (60, False, None, "")
    first = lag(observation(0, 40), observation(1, 40), waiting=read(40, 60, 20))
    assert (first.records, first.counted, first.seconds_behind) == (60, False, 1.5)


@pytest.mark.parametrize(
    ("time", "age"), [(0, None), (NOW + 3_600_000, None), (NOW + 100, 0.0), (NOW - 86_400_000, 86_400.0)]
)
def test_a_time_that_cannot_be_true_is_no_age(time: int, age: float | None) -> None:
    """A producer may write any; and that is said."""
    found = lag(observation(0, 40), observation(1, 40), waiting=read(40, 100, 60, time))
    assert found.seconds_behind == age
    assert ("cannot be true" in found.why) is (age is None)


def test_what_was_deleted_before_it_was_read_is_said() -> None:
    """Also where nothing is left to read."""
    found = lag(observation(0, 4, 10), observation(1, 4, 10), waiting=read(10, 10, 0))
    assert (found.lag, found.records, found.gone, found.verdict) == (6, 0, 6, Verdict.WARN)
    assert found.why == "at most 6 records expired or were deleted before the group read them"


def test_a_group_that_has_committed_nothing_has_no_lag_but_something_to_read() -> None:
    """As the tool prints it; a partition that was added is read from its start."""
    found = lag(observation(0, None), observation(1, None), waiting=read(10, 100, 90))
    assert (found.lag, found.records, found.verdict, found.gone) == (None, 90, Verdict.STOPPED, 0)
    assert found.why == "the group has committed nothing here"


def test_a_group_beyond_the_end_is_not_behind_and_not_well() -> None:
    """As after a topic was made anew."""
    found = lag(observation(0, 130), observation(1, 130), waiting=Waiting(130, 130, known=True))
    assert (found.lag, found.records, found.verdict) == (-30, 0, Verdict.WARN)
    assert "ends before the group's offset" in found.why


def test_who_has_a_transaction_open_is_asked_of_the_tool() -> None:
    found = lag(observation(0, 90, 100, 90), observation(1, 90, 100, 90), waiting=Waiting(90, 90, known=True))
    assert (found.verdict, found.records, found.counted, found.seconds_behind) == (Verdict.WARN, 10, False, None)
    assert found.why.endswith("open from offset 90 on: ask the tool")


def test_a_group_is_as_far_behind_as_its_worst_partition() -> None:
    """Sums of what waits, the oldest record, the longest time; what one does not know nobody knows."""
    one = lag(observation(0, 40), observation(1, 50), waiting=read(50, 100, 50))
    idle = lag(observation(0, 100), observation(1, 100), waiting=read(100, 100, 0))
    found = group_lag("g", 2, [one, idle])
    assert (found.verdict, found.lag, found.records, found.seconds_behind) == (Verdict.OK, 50, 50, 1.5)
    assert (found.rate_in, found.rate_out, found.catch_up_seconds) == (0, 10, 5)
    unknown = replace(one, seconds_behind=None, verdict=None, catch_up_seconds=None)
    found = group_lag("g", 2, [unknown, idle])
    assert (found.verdict, found.seconds_behind, found.catch_up_seconds) == (None, None, None)
    stopped = replace(one, verdict=Verdict.STOPPED)
    assert sorted([idle, one, unknown, stopped], key=by_urgency) == [stopped, unknown, one, idle]
    assert worst([]) is Verdict.OK
