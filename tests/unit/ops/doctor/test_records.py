"""Times of records and transactions that hang, by independent statements of what is wrong."""

from hypothesis import example, given
from hypothesis import strategies as st

from kafkalert.config.sections import Cluster
from kafkalert.ops.doctor import record_times, transactions
from kafkalert.ops.doctor.record_times import AHEAD_MS, BEHIND_MS, Timed
from kafkalert.ops.doctor.transactions import Open

NOW = 1_769_846_400_000
DC1 = Cluster(name="dc1", bootstrap="b:1")
OFFSETS = st.integers(-3 * BEHIND_MS, 3 * BEHIND_MS)


@given(st.lists(st.tuples(OFFSETS, st.booleans()), max_size=8))
@example([(0, False), (-40_000, False), (-80_000, False)])  # little by little
def test_a_time_is_wrong_where_no_arrival_can_have_it(given_times: list[tuple[int, bool]]) -> None:
    """Ahead of now, long before another one that came earlier, or long before we saw it come."""
    records = [Timed(at, NOW + time, NOW if live else None) for at, (time, live) in enumerate(given_times)]
    times = [time for time, _ in given_times]
    wrong = (
        any(time > AHEAD_MS for time in times)
        or any(before - after > BEHIND_MS for at, before in enumerate(times) for after in times[at + 1 :])
        or any(live and time < -BEHIND_MS for time, live in given_times)
    )
    (check,) = record_times.judge("dc1", {("a", 0): records}, NOW)
    assert check.is_finding == wrong


def test_which_record_and_by_how_much() -> None:
    """A topic is told once, with its partitions."""
    found = {
        ("a", 0): [Timed(7, NOW + 3_000_000)],
        ("a", 1): [Timed(3, NOW - 1000), Timed(4, NOW - 7_300_000)],
        ("b", 0): [Timed(9, NOW - 90_000, NOW)],
        ("c", 0): [Timed(1, -1)],
        ("d", 0): [Timed(1, NOW - 86_400_000)],  # of yesterday, since when nothing came
    }
    a, b, c = record_times.judge("dc1", found, NOW)
    assert "in partition 0, offset 7 is dated 50 minutes ahead; in partition 1, offset 4 is dated 2 hours before offset 3" in a.text  # noqa: E501 - a sentence  # fmt: skip
    assert "offset 9 arrived just now with a time of 90 s ago" in b.text
    assert "offset 1 has none" in c.text


def test_a_transaction_hangs_by_how_long_it_is_open() -> None:
    """One of a moment is none of our business; of one whose begin could not be read nobody knows."""
    opened = [
        Open(("a", 0), 5, 1, NOW - 2000),
        Open(("a", 1), 6, 2, NOW - 30_000),
        Open(("a", 2), 7, 3000, NOW - 7_200_000),
        Open(("a", 3), 8, 1, None),
    ]
    young, old, unread = transactions.judge(DC1, opened, 10, NOW)
    assert [str(one.grade) for one in (young, old, unread)] == ["look", "bad", "look"]
    assert "a[2] on dc1 from offset 7 on, for 2 hours" in old.text
    assert "(3,000 records)" in old.text
    assert "describe-producers --topic a --partition 2`" in old.hint
    assert "since when is not known" in unread.text
    (fine,) = transactions.judge(DC1, opened[:1], 10, NOW)
    assert fine.text == "No transaction hangs in 10 partitions; 1 transaction began a moment ago."
