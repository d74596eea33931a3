"""What a COMMIT says of records that were processed before it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.engine.skipping import ranges, skipped

GROUP = "a.kafkalert.alerting"


def test_ranges_are_those_of_the_group() -> None:
    """By topic and partition, in order; a partition without any is absent."""
    detail = {
        "groups": {
            GROUP: {"a/b/2": {"offset": 7, "skip": [[20, 22], [9, 10]]}, "accountentry/0": {"offset": 0, "skip": []}},
            "other": {"a/b/2": {"offset": 7, "skip": [[0, 100]]}},
        }
    }
    assert ranges(detail, GROUP) == {("a/b", 2): ((9, 10), (20, 22))}
    assert ranges({}, GROUP) == {}


@pytest.mark.parametrize(
    "detail",
    [
        {"groups": 1},
        {"groups": {GROUP: [1]}},
        {"groups": {GROUP: {"t/x": {"skip": [[1, 2]]}}}},
        {"groups": {GROUP: {"t/0": {"skip": [["a", 2]]}}}},
        {"groups": {GROUP: {"t/0": {"skip": 5}}}},
        {"groups": {GROUP: {"t/0": None}}},
    ],
)
def test_what_makes_no_sense_skips_nothing(detail: dict[str, Any]) -> None:
    """A repeat is harmless, a loss is not."""
    assert ranges(detail, GROUP) == {}


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=5), st.integers(0, 35))
def test_an_offset_is_skipped_if_any_range_holds_it(listed: list[tuple[int, int]], offset: int) -> None:
    assert skipped(listed, offset) == (offset in {one for start, end in listed for one in range(start, end)})
