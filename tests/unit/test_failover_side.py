"""From where a planned switch reads a cluster, and when it says that older records were not verified."""

import pytest

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
