"""What it means to put a group elsewhere, as it is shown before it is asked."""

import pytest

from kafkalert.ops.group_offsets import VERSION, GroupOffset, _change


def at(offset: int | None, start: int = 10, end: int = 100) -> GroupOffset:
    """A group in one partition."""
    gone = max(0, start - offset) if offset is not None else 0
    return GroupOffset(VERSION, "dc1", "kafkalert.alerting", 0, "accountentry", 2, offset, start, end, 0, gone)


@pytest.mark.parametrize(
    ("offset", "wanted", "said"),
    [
        (50, 20, "from 50 to 20; 30 records processed again"),
        (50, 51, "from 50 to 51; 1 record never processed"),
        (50, 50, "from 50 to 50; no change"),
        (3, 10, "from 3 to 10; 7 records gone, never processed"),
        (9, 12, "from 9 to 12; 2 records never processed, 1 record gone, never processed"),
        (2000, 90, "from 2,000 to 90; 10 records processed again"),
        (None, 40, "to 40; 60 to read"),
    ],
    ids=["back", "on", "stays", "what expired", "past what expired", "beyond the end", "lost"],
)
def test_each_partition_says_what_is_done_again_and_what_never(offset: int | None, wanted: int, said: str) -> None:
    assert _change(at(offset), wanted) == f"accountentry[2]: {said}"
