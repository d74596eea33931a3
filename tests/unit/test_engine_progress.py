"""How far a stage has come, against a model that keeps its whole history."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kafkalert.engine.progress import Partition, Progress, offsets

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
        self.progress.assigned({partition: offset})
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
        self.progress.committed(moved)
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
    progress.assigned({("a", 0): 3, ("a", 1): -2})
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
    progress.assigned({("a", 0): -2})
    assert progress.beyond({("a", 0): 0}, {})
    assert not progress.beyond({("a", 0): 1}, {})


def test_offsets_carry_their_metadata() -> None:
    """Each names the epoch in which it was committed."""
    (one,) = offsets({("a", 3): 17}, "epoch=0")
    assert (one.topic, one.partition, one.offset, one.metadata) == ("a", 3, 17, "epoch=0")
