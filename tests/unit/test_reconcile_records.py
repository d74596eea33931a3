"""Which records of a partition are stranded, and which of their offsets have to be carried."""

from hypothesis import given
from hypothesis import strategies as st

from kafkalert.bus.marks import Mark
from kafkalert.ops.failover.reconcile.records import Records

NUMBERS = st.lists(st.integers(0, 12) | st.integers(2**63, 2**64 - 1), max_size=30)


def mark(offset: int, number: int) -> Mark:
    """A native record."""
    return Mark(offset, number.to_bytes(8, "little"), native=True, timestamp=1000 - offset)


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
