"""Which records of a partition are stranded, and which of their offsets have to be carried."""

from hypothesis import given
from hypothesis import strategies as st

from kafkalert.bus.records.marks import Mark
from kafkalert.ops.failover.reconcile.records import Records

NUMBERS = st.lists(st.integers(0, 12) | st.integers(2**63, 2**64 - 1), max_size=30)


def mark(offset: int, number: int, *, native: bool = True) -> Mark:
    """A native record, or what is marked as a copy."""
    return Mark(offset, number.to_bytes(8, "little"), native=native, timestamp=1000 - offset)


@given(old=NUMBERS, new=NUMBERS, later=NUMBERS)
def test_each_id_is_carried_once_unless_it_is_there(old: list[int], new: list[int], later: list[int]) -> None:
    """Of repeats the first one; what comes to the other cluster later counts too. Offsets rise, times go with them."""
    records = Records()
    for offset, number in enumerate(old):
        records.on_old(mark(3 * offset, number))
    for there in (new, new + later):
        for number in there:
            records.on_new(mark(0, number))
        wanted = [3 * at for at, number in enumerate(old) if number not in there and number not in old[:at]]
        assert list(records.to_carry()) == wanted
        assert list(records.times()) == [1000 - offset for offset in wanted]


def test_what_is_marked_as_a_copy_is_carried_where_the_other_cluster_does_not_have_it() -> None:
    """Its producer wrote the mark itself; a copy's native is there, and what was confirmed has crossed."""
    records = Records()
    for offset, number in ((1, 1), (2, 2), (3, 3), (4, 2)):
        records.on_old(mark(offset, number, native=number != 2))
    assert (list(records.to_carry()), list(records.marked())) == ([1, 2, 3], [2])
    records.on_new(mark(9, 3))
    assert (list(records.to_carry()), list(records.marked())) == ([1, 2], [2])
    records.on_new(mark(10, 2))
    assert (list(records.to_carry()), list(records.marked())) == ([1], [])


@given(st.permutations(range(8)), st.integers(0, 8))
def test_where_the_other_cluster_s_log_lost_its_beginning_no_copy_is_carried_back(times: list[int], gone: int) -> None:
    """Whatever times their producers gave them: it may have been there, and have expired, so it is only named.

    A native record is carried all the same.
    """
    records = Records(cut_off=True)
    for offset, time in enumerate(times):
        records.on_old(mark(offset, offset, native=False)._replace(timestamp=time))
    records.on_old(mark(100, 100))
    for offset, time in enumerate(times[gone:], start=gone):
        records.on_new(mark(offset, offset)._replace(timestamp=time))
    assert (list(records.to_carry()), list(records.marked())) == ([100], [])
    assert list(records.doubtful()) == list(range(gone))
