"""What has yet to cross, by native records and copies that are read independently."""

import tracemalloc
from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from kafkalert.bus.records.marks import Mark, Marks
from kafkalert.ops.failover.positions.native_records import NativeRecords, Uncrossed


def native(number: int) -> Mark:
    """The native record of that number, at an even offset."""
    return Mark(2 * number, number.to_bytes(8, "big"), native=True, timestamp=1000 + number)


runs = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 6)), max_size=6)


def carried(taken: list[tuple[int, int]], count: int) -> list[int]:
    """What a flow carried of so many native records, that begins anew at times: runs; none leaves anything out."""
    found: list[int] = []
    for start, length in taken:
        first = min(start, max(found, default=-1) + 1)
        found += range(first, min(first + length, count))
    return found


@given(runs, st.integers(0, 12), st.lists(st.booleans(), min_size=80, max_size=80), st.integers(0, 26))
def test_a_native_without_a_copy_has_yet_to_cross(
    taken: list[tuple[int, int]], count: int, order: list[bool], end: int
) -> None:
    """Whichever of the two logs is read first; and what the flow carried last tells what it is about to repeat."""
    copies = carried(taken, count)
    waiting, there = list(range(count)), list(copies)
    native_records, read = NativeRecords(), Marks()
    for is_native in [*order, *[True] * count, *[False] * len(copies)]:
        if is_native and waiting:
            one = native(waiting.pop(0))
            native_records.written(one)
            read.append(one)
        elif not is_native and there:
            native_records.copied(there.pop(0).to_bytes(8, "big"))
    lacking = [number for number in range(count) if number not in copies and 2 * number < end]
    assert native_records.missing(end) == (len(lacking), 1000 + lacking[0] if lacking else None)
    again = [number for number in range(copies[-1] + 1, count) if 2 * number < end] if copies else []
    assert native_records.repeating(read, end) == len(again)


@given(runs, st.integers(1, 12), st.sets(st.integers(0, 12)), st.booleans())
def test_in_a_compacted_topic_a_later_one_answers_for_those_before(
    taken: list[tuple[int, int]], count: int, gone: set[int], copies_first: bool
) -> None:
    """Their copies may have been replaced since."""
    copies = [number for number in carried(taken, count) if number not in gone]
    native_records = NativeRecords(in_order=True)
    steps = [(native_records.written, native(number)) for number in range(count)]
    others = [(native_records.copied, number.to_bytes(8, "big")) for number in copies]
    for step, given_to in [*others, *steps] if copies_first else [*steps, *others]:
        step(given_to)  # type: ignore[operator]  # each with its own
    assert native_records.missing(99)[0] == count - 1 - max(copies, default=-1)


def test_a_copy_in_a_compacted_topic_walks_over_those_alone_that_it_answers_for() -> None:
    """With as many rows as a table has, anything else takes minutes, under the ledger's lock.

    So nothing is made of all that wait; and they are held so that their front can be taken away for ever.
    """
    native_records = NativeRecords(in_order=True)
    for number in range(10_000):
        native_records.written(native(number))
    tracemalloc.start()
    try:
        native_records.copied(native(5).id)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert native_records.missing(99_999) == (9994, 1006)
    assert most < 10_000
    assert isinstance(native_records._missing, OrderedDict)


def test_a_copy_that_cannot_be_early_is_not_kept() -> None:
    """Copies from before the window would fill the memory, and wait for nothing."""
    native_records = NativeRecords()
    native_records.copied(b"old", may_be_early=False)
    native_records.written(Mark(5, b"old", native=True, timestamp=7))
    assert native_records.missing(6) == (1, 7)
    assert native_records.missing(5) == (0, None)


def test_a_record_that_was_written_twice_answers_for_no_other() -> None:
    """Its second copy may be a repeat of the first by the flow; what lies between has not crossed."""
    native_records = NativeRecords()
    native_records.written(native(0))
    native_records.copied(native(0).id)
    native_records.copied(native(0).id)
    native_records.written(native(1))
    native_records.written(native(0)._replace(offset=4))
    assert native_records.missing(9) == (1, 1001)


def test_nothing_lacking_is_falsy() -> None:
    assert not Uncrossed(0)
    assert all((Uncrossed(1), Uncrossed(0, again=1), Uncrossed(0, unread=1)))
