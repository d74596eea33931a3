"""From where a planned switch reads a cluster, and when it says that older records were not verified."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from kafkalert.bus.marks import Mark
from kafkalert.ops.failover.side import Side

P = ("accountentry", 0)


def side(end: int, recent: int) -> Side:
    """A cluster of one partition with records up to `end`, of which those from `recent` on are of the last minutes."""
    made = Side.__new__(Side)
    made.behind = {P: end}
    made.places = cast("Any", SimpleNamespace(since=lambda _: {P: recent}))
    return made


@pytest.mark.parametrize(
    ("start", "end", "recent", "known", "assumed"),
    [
        (0, 0, 0, {}, False),
        (5, 9, 5, {}, False),
        (0, 9, 5, {}, True),
        (0, 9, 5, {P: 3}, False),
    ],
    ids=["empty", "all of the last minutes", "older ones", "known"],
)
def test_only_what_is_there_is_said_to_be_not_verified(
    start: int, end: int, recent: int, known: dict[tuple[str, int], int], *, assumed: bool
) -> None:
    """The sentence came also where there was no record older than that."""
    assert side(end, recent).begin_at({P: start}, known, 10**12) is assumed


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
    made = side(9, 5)
    made.begin_at({P: start}, {P: 5}, 10**12)
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
    busy = side(9, 5)
    busy.begin = {P: 0}
    busy.places = cast("Any", Growing())
    assert busy.open_transactions() == {}
    busy.places = cast("Any", Growing(open_at=3))
    assert busy.open_transactions() == {P: (3, 6)}
