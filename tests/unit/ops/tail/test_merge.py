"""The order of `tail`: by time over all partitions, and by offset within each."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from kafkalert.ops.tail.merge import InOrder, last, merged

TIMES = st.lists(st.integers(0, 20), max_size=12)
PARTS = st.lists(TIMES, max_size=4)
Item = tuple[int, int, int]
"""Partition, offset, time."""


def items(times: list[list[int]]) -> list[list[Item]]:
    return [[(part, offset, time) for offset, time in enumerate(each)] for part, each in enumerate(times)]


def time(item: Item) -> int:
    return item[2]


@given(PARTS.map(items))
def test_merged_keeps_every_partition_in_order(parts: list[list[Item]]) -> None:
    """All records are there once, and each partition's in its own order, however odd its times are."""
    order = merged(parts, time)
    assert sorted(order) == sorted(item for part in parts for item in part)
    for number, part in enumerate(parts):
        assert [item for item in order if item[0] == number] == part


@given(PARTS.map(lambda parts: items([sorted(part) for part in parts])))
def test_merged_is_in_order_of_time(parts: list[list[Item]]) -> None:
    """Where times only rise within a partition, they only rise in the whole."""
    assert [time(item) for item in merged(parts, time)] == sorted(time(item) for part in parts for item in part)


@given(PARTS.map(items), st.integers(0, 15))
def test_last_takes_ends(parts: list[list[Item]], count: int) -> None:
    """`last` gives as many as asked for, and of each partition an end, in its own order."""
    found = last(parts, count, time)
    assert len(found) == min(count, sum(map(len, parts)))
    taken = [[item for item in found if item[0] == number] for number in range(len(parts))]
    for part, end in zip(parts, taken, strict=True):
        assert end == part[len(part) - len(end) :]


@given(PARTS.map(lambda parts: items([sorted(part) for part in parts])), st.integers(0, 15))
def test_last_is_the_end_of_the_whole(parts: list[list[Item]], count: int) -> None:
    """Where times only rise within a partition, `last` is the end of all records sorted by time."""
    whole = sorted(time(item) for part in parts for item in part)
    assert [time(item) for item in last(parts, count, time)] == whole[len(whole) - min(count, len(whole)) :]


@given(PARTS.map(items), st.randoms(use_true_random=False))
def test_reading_gives_the_same_order(parts: list[list[Item]], random: Random) -> None:
    """However the partitions' records arrive, they are given in the order of `merged`."""
    order: InOrder[int, Item] = InOrder(range(len(parts)), time)
    left = {number: list(part) for number, part in enumerate(parts)}
    given_: list[Item] = []
    while left:
        number = random.choice(sorted(left))
        if left[number]:
            order.put(number, left[number].pop(0))
        else:
            del left[number]
            order.end(number)
        given_ += order.ready()
    assert given_ == merged(parts, time)
