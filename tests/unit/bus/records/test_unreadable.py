"""Where a batch ends that nobody can read."""

from hypothesis import given
from hypothesis import strategies as st

from kafkalert.bus.records.unreadable import Batch, first_outside


@given(first=st.integers(0, 10**9), records=st.integers(0, 5000), behind=st.integers(0, 10**9))
def test_the_end_of_a_batch_is_found_by_few_questions(first: int, records: int, behind: int) -> None:
    """Of a batch of one record, by two; also at the log's end, and where it can be read after all."""
    asked: list[int] = []

    def is_within(offset: int) -> bool:
        asked.append(offset)
        assert first <= offset < first + records + behind
        return offset < first + records

    assert first_outside(first, first + records + behind, is_within) == first + records
    assert len(asked) <= max(2, 2 * records.bit_length() + 2)


def test_a_batch_is_named_by_its_place() -> None:
    assert str(Batch("accountentry", 3, 7, 8)) == "accountentry[3], offset 7"
    assert str(Batch("accountentry", 3, 7, 12)) == "accountentry[3], offsets 7 to 11"
