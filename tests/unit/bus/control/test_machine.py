"""The control log alone: instances, operators, pauses, crashes and losses in any order, over two lists as logs.

The rules under test are the real ones (`state`, `lease`); the world around them is a model. Time is a counter. An
instance is held to what it *could* do: paused or not, wherever its rules let it touch a cluster, it counts as there.
"""

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Literal, get_args

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kafkalert.bus.control import lease, state
from kafkalert.bus.control.event import Event, Step
from kafkalert.bus.control.lease import Read
from kafkalert.bus.control.plausible import REACH, Plausibility
from kafkalert.bus.control.state import View, resolve

HOME, AWAY = "dc1", "dc2"
CLUSTERS = (HOME, AWAY)
LEASE = 10
MOST = 4
"""Instances, and operators, at a time."""
OTHER = {HOME: AWAY, AWAY: HOME}

Fate = Literal["written", "late", "lost"]
"""Of a write whose answer never came nobody knows whether it is lost or late."""
Hostile = Literal["to nowhere", "far above", "an outcome of nothing", "begun and ended"]
"""What somebody writes who may write to a log, and knows no attempt's id."""
Doing = Literal["asks for the end", "reaches it", "reads on", "takes one", "tries in vain", "works", "reads and works"]
Change = Literal[
    "an instance joins",
    "an instance is gone",
    "an instance stops",
    "an operator begins",
    "an operator is killed",
    "a late write arrives",
]
Lag = Literal["not", "is stopped", "is cut off", "only reads", "dc1", "dc2"]
"""What one instance does meanwhile; with a cluster's name it reads that one alone, and does not act."""
Operator = Generator[None, Fate, None]


@dataclass
class Instance:
    """A stage's instance: what it has read of each log, and when; what it is doing."""

    known: dict[str, int] = field(default_factory=dict)
    looks: dict[str, tuple[int, int]] = field(default_factory=dict)
    reads: dict[str, Read] = field(default_factory=lambda: {name: Read() for name in CLUSTERS})
    busy: View | None = None
    epoch: int = 0
    acknowledged: Event | None = None
    prepared: set[str] = field(default_factory=set)
    highest: int = 0


class PlannedSwitches(RuleBasedStateMachine):
    """Planned switches only: at no time may two instances be on different clusters."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: dict[str, list[Event]] = {name: [] for name in CLUSTERS}  # what counts of them
        self.screens = {name: Plausibility(CLUSTERS) for name in CLUSTERS}
        self.now = 0
        self.instances: list[Instance] = []
        self.announced: list[Instance] = []
        self.operators: list[Operator] = []
        self.flying: list[tuple[str, Event]] = []
        self.forced = False
        self.views: dict[tuple[int | None, ...], View] = {}
        self.ids = count()
        self.started: dict[tuple[str, int], str] = {}
        self.ended: dict[tuple[str, int, str], Step] = {}
        self.taken: dict[tuple[str, int], str] = {}

    # The world.

    def append(self, cluster: str, event: Event) -> bool:
        """A record reaches the log; what that decides is noted as it happens, independently of `resolve`.

        Whether it counts: all who read the log pass over the same records, see test_control_screen.
        """
        if self.screens[cluster].take(event):
            return False
        before = resolve(self.logs, HOME)
        self.logs[cluster].append(event)
        after = resolve(self.logs, HOME)
        assert after.epoch >= before.epoch
        if event.event == "ABORT":
            assert (after.active, after.epoch) == (before.active, before.epoch)
        if event.mode == "planned" and event.source == cluster:
            if event.event == "PREPARE":
                self.started.setdefault((cluster, event.epoch), event.id)
            else:  # perhaps before its PREPARE, which may be late: then that is over before it begins
                self.ended.setdefault((cluster, event.epoch, event.id), event.event)
        elif event.mode == "forced" and event.target == cluster:
            self.taken.setdefault((cluster, event.epoch), event.id)
        return True

    def write(self, cluster: str, event: Event, fate: Fate) -> None:
        """A write that may go wrong."""
        if fate == "written":
            self.append(cluster, event)
        elif fate == "late":
            self.flying.append((cluster, event))

    def view(self, instance: Instance) -> View:
        """What this instance knows."""
        known = instance.known
        key = tuple(known.get(name) for name in CLUSTERS)
        if key not in self.views:  # logs only grow
            self.views[key] = resolve({name: self.logs[name][:number] for name, number in known.items()}, HOME)
        return self.views[key]

    def event(self, epoch: int, number: str, step: Step, source: str, *, forced: bool = False) -> Event:
        """An event of a switch away from `source`."""
        mode: Literal["planned", "forced"] = "forced" if forced else "planned"
        return Event(epoch, number, step, mode, source, OTHER[source], "tester", self.now)

    # Operators: each step between two yields is atomic, and may be the last.

    def planned(self, first: str, number: str) -> Operator:
        """Reads both logs, one after the other; PREPARE; acknowledgements or the lease; COMMIT; copies."""
        seen = {first: tuple(self.logs[first])}
        yield
        seen[OTHER[first]] = tuple(self.logs[OTHER[first]])
        view = resolve(seen, HOME)
        if view.pending is not None:
            return
        source, epoch = view.active, view.next_epoch
        prepare = self.event(epoch, number, "PREPARE", source)
        fate = yield
        self.write(source, prepare, fate)
        yield
        view = resolve(self.logs, HOME)
        if view.pending != prepare or view.active != source:
            # Not the first, or things had moved away before it stood there.
            self.write(source, self.event(epoch, number, "ABORT", source), "written")
            return
        since = self.now
        while not self.may_commit(number, since):
            yield
        fate = yield
        self.write(source, self.event(epoch, number, "COMMIT", source), fate)
        yield
        view = resolve(self.logs, HOME)
        for event in view.history:
            if event.id == number:
                self.append(OTHER[source], event)
                yield

    def may_commit(self, number: str, since: int) -> bool:
        """Every instance that ever said it was there has acknowledged, or has had no lease for a while."""
        return self.now > since + LEASE or all(number in one.prepared for one in self.announced)

    # Instances, by the real rules.

    def fresh(self, instance: Instance, view: View) -> bool:
        """By the real rule, at this time."""
        return lease.fresh(instance.reads, view.active, self.now, LEASE)

    def duty(self, instance: Instance, view: View) -> state.Duty:
        """By the real rule, for what this instance knows."""
        known = {name: self.logs[name][:number] for name, number in instance.known.items()}
        return state.duty(
            view,
            settled=lease.settled(known, set(CLUSTERS), view),
            fresh=self.fresh(instance, view),
            epoch=instance.epoch,
            acknowledged=instance.acknowledged,
        )

    def touches(self, instance: Instance) -> str | None:
        """The cluster on which this instance might process now: a batch that it goes on with, or a new one."""
        view = self.view(instance)
        if instance.busy is not None:
            lasts = state.same_switch(view, instance.busy) and self.fresh(instance, view)
            return instance.busy.active if lasts else None
        duty = self.duty(instance, view)
        return duty.cluster if duty.do == "process" else None

    def work(self, instance: Instance) -> None:
        """It does what it has to: goes on, begins, or stops and acknowledges."""
        view = self.view(instance)
        if instance.busy is not None and self.touches(instance) is None:
            instance.busy = None
        duty = self.duty(instance, view)
        if duty.do == "process":
            assert duty.epoch >= instance.epoch
            instance.epoch, instance.busy = duty.epoch, view
        elif duty.do == "prepare" and duty.attempt is not None:
            instance.busy, instance.acknowledged = None, duty.attempt
            instance.prepared.add(duty.attempt.id)

    def read(self, instance: Instance, cluster: str, began: int, number: int) -> None:
        """It has read so many records, having asked for the end at `began`."""
        instance.known[cluster] = max(number, instance.known.get(cluster, 0))
        read = instance.reads[cluster]
        instance.reads[cluster] = lease.confirmed(read, cluster, self.view(instance), began)

    def chosen(self, index: int) -> Instance:
        """One of those that live."""
        return self.instances[index % len(self.instances)]

    # What happens.

    @initialize(number=st.integers(1, 3))
    def begin(self, number: int) -> None:
        """Some instances are there and at work."""
        for _ in range(number):
            self.join()
        self.sweep(self.instances)

    def join(self) -> None:
        """A new instance says that it is there, before it reads anything."""
        self.instances.append(Instance())
        self.announced.append(self.instances[-1])

    @rule(what=st.sampled_from(get_args(Change)), index=st.integers(0, 3), first=st.sampled_from(CLUSTERS))
    def changes(self, what: Change, index: int, first: str) -> None:
        """Somebody comes or goes."""
        if what == "an instance joins" and len(self.instances) < MOST:
            self.join()
        elif what == "an instance is gone" and len(self.instances) > 1:
            self.instances.remove(self.chosen(index))
        elif what == "an instance stops" and len(self.instances) > 1:
            self.announced.remove(self.chosen(index))  # it said so
            self.instances.remove(self.chosen(index))
        elif what == "an operator begins":
            self.operator(first, index)
        elif what == "an operator is killed" and self.operators:
            self.operators.pop(index % len(self.operators))
        elif what == "a late write arrives" and self.flying:
            self.append(*self.flying.pop(index % len(self.flying)))

    def sweep(self, instances: Sequence[Instance]) -> None:
        """Those read everything and do what they have to."""
        for instance in instances:
            for cluster in CLUSTERS:
                self.read(instance, cluster, self.now, len(self.logs[cluster]))
            self.work(instance)
            view = self.view(instance)
            if view.pending is not None and view.pending.source == view.active:
                assert self.touches(instance) is None
                assert view.pending.id in instance.prepared

    @rule(index=st.integers(0, 3), cluster=st.sampled_from(CLUSTERS), what=st.sampled_from(get_args(Doing)))
    def does(self, index: int, cluster: str, what: Doing) -> None:
        """One instance does one thing, stale as what it knows may be."""
        instance = self.chosen(index)
        read = instance.reads[cluster]
        if what == "asks for the end":
            instance.looks[cluster] = (self.now, len(self.logs[cluster]))
        elif what in ("reaches it", "reads on") and cluster in instance.looks:
            began, end = instance.looks.pop(cluster)
            self.read(instance, cluster, began, end if what == "reaches it" else len(self.logs[cluster]))
        elif what == "takes one" and cluster in instance.known:
            instance.known[cluster] = min(instance.known[cluster] + 1, len(self.logs[cluster]))
        elif what == "tries in vain":
            instance.looks.pop(cluster, None)
            instance.reads[cluster] = Read(read.read_at, read.clear_at, self.now)
        elif what == "works":
            self.work(instance)
        elif what == "reads and works":
            self.read(instance, cluster, self.now, len(self.logs[cluster]))
            self.work(instance)

    @rule(index=st.integers(0, 3), number=st.integers(0, 4))
    def tidies(self, index: int, number: int) -> None:
        """An instance gives up an attempt, or copies what it takes to be lacking and may die over it."""
        instance = self.chosen(index)
        pending = self.view(instance).pending
        if number == 0 and pending is not None:
            # Whether its time was over makes no difference to what is right.
            self.append(pending.source, self.event(pending.epoch, pending.id, "ABORT", pending.source))
        known = {name: self.logs[name][:read] for name, read in instance.known.items()}
        for cluster, events in state.lacking(known, self.view(instance)).items():
            for event in events[:number]:
                assert self.append(cluster, event)  # no log passes over what the other took

    @rule(cluster=st.sampled_from(CLUSTERS), source=st.sampled_from(CLUSTERS), what=st.sampled_from(get_args(Hostile)))
    def somebody_writes(self, cluster: str, source: str, what: Hostile) -> None:
        """Records that no operator of ours wrote: what cannot be meant, and what may be but decides nothing."""
        number, high = f"h-{next(self.ids)}", self.screens[cluster].highest
        if what == "to nowhere":
            commit = Event(high + 1, number, "COMMIT", "forced", source, "nowhere", "somebody", self.now)
            assert not self.append(cluster, commit)
        elif what == "far above":
            for epoch in (high + REACH + 1, 2**53 - 1):
                assert not self.append(cluster, self.event(epoch, number, "COMMIT", source, forced=True))
                assert not self.append(cluster, self.event(epoch, number, "PREPARE", source))
        elif what == "an outcome of nothing":
            assert self.append(cluster, self.event(high + REACH, number, "COMMIT", source))
        else:  # where the other log knows nothing of it, nobody can go on from that epoch until it was copied
            assert self.append(source, self.event(self.screens[source].highest + REACH, number, "PREPARE", source))
            assert self.append(source, self.event(self.screens[source].highest, number, "ABORT", source))

    def operator(self, first: str, rank: int) -> None:
        """Somebody begins a planned switch."""
        if len(self.operators) < MOST:
            self.operators.append(self.planned(first, f"{rank}-{next(self.ids)}"))
            next(self.operators[-1])

    @rule(index=st.integers(0, 2), fate=st.sampled_from(get_args(Fate)))
    def operates(self, index: int, fate: Fate) -> None:
        """An operator takes the next step, if there is one."""
        if not self.operators:
            return
        operator = self.operators[index % len(self.operators)]
        try:
            operator.send(fate)
        except StopIteration:
            self.operators.remove(operator)

    @rule(
        waits=st.lists(st.sampled_from([0, 0, 1, LEASE - 1, LEASE + 1]), min_size=1, max_size=6),
        index=st.integers(0, 3),
        lags=st.sampled_from(get_args(Lag)),
    )
    def rounds(self, waits: list[int], index: int, lags: Lag) -> None:
        """For a while things go on: operators take steps, all but one instance read and act, and time passes."""
        if not self.operators:
            self.operator(HOME, 5)
        laggard = self.chosen(index)
        for seconds in waits:
            self.now += seconds
            for number in range(len(self.operators)):
                self.operates(number, "written")
            self.sweep([one for one in self.instances if one is not laggard or lags == "not"])
            for cluster in CLUSTERS:
                if lags in ("only reads", cluster):
                    self.read(laggard, cluster, self.now, len(self.logs[cluster]))
                elif lags in ("is cut off", OTHER[cluster]):
                    read = laggard.reads[cluster]
                    laggard.reads[cluster] = Read(read.read_at, read.clear_at, self.now)
            self.one_cluster_at_a_time()

    # What always holds.

    @invariant()
    def one_cluster_at_a_time(self) -> None:
        """Without a forced switch no two instances can be on different clusters."""
        if not self.forced:
            assert len({self.touches(one) for one in self.instances} - {None}) <= 1

    @invariant()
    def one_log_is_enough_only_by_force(self) -> None:
        """Who has read but one log is there only because somebody said that the other cluster is gone."""
        for instance in self.instances:
            touched = self.touches(instance)
            if touched is not None and len(instance.known) < len(CLUSTERS):
                assert any(event.mode == "forced" and event.target == touched for event in self.logs[touched])

    @invariant()
    def no_epoch_falls(self) -> None:
        """Whatever an instance reads, its epoch only rises."""
        for instance in self.instances:
            view = self.view(instance)
            epoch = view.epoch
            assert epoch >= instance.highest
            instance.highest = epoch
            assert view.pending is None or view.pending.epoch > epoch

    @invariant()
    def who_acknowledged_waits(self) -> None:
        """Nobody processes between his acknowledgement and an outcome."""
        events = [event for log in self.logs.values() for event in log]
        for instance in self.instances:
            prepare = instance.acknowledged
            if prepare is None or any(
                (one.id == prepare.id and one.event != "PREPARE")
                or (one.event == "COMMIT" and one.epoch >= prepare.epoch)
                for one in events
            ):
                continue
            assert self.touches(instance) is None

    @invariant()
    def what_was_first_stays(self) -> None:
        """Who reads the deciding log takes the first PREPARE and the first outcome of each epoch, and no other."""
        everything = resolve(self.logs, HOME)
        for view in (everything, *(self.view(one) for one in self.instances)):
            for event in view.history:
                if event.mode == "planned" and event.event != "PREPARE":
                    assert self.ended[event.source, event.epoch, event.id] == event.event
                if event.mode == "planned":
                    assert self.started[event.source, event.epoch] == event.id
        if not self.forced:
            outcomes = {(one.source, *one.key) for one in everything.history if one.event != "PREPARE"}
            assert {
                (*key, step)
                for key, step in self.ended.items()
                if self.started.get(key[:2]) == key[2] and key[1] not in self.twice()
            } <= outcomes

    def twice(self) -> set[int]:
        """Epochs that two operators have used who took different clusters for the active one."""
        epochs = [epoch for _, epoch in self.started]
        return {epoch for epoch in epochs if epochs.count(epoch) > 1}

    def expected(self) -> set[tuple[int, str]]:
        """Epoch and active cluster by what was noted as it happened; two where both clusters were left in one epoch."""
        planned = {
            (epoch, OTHER[source])
            for (source, epoch, number), step in self.ended.items()
            if step == "COMMIT" and self.started.get((source, epoch)) == number
        }
        forced = {(epoch, number, target) for (target, epoch), number in self.taken.items()}
        top = max(max((epoch for epoch, _ in planned), default=0), max((one[0] for one in forced), default=0))
        lowest = min((one for one in forced if one[0] == top), default=None)
        if lowest is not None:
            return {(top, lowest[2])}
        return {one for one in planned if one[0] == top} or {(0, HOME)}

    def teardown(self) -> None:
        """Once everything is copied and read all agree, whichever log they read; all work, and can be moved again."""
        self.now += 1
        for cluster, event in self.flying:
            self.append(cluster, event)
        for _ in range(8):
            view = resolve(self.logs, HOME)
            for cluster, events in state.lacking(self.logs, view).items():
                for event in events:
                    assert self.append(cluster, event)
            if view.pending is not None:
                pending = view.pending
                self.append(pending.source, self.event(pending.epoch, pending.id, "ABORT", pending.source))
        view = resolve(self.logs, HOME)
        assert view.pending is None
        assert state.lacking(self.logs, view) == {}
        assert (view.epoch, view.active) in self.expected()
        for name, log in self.logs.items():
            alone = resolve({name: log}, HOME)
            assert (alone.active, alone.epoch, alone.commit) == (view.active, view.epoch, view.commit)
            assert alone.history == view.history
        self.sweep(self.instances)
        self.sweep(self.instances)
        assert {self.touches(one) for one in self.instances} <= {view.active}
        assert all(one.epoch == view.epoch for one in self.instances)
        operator = self.planned(HOME, "last")
        with suppress(StopIteration):
            next(operator)
            for _ in range(20):
                operator.send("written")
                self.sweep(self.instances)
                self.now += LEASE + 1
        assert resolve(self.logs, HOME).active == OTHER[view.active]


class AnySwitches(PlannedSwitches):
    """Forced ones among them: two sides may run for a while, but all agree in the end."""

    def force(self, target: str, number: str, *, both: bool) -> Operator:
        """Reads the target's log, or both; COMMIT there; a copy."""
        seen = {name: tuple(self.logs[name]) for name in (CLUSTERS if both else (target,))}
        fate = yield
        self.forced = True
        commit = self.event(resolve(seen, HOME).next_epoch, number, "COMMIT", OTHER[target], forced=True)
        self.write(target, commit, fate)
        yield
        if commit in resolve(self.logs, HOME).history:
            self.append(OTHER[target], commit)

    @rule(to=st.sampled_from(CLUSTERS), rank=st.integers(0, 9), both=st.booleans())
    def forces(self, to: str, rank: int, both: bool) -> None:
        """Somebody takes one cluster for gone, and reads perhaps only the other."""
        if len(self.operators) < MOST:
            self.operators.append(self.force(to, f"{rank}-{next(self.ids)}", both=both))
            next(self.operators[-1])


TestPlannedSwitches = PlannedSwitches.TestCase
TestPlannedSwitches.settings = settings(max_examples=300, stateful_step_count=40)
TestAnySwitches = AnySwitches.TestCase
TestAnySwitches.settings = settings(max_examples=300, stateful_step_count=40)
