"""What may be committed while records complete out of order, against a plain list of what was taken."""

from dataclasses import dataclass

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kafkalert.bus.records.partitions import Partition
from kafkalert.engine.sinks.completion import Completion, Token

NAMES: tuple[Partition, ...] = (("a", 0), ("b", 0))
PARTITIONS = st.sampled_from(NAMES)


@dataclass
class Taken:
    """A record that was taken, and whether it is done with. `stay` and `coming` say when it was taken."""

    partition: Partition
    stay: int
    coming: int
    offset: int
    token: Token
    done: bool = False


class History(RuleBasedStateMachine):
    """All that is asserted follows from the list, in which nothing is ever removed, and from what is here now."""

    def __init__(self) -> None:
        super().__init__()
        self.completion = Completion()
        self.history: list[Taken] = []
        self.stay = 0
        self.comings = dict.fromkeys(NAMES, 0)
        self.here: dict[Partition, int] = {}
        self.committed: dict[Partition, int] = {}

    @rule(partition=PARTITIONS, at=st.integers(0, 2))
    def comes(self, partition: Partition, at: int) -> None:
        """It comes, or comes anew without having gone, at what the group has: perhaps before what was taken once."""
        self.completion.assigned([partition])
        self.comings[partition] += 1
        self.here[partition] = self.committed[partition] = at

    @rule(partitions=st.lists(PARTITIONS, max_size=2))
    def go(self, partitions: list[Partition]) -> None:
        """They go, wherever they were."""
        self.completion.gone(partitions)
        for partition in partitions:
            self.here.pop(partition, None)

    @rule()
    def abandoned(self) -> None:
        """The stay ends, and the next one begins with nothing. What the first had under way may still complete."""
        self.completion = Completion()
        self.stay += 1
        self.here.clear()

    @precondition(lambda self: self.here)
    @rule(data=st.data(), gap=st.integers(0, 1), room=st.sampled_from([True, True, True, False]))
    def take(self, data: st.DataObject, gap: int, room: bool) -> None:
        """The next record is taken, behind offsets that hold none; where the sink is full, it is returned."""
        partition = data.draw(st.sampled_from(sorted(self.here)))
        offset = self.here[partition] + gap
        token = self.completion.taken(partition, offset)
        assert self.completion.is_open(token)
        if not room:
            self.completion.returned(token)
            return
        self.history.append(Taken(partition, self.stay, self.comings[partition], offset, token))
        self.here[partition] = offset + 1

    @precondition(lambda self: self.history)
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        """Any record that was ever taken completes, perhaps for the second time, or long after its partition went."""
        one = data.draw(st.sampled_from(self.history))
        self.completion.completed(one.token)
        one.done = True

    @precondition(lambda self: self.here)
    @rule(data=st.data())
    def complete_all(self, data: st.DataObject) -> None:
        """Once all are complete, all can be committed."""
        partition = data.draw(st.sampled_from(sorted(self.here)))
        for one in reversed(self.under_way(partition)):
            self.completion.completed(one.token)
            one.done = True
        assert self.completion.safe(partition, self.here[partition]) == self.here[partition]

    def under_way(self, partition: Partition) -> list[Taken]:
        """What keeps a partition that is here from being committed."""
        now = (partition, self.stay, self.comings[partition])
        return [one for one in self.history if (one.partition, one.stay, one.coming) == now and not one.done]

    @invariant()
    def nothing_is_committed_beyond_what_is_not_complete(self) -> None:
        """Nor less than could be; and what can be committed never goes back."""
        for partition, following in self.here.items():
            safe = self.completion.safe(partition, following)
            assert safe == min([one.offset for one in self.under_way(partition)], default=following)
            assert safe >= self.committed[partition]
            self.committed[partition] = safe

    @invariant()
    def what_is_under_way_is_told(self) -> None:
        """Failed or hanging alike, by partition; of a partition that is not here, nothing."""
        open_here = {one: self.under_way(one) for one in self.here}
        assert self.completion.incomplete() == {one: len(found) for one, found in open_here.items() if found}
        known = [one.token for found in open_here.values() for one in found]
        for one in self.history:
            assert self.completion.is_open(one.token) == (one.token in known)


TestHistory = History.TestCase


def test_a_partition_that_is_read_elsewhere_takes_nothing() -> None:
    completion = Completion()
    with pytest.raises(KeyError):
        completion.taken(("a", 0), 5)
    completion.assigned([("a", 0)])
    completion.gone([("a", 0)])
    with pytest.raises(KeyError):
        completion.taken(("a", 0), 5)
    assert completion.safe(("a", 0), 7) == 7


def test_a_record_that_comes_twice_or_before_one_under_way_is_an_error() -> None:
    """The lowest would not be known any more, and a commit might go beyond it."""
    completion = Completion()
    completion.assigned([("a", 0)])
    token = completion.taken(("a", 0), 5)
    for offset in (5, 4):
        with pytest.raises(ValueError, match="in the order of their offsets"):
            completion.taken(("a", 0), offset)
    completion.completed(token)
    completion.taken(("a", 0), 4)
    assert completion.safe(("a", 0), 6) == 4


def test_what_was_handed_over_but_not_reached_yet_is_not_committed() -> None:
    """A record may complete before the loop says that it went past it."""
    completion = Completion()
    completion.assigned([("a", 0)])
    first = completion.taken(("a", 0), 5)
    completion.taken(("a", 0), 9)
    completion.completed(first)
    assert completion.safe(("a", 0), 5) == 5
    assert completion.safe(("a", 0), 10) == 9


@pytest.mark.parametrize("is_new_stay", [False, True])
def test_a_call_that_returns_late_completes_nothing(is_new_stay: bool) -> None:
    """The record is under way again, since its partition came anew: here, or in the stay after an abandoned one."""
    before = Completion()
    before.assigned([("a", 0)])
    late = before.taken(("a", 0), 5)
    before.gone([("a", 0)])
    now = Completion() if is_new_stay else before
    now.assigned([("a", 0)])
    again = now.taken(("a", 0), 5)
    now.completed(late)
    assert now.is_open(again)
    assert not now.is_open(late)
    assert now.safe(("a", 0), 6) == 5
