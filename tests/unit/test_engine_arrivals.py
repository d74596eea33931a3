"""Which records the tables remember of a partition: few, and always one that is old enough to go on behind it."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from kafkalert.engine.arrivals import OVERLAP_MS, Arrival, sure, with_newest

STEPS = st.lists(st.one_of(st.integers(0, 2_000), st.integers(0, 400_000)), min_size=1, max_size=200)


@given(STEPS, st.integers(0, 2 * OVERLAP_MS))
def test_one_is_kept_that_is_old_enough(steps: list[int], later: int) -> None:
    """Of any run of arrivals: in order, few, and one to go on behind wherever there was any."""
    times = list(accumulate(steps))
    kept: tuple[Arrival, ...] = ()
    for number, time in enumerate(times):
        kept = with_newest(kept, Arrival(time, number.to_bytes(8, "big")))
    assert [one.at for one in kept] == sorted((one.at for one in kept), reverse=True)
    assert len(kept) <= 48
    seen = times[-1] + later
    found = [times[int.from_bytes(one, "big")] for one in sure(kept, seen)]
    assert bool(found) == (times[0] <= seen - OVERLAP_MS)
    assert all(time <= seen - OVERLAP_MS for time in found)


def test_what_comes_each_second_is_gone_on_behind_not_much_before() -> None:
    """After an hour: at most twelve minutes are read again."""
    kept: tuple[Arrival, ...] = ()
    for second in range(3600):
        kept = with_newest(kept, Arrival(second * 1000, second.to_bytes(8, "big")))
        if second * 1000 > 3 * OVERLAP_MS:
            found = int.from_bytes(sure(kept, second * 1000)[0], "big")
            assert 300 <= second - found <= 700
