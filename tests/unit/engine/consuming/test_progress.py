"""How far a stage has come, against a model that keeps its whole history."""

from hashlib import blake2b

import pytest
from confluent_kafka import TopicPartition
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kafkalert.bus.records.partitions import Partition
from kafkalert.engine.consuming.progress import UNKNOWN, Place, Progress, committed_place, offsets
from tests.support.fakes.engine import FakeMessage

PARTITIONS = st.sampled_from([("a", 0), ("a", 1), ("b", 0)])
OFFSETS = st.integers(0, 30)


class History(RuleBasedStateMachine):
    """A partition that is here is what happened to it since it came: all that is asserted follows from the list."""

    def __init__(self) -> None:
        super().__init__()
        self.progress = Progress()
        self.reached_here: dict[Partition, list[int]] = {}
        self.group_has: dict[Partition, int] = {}

    @rule(partition=PARTITIONS, offset=OFFSETS | st.just(-2))
    def assigned(self, partition: Partition, offset: int) -> None:
        """It comes, at what the group has committed (-2: nothing yet)."""
        self.progress.assigned({partition: Place(offset)})
        self.reached_here[partition] = [offset]
        self.group_has[partition] = offset

    @rule(partition=PARTITIONS)
    def gone(self, partition: Partition) -> None:
        """It goes, wherever it was."""
        self.progress.gone([partition])
        self.reached_here.pop(partition, None)

    @rule(partition=PARTITIONS, offset=OFFSETS)
    def reached(self, partition: Partition, offset: int) -> None:
        """Something was processed, perhaps what was read before the partition went and came."""
        self.progress.reached(partition, offset)
        if partition in self.reached_here:
            self.reached_here[partition].append(offset)

    @rule(only=st.none() | st.lists(PARTITIONS))
    def commit(self, only: list[Partition] | None) -> None:
        """What a commit moves is what was reached since the last one, of what is here and asked for."""
        moved = self.progress.uncommitted(only)
        assert moved == {
            one: max(reached)
            for one, reached in self.reached_here.items()
            if max(reached) > self.group_has[one] and (only is None or one in only)
        }
        self.progress.committed(self.progress.placed(moved))
        self.group_has |= moved

    @rule(partition=PARTITIONS)
    def refused(self, partition: Partition) -> None:
        """A commit that the group did not take is to be repeated, if the partition is still here."""
        self.progress.refused([partition])
        self.group_has[partition] = -1

    @invariant()
    def only_what_is_here(self) -> None:
        """Nothing is known of partitions that are read elsewhere; offsets never go back."""
        assert self.progress.partitions() == sorted(self.reached_here)
        for partition in (("a", 0), ("a", 1), ("b", 0)):
            reached = self.reached_here.get(partition)
            assert self.progress.next_offset(partition) == (None if reached is None else max(reached))
        known = {one: max(reached) for one, reached in self.reached_here.items() if max(reached) >= 0}
        assert self.progress.positions() == known


TestHistory = History.TestCase


def test_the_end_is_reached_when_every_partition_is_there_or_committed_elsewhere() -> None:
    """A partition read here counts by what was processed here, however far the group has committed it."""
    progress = Progress()
    progress.assigned({("a", 0): Place(3), ("a", 1): Place(-2)})
    goal = {("a", 0): 5, ("a", 1): 0, ("a", 2): 7}
    assert not progress.beyond(goal, {("a", 0): 9, ("a", 2): 7})
    progress.reached(("a", 0), 5)
    assert not progress.beyond(goal, {})
    assert not progress.beyond(goal, {("a", 2): 6})
    assert progress.beyond(goal, {("a", 2): 7})
    assert progress.beyond({}, {})


def test_a_partition_whose_position_is_not_known_counts_by_what_the_group_has() -> None:
    """Nothing was ever committed there, so only an empty one has been read to its end."""
    progress = Progress()
    progress.assigned({("a", 0): Place(-2)})
    assert progress.beyond({("a", 0): 0}, {})
    assert not progress.beyond({("a", 0): 1}, {})


def test_offsets_carry_their_metadata() -> None:
    """Each names the epoch in which it was committed."""
    (one,) = offsets({("a", 3): Place(17)}, lambda one: f"epoch=0 end={one[1]}")
    assert (one.topic, one.partition, one.offset, one.metadata) == ("a", 3, 17, "epoch=0 end=3")


def test_a_place_is_committed_with_the_id_of_the_record_before_it_and_read_again() -> None:
    """So the next member knows it before any record comes; what somebody else wrote there is no id."""
    partition, progress = ("a", 0), Progress()
    progress.assigned({partition: Place(3, "00" * 8)})
    assert progress.placed({partition: 3}) == {partition: Place(3, "00" * 8)}
    record = FakeMessage(of="a", carried=[("ka-id", b"one")], at=6)
    progress.reached(partition, 7, record.real)
    progress.reached(partition, 9)  # behind the record lie markers
    placed = progress.placed(progress.uncommitted())
    assert placed == {partition: Place(9, blake2b(b"one", digest_size=8).hexdigest())}
    assert progress.places() == {partition: Place(3, "00" * 8)}, "nothing is told before its outputs are acknowledged"
    progress.committed(placed)
    assert progress.places() == placed
    (told,) = offsets(placed, lambda _: "epoch=4")
    assert told.metadata == f"epoch=4 id={placed[partition].id}"
    assert committed_place(told) == placed[partition]
    for odd in ("", "epoch=4", "epoch=4 id=", "epoch=4 id=XYZ", "epoch=4 id=00"):
        assert committed_place(TopicPartition("a", 0, 9, odd)) == Place(9)
    progress.gone([partition])
    assert progress.places() == {}


@pytest.mark.parametrize(("led", "kept"), [(7, 7), (None, UNKNOWN)])
def test_a_commit_has_the_leaders_epoch_of_the_record_right_before_it(led: int | None, kept: int) -> None:
    """By it a broker tells who comes later whether its log was cut; behind a marker it may be another leader's."""
    partition, progress = ("a", 0), Progress()
    progress.assigned({partition: Place(3)})
    progress.reached(partition, 7, FakeMessage(of="a", carried=[("ka-id", b"one")], at=6, led=led).real)
    place = progress.placed({partition: 7})[partition]
    (told,) = offsets({partition: place}, lambda _: "epoch=4 topic=t")
    assert (told.leader_epoch, committed_place(told)) == (led, place)
    assert (place.adjacent, place.leader) == (True, kept)
    progress.committed({partition: place})
    assert progress.placed({partition: 8})[partition].leader == UNKNOWN
    assert committed_place(TopicPartition("a", 0, 7, "another program's", 7)) == Place(7)
    progress = Progress()  # the next member, who has read nothing yet
    progress.assigned({partition: place})
    assert progress.placed({partition: 7}) == {partition: place}
    assert progress.placed({partition: 8})[partition].leader == UNKNOWN


def test_a_commit_says_whether_the_record_of_its_id_lies_right_before_it() -> None:
    """Not once anything lies between: a marker, or a batch that could not be read, and that somebody else may read."""
    partition, progress = ("a", 0), Progress()
    progress.assigned({partition: Place(3, "00" * 8, adjacent=True)})

    def committed() -> list[tuple[str | None, bool]]:
        """What a commit of now says, and the next member reads."""
        told = offsets(progress.placed(progress.positions()), lambda _: "epoch=4 topic=t")
        return [(one.metadata, committed_place(one).adjacent) for one in told]

    assert committed() == [(f"epoch=4 topic=t last id={'00' * 8}", True)]
    progress.reached(partition, 5)
    assert committed() == [(f"epoch=4 topic=t id={'00' * 8}", False)]
    progress.reached(partition, 7, FakeMessage(of="a", at=6).real)
    assert [one for _, one in committed()] == [True]
    progress.committed(progress.placed(progress.positions()))
    assert [one for _, one in committed()] == [True]
    progress.reached(partition, 9, FakeMessage(of="a", at=7).real)
    assert [one for _, one in committed()] == [False]
