"""Which letters an operator means, and how they are counted."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.errors import UsageError
from kafkalert.ops.deadletters.contents import Contents
from kafkalert.ops.deadletters.grouping import grouped
from kafkalert.ops.deadletters.letter import Letter, Note
from kafkalert.ops.deadletters.selection import Selection, place
from tests.support.fakes.control import SETTINGS

NOW = 1_800_000_000_000


def letter(
    number: int, stage: str = "alerting", reason: str = "null", time: int | None = NOW, replays: int = 0
) -> Letter:
    """One of partition 1."""
    return Letter(
        *("dc1", 1, number, f"r{number}", replays, stage, reason, "", time, "accountentry", 0, number),
        *(NOW, True, 1, 1, False),
    )


def contents(*letters: Letter) -> Contents:
    """What lies there."""
    made = Contents("dc1", "kafkalert.deadletter")
    for one in letters:
        made.take(one)
    return made


@pytest.mark.parametrize("text", ["", "3", "3:", ":3", "a:b", "-1:3", "3:17:1", "3:\u0661", "9999999999:1"])
def test_a_place_is_partition_and_offset(text: str) -> None:
    assert place("3:17") == (3, 17)
    with pytest.raises(UsageError, match="PARTITION:OFFSET"):
        place(text)


@pytest.mark.parametrize(
    ("since", "ms"),
    [
        ("1h", NOW - 3_600_000),
        ("@-1h", NOW - 3_600_000),
        ("-1h", NOW - 3_600_000),
        ("2026-01-31T08:00", 1_769_846_400_000),
        ("@1769846400000", 1_769_846_400_000),
    ],
)
def test_times_are_written_as_for_tail(since: str, ms: int) -> None:
    assert Selection.parse(SETTINGS, NOW, since=since).since == ms


@pytest.mark.parametrize("since", ["", "x", "start", "+5", "1h1"])
def test_what_is_no_time_is_refused(since: str) -> None:
    with pytest.raises(UsageError):
        Selection.parse(SETTINGS, NOW, since=since)


def test_all_that_is_asked_for_has_to_hold() -> None:
    """The end of the time is exclusive; of what has no time nobody knows whether it lies within."""
    letters = [
        letter(0),
        letter(1, "tables"),
        letter(2, reason="empty"),
        letter(3, time=NOW - 10),
        letter(4, time=None),
    ]

    def chosen(**asked: str) -> list[int]:
        return [one.offset for one in Selection.parse(SETTINGS, NOW, **asked).of(contents(*letters), done=False)]

    assert chosen() == [0, 1, 2, 3, 4]
    assert chosen(stage="tables") == [1]
    assert chosen(stage="alerting", reason="empty") == [2]
    assert chosen(topic="accountentry", until=f"@{NOW}") == [3]
    assert chosen(since=f"@{NOW}", stage="alerting") == [0, 2]
    assert chosen(topic="customeralertsettings") == []


def test_a_letter_that_is_done_with_comes_by_its_place_alone() -> None:
    there = contents(letter(0), letter(1))
    there.take(Note("r1/0", "r1", "dropped", 0, "ann", "", NOW))
    assert [one.offset for one in Selection().of(there, done=False)] == [0]
    assert [one.offset for one in Selection().of(there, done=True)] == [0, 1]
    assert [one.offset for one in Selection(places=((1, 1), (1, 1))).of(there, done=False)] == [1]
    with pytest.raises(UsageError, match="No dead letter lies at 1:2 in"):
        list(Selection(places=((1, 0), (1, 2))).of(there, done=False))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]), st.sampled_from(["x", "y"]), st.none() | st.integers(1, 9), st.integers(0, 2)
        )
    )
)
def test_groups_count_each_letter_once(made: list[tuple[str, str, int | None, int]]) -> None:
    """With the first and the last time of those that have one, to the second."""
    letters = [
        letter(number, stage, reason, None if time is None else time * 1000 + 999, replays)
        for number, (stage, reason, time, replays) in enumerate(made)
    ]
    groups = grouped("dc1", letters)
    assert [(one.stage, one.reason) for one in groups] == sorted({(stage, reason) for stage, reason, *_ in made})
    for group in groups:
        mine = [one for one in made if one[:2] == (group.stage, group.reason)]
        times = [time for _, _, time, _ in mine if time is not None]
        assert group.letters == len(mine)
        assert group.again == len([one for one in mine if one[3]])
        assert group.first == (datetime.fromtimestamp(min(times), UTC) if times else None)
        assert group.last == (datetime.fromtimestamp(max(times), UTC) if times else None)
