"""One stay of a stage on one cluster: clients, a place in the group, and a thread that may be left behind with them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Final

from kafkalert.bus.groups import group_properties
from kafkalert.bus.records.mark_reader import Places
from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.records.watermarks import partitions_of, topic_ids
from kafkalert.bus.threads import watched
from kafkalert.config.names import DEADLETTER, STATUS
from kafkalert.config.sections import Cluster, Settings
from kafkalert.engine.clock import Clock
from kafkalert.engine.consuming.beginning import Beginning
from kafkalert.engine.consuming.events import OutOfRangeError
from kafkalert.engine.consuming.inputs import Inputs
from kafkalert.engine.consuming.member import Member
from kafkalert.engine.consuming.progress import Progress
from kafkalert.engine.consuming.skipping import Ranges
from kafkalert.engine.consuming.unfetched import Unfetched
from kafkalert.engine.consuming.unread import Unread
from kafkalert.engine.deadletter import DeadLetters
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.ending import Ending, Ends, alone
from kafkalert.engine.loop import Loop
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.engine.sinks.calling import Calling
from kafkalert.engine.sinks.progress import SinkProgress
from kafkalert.engine.sinks.sink import Sink
from kafkalert.engine.stage import CallingStage, Stage
from kafkalert.errors import DeniedError

_LOOK_SECONDS: Final = 0.2

Goals = dict[str, dict[Partition, int]]
"""By topic: the ends up to which `--until-end` processes."""


@dataclass(frozen=True, slots=True)
class Work:
    """What every stay of one stage has in common.

    `fresh` and `look` as in `Orders`, `fresh` with the stay's epoch and cluster, `look` with the stay that asks.
    `changed` is called when what a stay does has changed; it must be quick. `unread` keeps what was seen to be gone,
    `unfetched` what brings nothing.
    """

    settings: Settings
    stage: Stage | CallingStage
    metrics: Metrics
    fresh: Callable[[float, int, str], bool]
    look: Callable[["Stay"], None]
    changed: Callable[[], None]
    clock: Clock
    stopping: Ends
    unread: Unread = field(default_factory=Unread)
    unfetched: Unfetched = field(default_factory=Unfetched)


class Stay:
    """A stay on `cluster`, which begins with making clients and waits there until `go`.

    So the clients of the cluster that a stage is about to move to are there when it moves. When it has ended (`ended`),
    `error` is what ended it, if that was none of `finished` (all of `goals` was reached), leaving or a stop. `worked`:
    whether it became a member of its group. `unfinished`: how many records it had taken and not brought to their end.
    `holds`: whether what the stage depends on lets it process nothing now.
    """

    def __init__(self, work: Work, cluster: Cluster) -> None:
        self._work = work
        self.cluster = cluster
        self.epoch = -1
        self.ending = Ending(work.stopping)
        self.loop: Loop | None = None
        self.finished = self.ended = self.worked = self.holds = False
        self.unfinished = 0
        self.error: BaseException | None = None
        self.begun = work.clock.monotonic()
        self.state = "starting"
        self._skips: Mapping[Partition, Ranges] = {}
        self._goals: Goals | None = None
        self._going = Event()
        self._delivery: Delivery | None = None
        self._sink: Sink | None = None
        name = f"loop on {cluster.name}"
        self._thread = Thread(target=watched(name, self._stay, self._ended), name=name, daemon=True)
        self._thread.start()

    def go(self, epoch: int, skips: Mapping[Partition, Ranges], goals: Goals | None) -> None:
        """Process, in this epoch: until the end comes, or up to `goals`, to which the ends of topics are added."""
        self.epoch = epoch
        self._skips = skips
        self._goals = goals
        self._going.set()

    def leave(self) -> None:
        """Stop at a commit boundary: what was processed is acknowledged and committed, and the group left."""
        self.ending.leave()
        self._going.set()

    def abandon(self) -> None:
        """Forbid every further step, and return once nothing is being processed.

        The thread ends when the call that it waits in returns; its clients are closed there.
        """
        self.ending.abandon()
        delivery, sink, loop = self._delivery, self._sink, self.loop
        if delivery is not None:
            delivery.abandon()
        if sink is not None:
            sink.abandon()
        self._going.set()
        while loop is not None and loop.busy:  # computes; whatever could wait for a broker raises by now
            self._work.stopping.wait(0.001)
            if self.ended:
                return

    def join(self, seconds: float) -> None:
        """Wait at most so long for its end."""
        self._thread.join(seconds)

    def _ended(self, error: BaseException | None) -> None:
        self.error = None if error is None else alone(error)
        self.worked = self.loop is not None and self.loop.joined
        self.unfinished = 0 if self.loop is None else self.loop.unfinished
        if self._sink is not None:
            self._sink.close()
        self.loop = self._delivery = self._sink = None
        self.state = "starting"  # until the runner knows what comes next
        self.ended = True
        self._work.changed()

    def _stay(self) -> None:
        work, cluster, ending = self._work, self.cluster, self.ending
        settings, stage = work.settings, work.stage
        dead_topic, status = settings.topic(DEADLETTER), settings.topic(STATUS)
        needed = [*stage.inputs, *stage.dependency.topics, *stage.outputs, dead_topic]
        try:
            topics = topic_ids(cluster, [*needed, status])
        except DeniedError:  # perhaps of the status alone: without heartbeats, which say so themselves, it alerts
            topics = topic_ids(cluster, needed)
        linger_ms = settings.engine.linger.total_seconds() * 1000
        self._delivery = delivery = Delivery(cluster, linger_ms=linger_ms, stopping=ending)
        inputs = Inputs(cluster, {topic: topics[topic][0] for topic in stage.inputs})

        dead = DeadLetters(dead_topic, stage.name, delivery, work.metrics.dead, work.clock)
        worked, progress = self._bound(stage, dead)
        group = settings.group(stage.name)
        member = Member(
            cluster,
            group,
            progress=progress,
            delivery=delivery,
            changed=work.changed,
            properties=group_properties(cluster, group, settings.engine.group_protocol),
        )
        loop = Loop(
            worked,
            member,
            settings.engine,
            progress=progress,
            delivery=delivery,
            dead=dead,
            metrics=work.metrics,
            orders=_Orders(self, work, inputs),
            clock=work.clock,
            ending=ending,
        )
        try:
            delivery.connect(stage.outputs)
            stage.dependency.connect(cluster)
            while not self._going.wait(_LOOK_SECONDS):
                if ending:
                    return
            self.state = "loading"
            if ending or not stage.dependency.await_ready(cluster, ending):
                return
            is_first = not work.metrics.entries
            if is_first:  # who has processed something knows where the group is
                found = [
                    partitions_of({topic: topics[topic] for topic in names}) for names in (stage.inputs, stage.outputs)
                ]
                beginning = Beginning(cluster, group, loop.consumer, ending)
                beginning.check(*found, gone=settings.engine.offsets_gone)
            owes = work.unread.owes(cluster)
            if work.metrics.gone or is_first or owes:
                self._check_unread(loop, topics, compare=is_first or owes)
            loop.ticked = work.clock.monotonic()  # it was made when the stay began, and may have waited for long
            self.loop = loop
            work.changed()
            inputs.start()
            ids = {topic: topics[topic][0] for topic in stage.inputs}
            member.join(ids, self.epoch, self._skips, work.unread.proven(cluster))
            try:
                self.finished = loop.run() if self._goals is None else self._to_the_end(loop, self._goals, topics)
            except OutOfRangeError as error:
                self._check_unread(loop, topics, compare=True, refused=error)
                raise
        finally:
            inputs.close()
            loop.close()
            delivery.close()

    def _bound(self, stage: Stage | CallingStage, dead: DeadLetters) -> tuple[Stage, Progress]:
        """Return the stage as the loop knows it, and what counts how far it has come."""
        if not isinstance(stage, CallingStage):
            return stage, Progress()
        calls = stage.calls
        self._sink = Sink(
            stage.name,
            calls.call,
            workers=calls.workers,
            most_records=calls.most_records,
            most_bytes=calls.most_bytes,
            clock=self._work.clock,
            may=self._may_begin,
        )
        progress = SinkProgress(self._sink, dead, self._work.clock, most_behind=calls.most_behind)
        return Calling(stage, progress, self._work.metrics), progress

    def _may_begin(self) -> bool:
        """Whether a call may begin now: of a process that stood still, the records may be another one's."""
        work = self._work
        return not (self.ending or self.holds) and work.fresh(work.clock.monotonic(), self.epoch, self.cluster.name)

    def _check_unread(
        self,
        loop: Loop,
        topics: Mapping[str, tuple[str, int]],
        *,
        compare: bool,
        refused: OutOfRangeError | None = None,
    ) -> None:
        """Raise UnreadError where the group can read something no more: see `Unread.look`; the metrics have what."""
        work = self._work
        inputs, group = {topic: topics[topic] for topic in work.stage.inputs}, work.settings.group(work.stage.name)
        error = work.unread.look(self.cluster, group, loop.consumer, inputs, compare=compare, refused=refused)
        work.metrics.gone = {} if error is None else {partition: gap.records for partition, gap in error.gaps.items()}
        if error is not None:
            raise error

    def _to_the_end(self, loop: Loop, goals: Goals, topics: Mapping[str, tuple[str, int]]) -> bool:
        """Process what each input holds; whether the end of them was what ended it.

        The first one's end is that of the start; a later one's is taken once what feeds it has been committed.
        """
        for topic in self._work.stage.inputs:
            if topic not in goals:
                goals[topic] = Places(self.cluster).ends(partitions_of({topic: topics[topic]}))
            if not loop.run(goals[topic]):
                return False
        loop.settle()
        return True


@dataclass(frozen=True, slots=True)
class _Orders:
    """What the loop of `stay` goes by: see `orders.Orders`."""

    stay: Stay
    work: Work
    inputs: Inputs

    def hold(self, awaited: Mapping[Partition, int] | None) -> str:
        self.inputs.check()
        if awaited is not None:
            self.work.unfetched.check(awaited, self.inputs.ends, self.work.clock.monotonic())
        reason = self.work.stage.dependency.hold()
        self.stay.holds = bool(reason)
        return reason

    def fresh(self, now: float) -> bool:
        return self.work.fresh(now, self.stay.epoch, self.stay.cluster.name)

    def look(self) -> None:
        self.work.look(self.stay)

    def changed(self) -> None:
        self.work.changed()
