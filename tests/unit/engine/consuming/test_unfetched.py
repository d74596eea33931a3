"""A partition that brings nothing, though records lie there, is not waited for without end."""

import pytest

from kafkalert.bus.records.partitions import Partition
from kafkalert.engine.consuming.events import RetryError
from kafkalert.engine.consuming.unfetched import Unfetched

ONE, TWO = ("accountentry", 1), ("accountentry", 2)
ENDS = {ONE: 90, TWO: 90}


def silent(
    unfetched: Unfetched, awaited: dict[Partition, int], begin: int, end: int, ends: dict[Partition, int] = ENDS
) -> int | None:
    """When, looking each second from `begin` to before `end`, it is said; None where it is not."""
    for now in range(begin, end):
        try:
            unfetched.check(awaited, ends, now)
        except RetryError:
            return now
    return None


def test_the_patience_doubles_with_each_new_try() -> None:
    """A slow cluster looks the same, and a new try begins with the same fetch."""
    unfetched = Unfetched()
    first = silent(unfetched, {ONE: 5, TWO: 90}, 0, 1000)
    assert first is not None
    second = silent(unfetched, {ONE: 5, TWO: 90}, first, 1000)
    assert second is not None
    assert first in range(60, 65)
    assert second - first in range(120, 125)


@pytest.mark.parametrize("awaited", [{}, {ONE: 90}, {ONE: -1}, {ONE: 95}, {("other", 0): 3}])
def test_who_waits_for_nothing_that_is_there_waits_on(awaited: dict[Partition, int]) -> None:
    """Held or full; at the end; not known yet; beyond an end of the past; of an end that nobody told."""
    assert silent(Unfetched(), awaited, 0, 1000) is None


def test_what_comes_begins_it_anew() -> None:
    """Also after a pause, in which nothing may come."""
    for between in ({ONE: 6}, {}):
        unfetched = Unfetched()
        assert silent(unfetched, {ONE: 5}, 0, 50) is None
        assert silent(unfetched, between, 50, 52) is None
        assert silent(unfetched, {ONE: 6}, 52, 105) is None
        assert silent(unfetched, {ONE: 6}, 105, 120) is not None


def test_another_offset_has_the_first_patience_again() -> None:
    unfetched = Unfetched()
    first = silent(unfetched, {ONE: 5}, 0, 1000)
    assert first is not None
    later = silent(unfetched, {ONE: 6}, first, 1000)
    assert later is not None
    assert later - first == first


def test_it_names_the_partition_and_the_offset() -> None:
    unfetched = Unfetched()
    unfetched.check({ONE: 5}, ENDS, 0)
    with pytest.raises(RetryError, match=r"^accountentry\[1\] has brought nothing for 99 s, .* from offset 5 on\.$"):
        unfetched.check({ONE: 5}, ENDS, 99)
