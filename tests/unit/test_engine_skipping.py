"""What a COMMIT says of records that were processed before it."""

import logging
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import pytest
from confluent_kafka import Message, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.bus.marks import Partition
from kafkalert.config.sections import Cluster
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.member import Member
from kafkalert.engine.progress import Place, Progress
from kafkalert.engine.skipping import Ranges, bound, ranges, skipped, within, written

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


PLACE: Partition = ("accountentry", 0)
ALL: Ranges = ((0, 4_000_000_000_000),)


class FakeConsumer:
    """One partition with an end, and what the group has committed of it."""

    def __init__(self, end: int, metadata: str = "epoch=3") -> None:
        self.end, self.metadata = end, metadata

    def committed(self, partitions: list[TopicPartition], **_: object) -> list[TopicPartition]:
        """Offset 5, and what stands beside it."""
        return [TopicPartition(one.topic, one.partition, 5, self.metadata) for one in partitions]

    def high_watermarks(self, partitions: list[Partition]) -> dict[Partition, int]:
        """As the cluster says."""
        return dict.fromkeys(partitions, self.end)

    def incremental_assign(self, _: list[TopicPartition]) -> None:
        """Nothing is read here."""


def member(listed: Ranges, consumer: FakeConsumer) -> Member:
    """One that was just given the partition, in epoch 4, whose COMMIT lists `listed`."""
    cluster = Cluster(name="dc1", bootstrap="127.0.0.1:1")
    one = Member(
        cluster, "g", progress=Progress(), delivery=cast("Delivery", None), changed=lambda: None, properties={}
    )
    one.join({"accountentry": ""}, 4, {PLACE: listed})
    with patch("kafkalert.engine.member.Places", lambda _: consumer):
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
    (kept,) = first._offsets({PLACE: Place(7, "00" * 8)})
    assert kept.metadata == "epoch=4 end=100 id=" + "00" * 8
    later = member(((90, 100), (0, 1000)), FakeConsumer(5000, kept.metadata))
    assert [one.offset() for one in later.without_skipped([record(7), record(95), record(500)])] == [7, 500]
    assert member((), FakeConsumer(5))._offsets({("other", 1): Place(7)})[0].metadata == "epoch=4"


@given(end=st.integers(0, 2**62), epoch=st.integers(0, 2**53))
def test_an_end_survives_a_commit(end: int, epoch: int) -> None:
    assert bound(written(epoch, end)) == end
    assert bound(written(epoch)) is None


@pytest.mark.parametrize("metadata", [None, "", "end=", "end=-1", "end=1x", "bend=1", "x" * 4096])
def test_other_metadata_tells_no_end(metadata: str | None) -> None:
    assert bound(metadata) is None


@given(st.lists(st.tuples(st.integers(-5, 30), st.integers(-5, 30)), max_size=5), st.integers(0, 20))
def test_what_is_within_lies_before_the_end(listed: list[tuple[int, int]], end: int) -> None:
    kept = within(tuple(listed), end)
    assert all(0 <= start < stop <= end for start, stop in kept)
    assert set(kept) == {one for one in listed if 0 <= one[0] < one[1] <= end}
