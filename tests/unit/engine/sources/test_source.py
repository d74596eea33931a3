"""What a source keeps to be sent again, and where it sends while clusters change."""

import logging
from collections.abc import Callable
from unittest.mock import Mock

import pytest
from confluent_kafka import KafkaError
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kafkalert.bus.control.event import Event
from kafkalert.bus.denials import Denials
from kafkalert.bus.denied import denied
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.engine.active import ActiveCluster
from kafkalert.engine.delivery import BrokenProducerError, DeliveryError
from kafkalert.engine.sources.delivery import SourceDelivery, StoppedError
from kafkalert.engine.sources.kept import KEPT_BYTES, KEPT_SECONDS, Kept, Record
from kafkalert.engine.stopping import InterruptedStopError, Stopping
from kafkalert.errors import DecodingError, DeniedError, KafkalertError
from tests.support.fakes.control import SETTINGS, FakeDelivery, FakeLog, forced, planned
from tests.support.fakes.engine import FakeClock

STEPS = st.lists(st.one_of(st.just("send"), st.just("acknowledge"), st.floats(0, 40)), max_size=60)


def record(number: int, size: int = 10) -> Record:
    return Record("accountentry", b"x" * size, str(number).encode(), [])


@given(STEPS, st.booleans())
def test_what_is_sent_again_is_a_run_up_to_the_last(steps: list[str | float], forced: bool) -> None:
    """All without acknowledgement, after a forced switch also that of the minute before the last one, in order."""
    clock = FakeClock()
    kept = Kept(clock)
    acknowledged_at: list[float | None] = []
    last = 0.0
    for step in steps:
        if step == "send":
            kept.sent(record(len(acknowledged_at)))
            acknowledged_at.append(None)
        elif step == "acknowledge":
            kept.acknowledged()
            last = clock.now if None in acknowledged_at else last
            acknowledged_at = [clock.now if one is None else one for one in acknowledged_at]
        else:
            clock.pass_by(float(step))
    wanted = [
        number for number, at in enumerate(acknowledged_at) if at is None or (forced and last - at <= KEPT_SECONDS)
    ]
    taken = [int(one.key or b"") for one in kept.take(acknowledged=forced)]
    assert taken == wanted
    assert kept.waiting_bytes == 0
    assert kept.take(acknowledged=False) == []


def test_too_much_is_not_kept_and_said_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go; what was not acknowledged never does."""
    monkeypatch.setattr(logging.getLogger("kafkalert"), "propagate", True)
    caplog.set_level(logging.WARNING, "kafkalert")
    kept = Kept(FakeClock())
    for number in range(100):
        kept.sent(record(number, 1 << 20))
        kept.acknowledged()
    kept.sent(record(100, KEPT_BYTES))
    taken = kept.take(acknowledged=True)
    assert [int(one.key or b"") for one in taken] == list(range(101 - len(taken), 101))
    assert sum(one.size for one in taken[:-1]) <= KEPT_BYTES
    assert len(taken) > 50
    assert len(caplog.records) == 1


class Bridging:
    """A source on dc1 that has sent 1, which was acknowledged, and 2, which was not."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        patience: float | None = None,
        settings: Settings = SETTINGS,
        acknowledged: Callable[[int], None] | None = None,
    ) -> None:
        self.log = FakeLog.instead(monkeypatch)
        self.made: list[FakeDelivery] = []
        monkeypatch.setattr("kafkalert.engine.sources.delivery.Delivery", self._make)
        clock = FakeClock()
        stopping = Stopping(clock)
        active = ActiveCluster(settings, clock=clock, stopping=stopping)
        self.clock, self.stopping = clock, stopping
        denials = Denials(clock.monotonic, patience)
        self.source = SourceDelivery(
            active, commit_seconds=1, denials=denials, clock=clock, stopping=stopping, acknowledged=acknowledged
        )
        self.tells = acknowledged is not None

    def _make(self, cluster: Cluster, *, told: bool, **_: object) -> FakeDelivery:
        assert told == self.tells
        self.made.append(FakeDelivery(cluster))
        return self.made[-1]

    def begin(self) -> None:
        """Send both."""
        self.send(1)
        self.send(2)
        assert (self.made[-1].sent, self.made[-1].flushed) == ([1, 2], 1)

    def send(self, number: int) -> None:
        """Hand one over."""
        self.source.send("accountentry", b"", str(number).encode(), [], number if self.tells else None)

    @property
    def given(self) -> list[tuple[str, list[int]]]:
        """What each delivery was given, in the order in which they were made."""
        return [(one.cluster.name, one.sent) for one in self.made]

    @property
    def at(self) -> tuple[int, str]:
        """What a heartbeat says."""
        cluster = self.source.cluster
        return self.source.epoch, "" if cluster is None else cluster.name


@pytest.fixture
def bridging(monkeypatch: pytest.MonkeyPatch) -> Bridging:
    return Bridging(monkeypatch)


@pytest.mark.parametrize("seconds", [59, 61, 300])
def test_a_forced_switch_may_come_late(bridging: Bridging, seconds: int) -> None:
    """A quiet source goes on looking while its cluster is gone: what that had last is kept however long it lasts."""
    bridging.begin()
    bridging.source.flush()
    for _ in range(seconds):
        bridging.clock.pass_by(1)
        bridging.source.poll()
    bridging.log.read("dc2", forced(1, "dc2"))
    bridging.source.poll()
    assert bridging.given == [("dc1", [1, 2]), ("dc2", [1, 2])]


def test_the_other_forced_switch_of_its_epoch_moves_it(bridging: Bridging) -> None:
    """The one that counts is read later: what the losing cluster acknowledged lately is sent again, too."""
    bridging.log.read("dc2", forced(1, "dc2", "b"))
    bridging.begin()
    bridging.log.read("dc1", forced(1, "dc1", "a", stays=True))
    bridging.send(3)
    assert bridging.given == [("dc2", [1, 2]), ("dc1", [1, 2, 3])]
    assert bridging.made[0].abandoned
    assert bridging.at == (1, "dc1")


def test_it_leaves_the_losing_cluster_before_it_may_go_on(bridging: Bridging) -> None:
    """Held, as the logs were not read lately, it gives that cluster nothing any more."""
    bridging.log.read("dc2", forced(1, "dc2", "b"))
    bridging.begin()
    bridging.log.is_fresh = False
    bridging.log.read("dc1", forced(1, "dc1", "a"))
    assert not bridging.source._turn()
    assert bridging.source.held
    assert bridging.made[0].abandoned
    bridging.log.is_fresh = True
    assert bridging.source._turn()
    assert bridging.given == [("dc2", [1, 2]), ("dc1", [1, 2])]


def test_logs_that_lost_an_epoch_move_nothing(bridging: Bridging) -> None:
    """They say home again; it is held until they are as they were, and goes on with what it has."""
    switch = forced(1, "dc2")
    bridging.log.read("dc2", switch)
    bridging.begin()
    bridging.log.logs["dc2"] = ()
    bridging.log.read("dc2")
    assert not bridging.source._turn()
    assert "lost epoch 1" in bridging.source.held
    bridging.log.read("dc2", switch)
    bridging.send(3)
    assert bridging.given == [("dc2", [1, 2, 3])]
    assert not bridging.made[0].abandoned


def test_a_forced_switch_that_stays_repeats_nothing(bridging: Bridging) -> None:
    """The cluster has what it acknowledged, and the rest is on its way there."""
    bridging.begin()
    bridging.log.read("dc1", forced(1, "dc1", stays=True))
    bridging.send(3)
    assert bridging.given == [("dc1", [1, 2, 3])]
    assert bridging.at == (1, "dc1")


def test_a_forced_switch_that_stays_ends_a_planned_one(bridging: Bridging) -> None:
    """The cluster that was moved to is gone: what stood still goes on where it was, and repeats nothing."""
    bridging.begin()
    bridging.log.read("dc1", planned(1, "dc2", "PREPARE"))
    assert not bridging.source._turn()
    assert bridging.source.prepared is not None
    bridging.log.read("dc1", forced(2, "dc1", stays=True))
    bridging.send(3)
    assert bridging.given == [("dc1", [1, 2, 3]), ("dc2", [])]
    assert bridging.at == (2, "dc1")


@pytest.mark.parametrize(
    ("outcome", "again"), [(planned(1, "dc2", "COMMIT"), []), (forced(2, "dc2"), [1, 2])], ids=["planned", "forced"]
)
def test_who_stood_still_repeats_what_was_acknowledged_if_the_cluster_was_lost(
    bridging: Bridging, outcome: Event, again: list[int]
) -> None:
    """Planned, the mirror has carried all of it; forced, it may not have."""
    bridging.begin()
    bridging.log.read("dc1", planned(1, "dc2", "PREPARE"))
    assert not bridging.source._turn()
    bridging.log.read("dc1" if outcome.mode == "planned" else "dc2", outcome)
    bridging.send(3)
    assert bridging.given == [("dc1", [1, 2]), ("dc2", [*again, 3])]
    assert not bridging.made[0].abandoned


def test_a_forced_switch_that_was_missed_repeats_what_was_acknowledged(bridging: Bridging) -> None:
    """The last one stays, but not where it is: it was on the cluster that was left before."""
    bridging.begin()
    bridging.log.read("dc2", forced(1, "dc2"), forced(2, "dc2", stays=True))
    bridging.send(3)
    assert bridging.given == [("dc1", [1, 2]), ("dc2", [1, 2, 3])]
    assert bridging.at == (2, "dc2")


def test_what_stands_still_for_a_switch_waits_for_its_outcome(bridging: Bridging) -> None:
    """Also where its cluster turns out not to be the active one meanwhile."""
    bridging.log.read("dc2", forced(1, "dc2", "b"), planned(2, "dc1", "PREPARE"))
    assert not bridging.source._turn()
    bridging.log.read("dc1", forced(1, "dc1", "a"))
    for _ in range(2):
        assert not bridging.source._turn()
        assert "epoch 2 is not decided" in bridging.source.held
        assert bridging.source.prepared is not None
    bridging.log.read("dc2", planned(2, "dc1", "ABORT"))
    bridging.send(1)
    assert bridging.given == [("dc1", [1])]
    assert bridging.at == (1, "dc1")


def revoke(bridging: Bridging, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have what was sent refused; time passes while the source waits, and `held` of then is returned."""
    refusal = denied(
        SETTINGS.clusters["dc1"], KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), "WRITE", "accountentry"
    )
    assert refusal is not None
    return fail(bridging, monkeypatch, "flush", refusal)


def fail(bridging: Bridging, monkeypatch: pytest.MonkeyPatch, call: str, error: KafkalertError) -> list[str]:
    """As `revoke`, with this error from this call of the producer."""
    held: list[str] = []

    def wait(seconds: float) -> None:
        held.append(bridging.source.held)
        bridging.clock.pass_by(max(seconds, 0.5))

    monkeypatch.setattr(bridging.made[-1], call, Mock(side_effect=error))
    monkeypatch.setattr(bridging.source._active.news, "wait", wait)
    return held


def test_a_right_that_is_revoked_is_waited_for(bridging: Bridging, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not acknowledged is sent again once it is granted; a heartbeat says what is missing until then."""
    bridging.log.read("dc1", forced(1, "dc1", "a"))
    bridging.begin()
    held = revoke(bridging, monkeypatch)
    bridging.source.flush()
    assert bridging.given == [("dc1", [1, 2]), ("dc1", [2])]
    assert bridging.made[-1].flushed == 1
    assert all("denies WRITE on topic accountentry" in one for one in held)
    assert len(held) > 1
    assert bridging.source.held == ""
    bridging.send(3)
    assert bridging.given[-1] == ("dc1", [2, 3])


def meanwhile(bridging: Bridging, monkeypatch: pytest.MonkeyPatch, *acts: Callable[[], object]) -> None:
    """Have these happen while it waits, one a wait."""
    left = iter(acts)

    def wait(seconds: float) -> None:
        bridging.clock.pass_by(max(seconds, 0.5))
        next(left, lambda: None)()

    monkeypatch.setattr(bridging.source._active.news, "wait", wait)


def test_a_switch_while_a_right_is_missing_repeats_what_was_acknowledged(
    bridging: Bridging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a producer, too, it leaves the lost cluster, once; and tries the other one at once."""
    bridging.begin()
    revoke(bridging, monkeypatch)
    meanwhile(bridging, monkeypatch, lambda: bridging.log.read("dc2", forced(1, "dc2")))
    bridging.source.flush()
    bridging.send(3)
    assert bridging.given == [("dc1", [1, 2]), ("dc2", [1, 2, 3])]
    assert bridging.clock.now < FakeClock().now + 2


def test_it_is_not_prepared_while_a_record_has_to_be_sent_again(
    bridging: Bridging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A right is missing when a switch is asked for: it prepares once that is granted, with everything acknowledged."""
    bridging.begin()
    revoke(bridging, monkeypatch)
    prepared: list[tuple[bool, int]] = []

    def note() -> None:
        prepared.append((bridging.source.prepared is not None, bridging.made[-1].flushed if bridging.made[1:] else 0))

    prepare = planned(1, "dc2", "PREPARE")
    looks = [note] * 4
    meanwhile(
        bridging,
        monkeypatch,
        lambda: bridging.log.read("dc1", prepare),
        *looks,
        lambda: bridging.log.read("dc1", planned(1, "dc2", "COMMIT")),
    )
    bridging.source.flush()
    bridging.send(3)
    assert prepared[0] == (False, 0)
    assert prepared[-1][0]
    assert bridging.given == [("dc1", [1, 2]), ("dc1", [2]), ("dc2", [3])]
    assert bridging.made[1].flushed == 1


def test_a_switch_is_asked_for_before_all_was_sent_again(bridging: Bridging) -> None:
    """Both were read at once: what the lost cluster had goes to the one that is to be left, and is acknowledged."""
    bridging.begin()
    bridging.log.read("dc2", forced(1, "dc2"), planned(2, "dc1", "PREPARE"))
    assert not bridging.source._turn()
    assert bridging.source.prepared is not None
    assert bridging.given == [("dc1", [1, 2]), ("dc2", [1, 2]), ("dc1", [])]
    assert bridging.made[1].flushed == 2


def test_with_logs_that_were_not_read_lately_nothing_is_sent_again(bridging: Bridging) -> None:
    """Also where a switch is asked for: it may have been decided without this source."""
    bridging.begin()
    bridging.log.read("dc2", forced(1, "dc2"), planned(2, "dc1", "PREPARE"))
    bridging.log.is_fresh = False
    assert not bridging.source._turn()
    assert bridging.source.prepared is None
    assert "dc2's control log cannot be reached" in bridging.source.held
    assert bridging.given == [("dc1", [1, 2])]


def test_a_file_that_ends_does_not_wait_for_a_right(monkeypatch: pytest.MonkeyPatch) -> None:
    bridging = Bridging(monkeypatch, patience=0.0)
    bridging.log.read("dc1", forced(1, "dc1", "a"))
    bridging.begin()
    revoke(bridging, monkeypatch)
    with pytest.raises(DeniedError):
        bridging.source.flush()


BROKE = BrokenProducerError("The producer broke: made up.", hint="What was not acknowledged is sent again.")


@pytest.mark.parametrize("patience", [None, 0.0], ids=["followed", "to its end"])
@pytest.mark.parametrize("call", ["poll", "flush", "send"])
def test_what_a_producer_that_broke_had_is_sent_again_by_a_new_one(
    monkeypatch: pytest.MonkeyPatch, call: str, patience: float | None
) -> None:
    """After a moment, in order, and what was acknowledged not; a heartbeat says why nothing is sent until then."""
    bridging = Bridging(monkeypatch, patience)
    bridging.begin()
    held = fail(bridging, monkeypatch, call, BROKE)
    bridging.source.poll()
    bridging.send(3)
    bridging.source.flush()
    assert bridging.given[1:] == [("dc1", [2, 3])]
    assert bridging.made[-1].flushed == 2
    assert len(held) > 1
    assert set(held) == {str(BROKE)}
    assert bridging.source.held == ""


def test_a_producer_that_breaks_again_and_again_is_made_anew_every_few_seconds(
    bridging: Bridging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in a busy loop, and not past a stop."""
    monkeypatch.setattr(FakeDelivery, "flush", Mock(side_effect=BROKE))
    monkeypatch.setattr(bridging.source, "_flush_at", float("inf"))
    bridging.send(1)

    def wait(_seconds: float) -> None:
        bridging.clock.pass_by(0.5)
        if bridging.clock.now > FakeClock().now + 60:
            bridging.stopping.stop()

    monkeypatch.setattr(bridging.source._active.news, "wait", wait)
    with pytest.raises(InterruptedStopError):
        bridging.source.flush()
    assert 20 < len(bridging.made) <= 32
    assert all(one == ("dc1", [1]) for one in bridging.given)
    with pytest.raises(StoppedError):
        bridging.send(2)


def test_a_producer_that_broke_ends_a_source_that_kept_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is read to its end on the only cluster: it says what to do instead of what it would have done."""
    alone = SETTINGS.model_copy(update={"context": Context(clusters=("dc1",))})
    bridging = Bridging(monkeypatch, 0.0, alone)
    bridging.send(1)
    fail(bridging, monkeypatch, "flush", BROKE)
    with pytest.raises(DeliveryError, match="made up") as raised:
        bridging.source.flush()
    assert raised.value.hint == "Send all of it again: the same entries have the same ids."
    assert bridging.given == [("dc1", [1])]


def test_a_record_that_the_broker_refuses_ends_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new producer would be told the same, and what was taken with it would be sent again each time."""
    bridging = Bridging(monkeypatch, None)
    bridging.send(1)
    refused = DeliveryError("An output to accountentry was not accepted: made up.")
    fail(bridging, monkeypatch, "flush", refused)
    with pytest.raises(DeliveryError) as raised:
        bridging.source.flush()
    assert raised.value is refused
    assert bridging.given == [("dc1", [1])]


class Settling(RuleBasedStateMachine):
    """A source that can be asked to give again what it gave, while records arrive in any order and clusters change."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.told: list[int] = []
        self.bridging = Bridging(self.patch, acknowledged=self.told.append)
        self.count = self.epoch = 0
        self.arrived: set[int] = set()
        self.began = self.bridging.clock.now

    @property
    def here(self) -> FakeDelivery:
        """What the active cluster is sent by."""
        return self.bridging.made[-1]

    @rule()
    def sends(self) -> None:
        """One more message."""
        self.count += 1
        self.bridging.send(self.count)

    @precondition(lambda self: self.bridging.made and self.here.under_way)
    @rule(which=st.integers(0, 100))
    def arrives(self, which: int) -> None:
        """Any that is under way."""
        self.arrived.add(self.here.arrive(which))

    @precondition(lambda self: any(one.under_way for one in self.bridging.made[:-1]))
    @rule(which=st.integers(0, 100))
    def arrives_late(self, which: int) -> None:
        """Of a cluster that was left: it says nothing of the one that counts now."""
        before = [*self.told]
        next(one for one in self.bridging.made[:-1] if one.under_way).arrive(which)
        assert self.told == before

    @precondition(lambda self: self.count)
    @rule()
    def moves(self) -> None:
        """A forced switch: what was not acknowledged goes to the other one, and so does what was lately."""
        self.epoch += 1
        target = f"dc{self.epoch % 2 + 1}"
        self.bridging.log.read(target, forced(self.epoch, target))
        self.bridging.source.poll()
        everything = {*range(1, self.count + 1)}
        if self.bridging.clock.now - self.began < KEPT_SECONDS:
            assert {*self.here.sent} == everything
        assert everything.difference(self.told) <= {*self.here.sent} <= everything

    @precondition(lambda self: self.bridging.made)
    @rule()
    def breaks(self) -> None:
        """The producer: what it had not acknowledged is sent by a new one, and no more."""
        lacking = {number for number, _ in self.here.under_way}
        broken, old = BrokenProducerError("Broke."), self.here
        self.patch.setattr(old, "poll", Mock(side_effect=broken))
        self.bridging.source.poll()
        self.bridging.clock.pass_by(3)
        self.bridging.source.poll()
        assert self.here is not old
        assert {*self.here.sent} == lacking

    @invariant()
    def it_is_told_of_what_has_arrived_once(self) -> None:
        """And of nothing else."""
        assert len({*self.told}) == len(self.told)
        assert self.arrived <= {*self.told}
        flushed = {number for one in self.bridging.made for number in one.sent[: one.flushed]}
        assert {*self.told} <= self.arrived | flushed

    def teardown(self) -> None:
        """Once all has arrived, it has been told of all."""
        self.bridging.source.flush()
        assert sorted(self.told) == [*range(1, self.count + 1)]
        self.patch.undo()


TestSettling = Settling.TestCase


@pytest.mark.parametrize("ends", ["broken", "closed"])
def test_what_arrives_as_a_producer_is_closed_is_not_told(monkeypatch: pytest.MonkeyPatch, ends: str) -> None:
    """The thread that closes it may serve it, while the record is on its way again; or after the source's end."""
    told: list[int] = []
    bridging = Bridging(monkeypatch, acknowledged=told.append)
    bridging.send(1)
    bridging.send(2)
    assert told == [1]
    old = bridging.made[-1]
    monkeypatch.setattr(old, "close", lambda: old.under_way and old.arrive(0))
    if ends == "closed":
        bridging.source.close()
        assert (told, old.under_way) == ([1], [])
        return
    monkeypatch.setattr(old, "poll", Mock(side_effect=BrokenProducerError("Broke.")))
    bridging.source.poll()
    assert (told, old.under_way) == ([1], [])
    bridging.clock.pass_by(3)
    bridging.source.flush()
    assert told == [1, 2]


def test_a_record_that_is_not_taken_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is larger than a record may be: the source hears that at once, and nothing of it is sent again."""
    told: list[int] = []
    bridging = Bridging(monkeypatch, acknowledged=told.append)
    bridging.send(1)
    too_large = DecodingError("too-large", "It is.")
    monkeypatch.setattr(bridging.made[-1], "send_and_tell", Mock(side_effect=too_large))
    with pytest.raises(DecodingError):
        bridging.send(2)
    bridging.log.read("dc2", forced(1, "dc2"))
    bridging.source.flush()
    assert bridging.given == [("dc1", [1]), ("dc2", [1])]
    assert told == [1]
