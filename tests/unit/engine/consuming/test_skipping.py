"""What a COMMIT says of records that were processed before it."""

import logging
from collections.abc import Collection, Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, Final, cast, overload
from unittest.mock import patch

import pytest
from confluent_kafka import Message, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.engine.consuming.member import Member
from kafkalert.engine.consuming.progress import Place, Progress
from kafkalert.engine.consuming.skipping import Ranges, bound, ranges, skipped, within, written
from kafkalert.engine.delivery import Delivery

GROUP = "a.kafkalert.alerting"
MOST_RANGES: Final = 40_000
"""So many short ranges a COMMIT of 800 kB has room for."""


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


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda any_: (
            st.lists(any_, max_size=3)
            | st.dictionaries(st.sampled_from(["groups", GROUP, "t/0", "skip"]) | st.text(max_size=3), any_, max_size=3)
        ),
    ),
    st.integers(0, 4),
)
def test_whatever_json_a_commit_has_is_read_or_left_out(odd: Any, depth: int) -> None:  # noqa: ANN401 - any JSON
    """Who may write it must not be able to end a stage by it. What is read are offsets."""
    detail: Any = odd
    for key in ("skip", "t/0", GROUP, "groups")[4 - depth :]:
        detail = {key: detail}
    for listed in ranges(detail if isinstance(detail, dict) else {"groups": detail}, GROUP).values():
        assert all(isinstance(one, int) for each in within(listed, 1000) for one in each)


some_ranges = st.lists(st.tuples(st.integers(-5, 30), st.integers(-5, 30)), max_size=6)


@given(some_ranges, st.integers(0, 30), st.integers(0, 35))
def test_an_offset_is_skipped_if_a_range_that_can_be_meant_holds_it(
    listed: list[tuple[int, int]], end: int, offset: int
) -> None:
    """A range can be meant if it begins at an offset, is not empty, and lies before the end."""
    held = {at for start, stop in listed if 0 <= start < stop <= end for at in range(start, stop)}
    assert skipped(within(tuple(listed), end), offset) == (offset in held)


@given(some_ranges, st.integers(0, 30))
def test_what_can_be_meant_lies_before_the_end_in_order_and_apart(listed: list[tuple[int, int]], end: int) -> None:
    """Ranges that overlap or touch are one, so the last that begins before an offset decides."""
    kept = within(tuple(listed), end)
    assert all(0 <= start < stop <= end for start, stop in kept)
    assert all(one[1] < other[0] for one, other in pairwise(kept))


class Counted(Sequence[tuple[int, int]]):
    """Ranges that count how many of them are looked at."""

    def __init__(self, of: Ranges) -> None:
        self._of = of
        self.looks = 0

    def __len__(self) -> int:
        return len(self._of)

    @overload
    def __getitem__(self, at: int) -> tuple[int, int]: ...
    @overload
    def __getitem__(self, at: slice) -> Ranges: ...
    def __getitem__(self, at: int | slice) -> tuple[int, int] | Ranges:
        self.looks += 1
        return self._of[at]


@pytest.mark.parametrize("offset", [0, 2, 3, 3 * MOST_RANGES // 2, 3 * MOST_RANGES - 3, 3 * MOST_RANGES])
def test_of_many_ranges_few_are_looked_at(offset: int) -> None:
    """For each record that comes: COMMIT has room for so many."""
    many = Counted(within(tuple((at, at + 2) for at in range(0, 3 * MOST_RANGES, 3)), 3 * MOST_RANGES))
    assert len(many) == MOST_RANGES
    assert skipped(many, offset) == (offset < 3 * MOST_RANGES and offset % 3 < 2)
    assert many.looks < 20


PLACE: Partition = ("accountentry", 0)
ALL: Ranges = ((0, 4_000_000_000_000),)


class FakeConsumer:
    """One partition with an end, and what the group has committed of it."""

    def __init__(self, end: int, metadata: str = "epoch=3", *, at: int = 5) -> None:
        self.end, self.metadata, self.at = end, metadata, at

    def committed(self, partitions: list[TopicPartition], **_: object) -> list[TopicPartition]:
        """Offset 5, and what stands beside it."""
        return [TopicPartition(one.topic, one.partition, self.at, self.metadata) for one in partitions]

    def commit(self, **_: object) -> None:
        """Taken."""

    def high_watermarks(self, partitions: list[Partition]) -> dict[Partition, int]:
        """As the cluster says."""
        return dict.fromkeys(partitions, self.end)

    def starts(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """Nothing has expired."""
        return dict.fromkeys(partitions, 0)

    def subscribe(self, *_: object, **__: object) -> None:
        """Nobody else is there."""

    def incremental_assign(self, _: list[TopicPartition]) -> None:
        """Nothing is read here."""

    def resume(self, _: list[TopicPartition]) -> None:
        """Nothing is paused."""


def member(listed: Ranges, consumer: FakeConsumer, topic_id: str = "") -> Member:
    """One that was just given the partition, in epoch 4, whose COMMIT lists `listed`."""
    cluster, none = Cluster(name="dc1", bootstrap="127.0.0.1:1"), cast("Delivery", None)
    with patch("kafkalert.bus.clients.consumer", lambda *_, **__: consumer):
        one = Member(cluster, "g", progress=Progress(), delivery=none, changed=lambda: None, properties={})
    one.join({"accountentry": topic_id}, 4, {PLACE: listed}, {})
    with patch("kafkalert.engine.consuming.member.Places", lambda _: consumer):
        one._assigned(cast("Any", consumer), [TopicPartition(*PLACE)])
    return one


def record(offset: int) -> Message:
    """A record of the partition."""
    found = SimpleNamespace(topic=lambda: PLACE[0], partition=lambda: PLACE[1], offset=lambda: offset)
    return cast("Message", found)


def test_a_range_beyond_the_end_skips_nothing() -> None:
    """Nobody can have processed what was not there; what lies before the end is skipped, and counted."""
    hostile = member(ALL, FakeConsumer(100))
    assert len(hostile.without_skipped([record(5), record(99)])) == 2
    assert hostile.skipped == 0
    honest = member(((90, 100), (100, 101)), FakeConsumer(100))
    assert [one.offset() for one in honest.without_skipped([record(89), record(99), record(100)])] == [89, 100]
    assert honest.skipped == 1


def test_ranges_are_kept_until_they_lie_behind() -> None:
    """All records are looked at only as long as one of them may have to be skipped; a partition may come back."""
    consumer = FakeConsumer(100)
    one = member(((7, 9), (40, 50)), consumer)
    progress, offsets = one._progress, [7, 45, 60]
    for following, kept in ((7, [60]), (49, [60]), (50, offsets)):
        progress.reached(PLACE, following)
        assert [each.offset() for each in one.without_skipped([record(at) for at in offsets])] == kept
        assert bool(one._passing) == (following < 50)
    progress.gone([PLACE])
    with patch("kafkalert.engine.consuming.member.Places", lambda _: consumer):
        one._assigned(cast("Any", consumer), [TopicPartition(*PLACE)])  # from offset 5 on
    assert [each.offset() for each in one.without_skipped([record(at) for at in offsets])] == [60]
    progress.gone([PLACE])  # a record that came just before that is still to be skipped
    assert one.without_skipped([record(45)]) == []


def test_a_topic_that_was_made_anew_skips_nothing() -> None:
    """The switch has listed records of the topic before it; nor is anything left of what it wrote once that is gone.

    Who comes later reads as much from the group's commits.
    """
    listed = ((0, 90),)
    for consumer in (FakeConsumer(100, "epoch=4 end=100 topic=old"), FakeConsumer(100, "", at=-1001)):
        one = member(listed, consumer, "new")
        assert len(one.without_skipped([record(5), record(89)])) == 2
        (kept,) = one.commits._offsets({PLACE: Place(7)})
        later = member(listed, FakeConsumer(5000, str(kept.metadata)), "new")
        assert len(later.without_skipped([record(5), record(89)])) == 2
    same = member(listed, FakeConsumer(100, "epoch=4 end=100 topic=new"), "new")
    assert same.without_skipped([record(5), record(89)]) == []


def test_what_a_switch_skips_is_logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """How much at most, from where, and what the switch lists but nobody can have processed."""
    monkeypatch.setattr(logging.getLogger("kafkalert"), "propagate", True)
    caplog.set_level(logging.WARNING, "kafkalert")
    skips = "accountentry[0]: up to 12 records from offset 20 on are skipped; the switch says that they were processed"
    beyond = "accountentry[0]: the switch says to skip what lay beyond its end 100 then; that is not skipped"
    for listed, said in (
        (((20, 22), (90, 100)), [skips]),
        (ALL, [beyond]),
        (((20, 22), (90, 100), (100, 101)), [skips, beyond]),
        ((), []),
    ):
        caplog.clear()
        member(listed, FakeConsumer(100))
        assert [one.getMessage() for one in caplog.records] == said


def test_the_end_is_the_one_at_which_the_group_first_came() -> None:
    """It is kept in the group's commits: when the topic has grown, the same ranges are skipped, and no more."""
    first = member(((90, 100), (0, 1000)), FakeConsumer(100))
    (kept,) = first.commits._offsets({PLACE: Place(7, "00" * 8)})
    assert kept.metadata == "epoch=4 end=100 id=" + "00" * 8
    later = member(((90, 100), (0, 1000)), FakeConsumer(5000, kept.metadata))
    assert [one.offset() for one in later.without_skipped([record(7), record(95), record(500)])] == [7, 500]
    assert member((), FakeConsumer(5)).commits._offsets({("other", 1): Place(7)})[0].metadata == "epoch=4"


@given(end=st.integers(0, 2**62), epoch=st.integers(0, 2**53))
def test_an_end_survives_a_commit(end: int, epoch: int) -> None:
    assert bound(written(epoch, end)) == end
    assert bound(written(epoch)) is None


@pytest.mark.parametrize("metadata", [None, "", "end=", "end=-1", "end=1x", "bend=1", "x" * 4096])
def test_other_metadata_tells_no_end(metadata: str | None) -> None:
    assert bound(metadata) is None
