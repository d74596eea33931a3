"""Which job runs next, against a plain list of all that were ever put: in order by key, and none waits for nothing."""

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kafkalert.bus.records.partitions import Partition
from kafkalert.engine.sinks.completion import Token
from kafkalert.engine.sinks.keyed import Job, KeyedQueue
from tests.support.fakes.engine import FakeMessage

PARTITIONS: tuple[Partition, ...] = (("a", 0), ("a", 1))
KEYS = st.sampled_from([b"one", b"two"])


@dataclass
class Put:
    """A job, and what became of it. `due`: before that it is not to run."""

    job: Job
    key: bytes
    partition: Partition
    size: int
    due: float = 0.0
    runs: bool = False
    gone: bool = False
    ended: bool = False

    @property
    def waits(self) -> bool:
        """Whether it is still to run."""
        return not (self.runs or self.gone or self.ended)


class Lines(RuleBasedStateMachine):
    """Any order of jobs that come, run, end, fail for now, and go with their partitions."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = KeyedQueue()
        self.put: list[Put] = []
        self.now = 0.0

    @rule(key=KEYS, partition=st.sampled_from(PARTITIONS), size=st.integers(0, 9))
    def comes(self, key: bytes, partition: Partition, size: int) -> None:
        """One more of a key; keys and partitions need not go together, as a topic may have been given partitions."""
        job = Job(Token(partition, 1, len(self.put)), FakeMessage().real, key, size)
        self.queue.put(job)
        self.put.append(Put(job, key, partition, size))

    @rule()
    def take(self) -> None:
        """What is taken is the first of its key and due; where there is such a job, one is taken."""
        may = []
        for key in {one.key for one in self.put}:
            line = [one for one in self.put if one.key == key and (one.runs or one.waits)]
            if line and line[0].waits and line[0].due <= self.now:
                may.append(line[0])
        job = self.queue.take(self.now)
        if job is None:
            assert may == []
            later = [one.due for one in self.put if one.waits and one.due > self.now]
            assert self.queue.due() == min(later, default=None)
            return
        (found,) = [one for one in may if one.job is job]
        found.runs = True

    @rule(seconds=st.sampled_from([0.5, 1.0, 10.0]))
    def time_passes(self, seconds: float) -> None:
        """What failed comes to be due."""
        self.now += seconds

    @precondition(lambda self: any(one.runs for one in self.put))
    @rule(data=st.data())
    def ends(self, data: st.DataObject) -> None:
        """Any that runs ends."""
        one = data.draw(st.sampled_from([one for one in self.put if one.runs]))
        self.queue.done(one.job)
        one.runs, one.ended = False, True

    @precondition(lambda self: any(one.runs and not one.gone for one in self.put))
    @rule(data=st.data(), wait=st.sampled_from([0.0, 1.0, 5.0]))
    def fails(self, data: st.DataObject, wait: float) -> None:
        """Any that runs fails for now. One whose partition went is not tried again: it ends."""
        one = data.draw(st.sampled_from([one for one in self.put if one.runs and not one.gone]))
        before = one.job.attempt
        one.runs, one.due = False, self.now + wait
        self.queue.again(one.job, one.due)
        assert one.job.attempt == before + 1

    @rule(partitions=st.sets(st.sampled_from(PARTITIONS)))
    def drop(self, partitions: set[Partition]) -> None:
        """What has not begun goes with its partition."""
        self.queue.drop(partitions)
        for one in self.put:
            one.gone = one.gone or (one.partition in partitions and not one.ended)

    @invariant()
    def it_counts(self) -> None:
        """What waits and what runs has a place; what is gone has none, even if it still runs."""
        there = [one for one in self.put if one.runs or one.waits]
        kept = [one for one in there if not one.gone]
        assert self.queue.jobs == len(kept)
        assert self.queue.bytes == sum(one.size for one in kept)
        assert self.queue.running == len([one for one in kept if one.runs])
        assert {id(one) for one in self.queue.begun()} == {
            id(one.job) for one in kept if one.runs or one.job.attempt > 1
        }
        assert all(one.job.dropped == one.gone for one in there)


TestLines = Lines.TestCase
