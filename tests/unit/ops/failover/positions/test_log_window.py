"""From where a planned switch reads a cluster, and when it says that older records were not verified."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.bus.records.mark_reader import MarkReader
from kafkalert.bus.records.marks import Mark
from kafkalert.bus.records.partitions import Partition
from kafkalert.ops.failover.positions.log_window import MOST, LogWindow, share

P = ("accountentry", 0)
Q = ("accountentry", 1)


def window(end: int) -> LogWindow:
    """A cluster of two partitions with records up to `end`."""
    made = LogWindow.__new__(LogWindow)
    made.behind = {P: end, Q: end}
    return made


@pytest.mark.parametrize(
    ("start", "end", "known", "crossed", "assumed"),
    [
        (0, 0, {}, 0, False),
        (5, 9, {}, 5, False),
        (0, 9, {P: 3}, 3, False),
        (5, 9, {P: 3}, 5, False),
        (0, 9, {P: 10}, 0, False),
        (0, MOST, {}, MOST // 2, True),
        (0, 2 * MOST, {P: MOST // 2 + 7}, 3 * MOST // 2, True),
        (0, 2 * MOST, {P: 2 * MOST - 3, Q: 2 * MOST - 5}, 2 * MOST - 3, False),
        (0, 2 * MOST, {Q: 2 * MOST - 5}, MOST + 5, True),
    ],
    ids=[
        "empty",
        "all",
        "known",
        "expired",
        "of an earlier topic",
        "many",
        "many, and known",
        "few are left",
        "few of the other",
    ],
)
def test_where_reading_begins_and_what_is_not_verified(
    start: int, end: int, known: dict[tuple[str, int], int], crossed: int, *, assumed: bool
) -> None:
    """By offsets alone: the times of records are their producers', and a booking's may be of hours ago."""
    one = window(end)
    one.begin_at({P: start, Q: start}, known)
    assert (P in one.assumed) is assumed
    assert one.crossed[P] == one.begin[P] == crossed
    assert (P in one.untold) is (known.get(P, end + 1) > end)


@pytest.mark.parametrize(
    ("needs", "most", "each"),
    [
        ([], 9, 9),
        ([3, 3, 3], 9, 3),
        ([4, 3, 3], 9, 3),
        ([0, 0, 40], 9, 9),
        ([40, 1, 2, 40], 9, 3),
        ([40, 40], 1, 0),
    ],
)
def test_what_a_partition_does_not_need_is_left_to_the_others(needs: list[int], most: int, each: int) -> None:
    """Together they read no more than `most`."""
    assert share(needs, most) == each
    assert sum(min(one, each) for one in needs) <= most


@pytest.mark.parametrize(
    ("start", "older", "floor", "whole"),
    [
        (0, [], 1000, 1000),
        (0, [2, 3], 1000, 1000),
        (0, [], None, None),
        (4, [], 1000, 1000),
        (4, [4, 5], 1000, None),
        (5, [], 1000, None),
        (4, [], -1, 0),
    ],
    ids=[
        "all is there",
        "all of it",
        "not read by time",
        "begins later",
        "at what is left",
        "the same",
        "without times",
    ],
)
def test_a_window_that_begins_with_what_is_left_of_a_log_may_lack_what_is_gone(
    start: int, older: list[int], floor: int | None, whole: int | None
) -> None:
    """That may have been of the time from which the window was read."""
    made = window(9)
    made.begin_at({P: start, Q: 9}, {P: 5, Q: 9})
    for offset in older:
        made.older[P].append(Mark(offset, b"12345678", native=True, timestamp=1000))
    assert made.whole_since(P, floor) == whole


some_offsets = st.dictionaries(st.sampled_from([P, Q]), st.integers(0, 3))


@given(some_offsets, some_offsets)
def test_a_partition_that_is_not_read_has_reached_no_end(
    positions: dict[Partition, int], ends: dict[Partition, int]
) -> None:
    """A cluster's part of the ledger and its reader go by the same rule, not by which partitions they know."""
    reader, ledgers = MarkReader.__new__(MarkReader), window(9)
    reader.positions = ledgers.positions = positions
    is_read = all(one in positions and positions[one] >= end for one, end in ends.items())
    assert reader.reached(ends) is ledgers.has_read(ends) is is_read


class Growing:
    """A partition that has one record more at each answer; from `open_at` on they wait for a transaction's end."""

    def __init__(self, open_at: int = 2**62) -> None:
        self.end, self.open_at = 5, open_at

    def high_watermarks(self, _: object) -> dict[tuple[str, int], int]:
        """The offset after the last record."""
        self.end += 1
        return {P: self.end}

    def ends(self, asked: object) -> dict[tuple[str, int], int]:
        """The last stable offset."""
        return {P: min(self.open_at, self.high_watermarks(asked)[P])}


def test_what_is_written_between_two_answers_waits_for_no_transaction() -> None:
    busy = window(9)
    busy.begin = {P: 0}
    busy.places = cast("Any", Growing())
    assert busy.open_transactions() == {}
    busy.places = cast("Any", Growing(open_at=3))
    assert busy.open_transactions() == {P: (3, 6)}
