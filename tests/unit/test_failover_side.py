"""From where a planned switch reads a cluster, and when it says that older records were not verified."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

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
