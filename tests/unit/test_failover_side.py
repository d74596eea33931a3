"""From where a planned switch reads a cluster, and when it says that older records were not verified."""

from typing import Any, cast

import pytest

from kafkalert.bus.marks import Mark
from kafkalert.ops.failover.side import MOST, Side

P = ("accountentry", 0)
Q = ("accountentry", 1)


def side(end: int) -> Side:
    """A cluster of two partitions with records up to `end`."""
    made = Side.__new__(Side)
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
    ],
    ids=["empty", "all", "known", "expired", "of an earlier topic", "many", "many, and known", "few are left"],
)
def test_where_reading_begins_and_what_is_not_verified(
    start: int, end: int, known: dict[tuple[str, int], int], crossed: int, *, assumed: bool
) -> None:
    """By offsets alone: the times of records are their producers', and a booking's may be of hours ago."""
    one = side(end)
    assert one.begin_at({P: start, Q: start}, known) is assumed
    assert one.crossed[P] == one.begin[P] == crossed
    assert (P in one.untold) is (known.get(P, end + 1) > end)


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
    made = side(9)
    made.begin_at({P: start, Q: 9}, {P: 5, Q: 9})
    for offset in older:
        made.older[P].append(Mark(offset, b"12345678", native=True, timestamp=1000))
    assert made.whole_since(P, floor) == whole


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
    busy = side(9)
    busy.begin = {P: 0}
    busy.places = cast("Any", Growing())
    assert busy.open_transactions() == {}
    busy.places = cast("Any", Growing(open_at=3))
    assert busy.open_transactions() == {P: (3, 6)}
