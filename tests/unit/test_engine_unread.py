"""What a group can read no more, and how that is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.engine.progress import Place, committed_place, offsets, topic_id, with_topic
from kafkalert.engine.skipping import bound, written
from kafkalert.engine.unread import Gap, UnreadError, gaps

ONE = ("accountentry", 0)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 100))
def test_what_is_gone_is_counted_exactly(start: int, length: int, offset: int) -> None:
    """From the committed offset to the log's start; an offset beyond the end is a gap whose size is not known."""
    found = gaps({ONE: start}, {ONE: offset}, {ONE: start + length})
    assert (ONE in found) == (not start <= offset <= start + length)
    assert sum(one.records for one in found.values()) == max(0, start - offset)


def test_a_partition_that_does_not_answer_is_no_gap() -> None:
    assert gaps({}, {ONE: 5}, {ONE: 9}) == {}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            {ONE: Gap(100, 220, 900), ("accountentry", 2): Gap(0, 1, 9)},
            "121 records expired or were deleted before they were read: accountentry[0] offsets 100 to 219, account",
        ),
        ({ONE: Gap(4, 5, 5)}, "At most 1 record expired or was deleted before it was read: accountentry[0] offset 4."),
        (
            {ONE: Gap(90, 0, 40)},
            "The cluster has lost records: accountentry[0] ends at 40, before the group's offset 90.",
        ),
        ({("a", one): Gap(0, 1, 1) for one in range(9)}, "a[2] offset 0, and 6 partitions more."),
    ],
    ids=["expired", "one", "lost at the end", "many"],
)
def test_it_says_how_many_and_where(found: dict[tuple[str, int], Gap], said: str) -> None:
    error = UnreadError("g", found)
    assert said in str(error)
    assert error.hint == "`kafkalert group seek g next` goes on with the next ones that are there."


@given(
    st.text("abcXYZ019_-", min_size=1, max_size=30), st.integers(0, 99), st.none() | st.integers(0, 99), st.booleans()
)
def test_a_commit_tells_its_topic(id_: str, epoch: int, end: int | None, has_place: bool) -> None:
    """Beside epoch, end and the record's id, each of which is still read."""
    place = Place(7, "00" * 8 if has_place else "")
    (one,) = offsets({ONE: place}, lambda _: with_topic(written(epoch, end), id_))
    assert topic_id(one.metadata) == id_
    assert bound(one.metadata) == end
    assert committed_place(one) == place


@pytest.mark.parametrize("metadata", [None, "", "epoch=1", "xtopic=1", "topic=", "epoch=1 id=aa topic=1"])
def test_other_metadata_tells_none(metadata: str | None) -> None:
    assert topic_id(metadata) == ""
