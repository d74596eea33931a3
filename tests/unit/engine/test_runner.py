"""What a runner makes of two forced switches of one epoch: the cluster changes without the epoch."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from kafkalert.config.sections import Cluster
from kafkalert.engine.active import ActiveCluster
from kafkalert.engine.consuming.events import RetryError
from kafkalert.engine.consuming.unread import Gap, UnreadError
from kafkalert.engine.dependency import Independent
from kafkalert.engine.ending import Ending
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.engine.observe.watchdog import END_SECONDS, LEAVE_SECONDS
from kafkalert.engine.options import RunOptions
from kafkalert.engine.runner import Runner
from kafkalert.engine.stage import Given, Stage
from kafkalert.engine.stay import Goals, Stay, Work
from kafkalert.engine.stopping import Stopping
from kafkalert.errors import ExitCode, RestartError
from tests.support.fakes.control import SETTINGS, FakeLog, forced, planned
from tests.support.fakes.engine import FakeClock

LOSES, WINS = forced(1, "dc2", "b"), forced(1, "dc1", "a")


class FakeAttempt:
    """A stay that notes the ends of the topics of its cluster, and is abandoned or not."""

    def __init__(self, work: Work, cluster: Cluster) -> None:
        self.cluster = cluster
        self.ending = Ending(work.stopping)
        self.epoch = -1
        self.ended = self.finished = self.worked = False
        self.unfinished = 0
        self.begun = work.clock.monotonic()
        self.error: BaseException | None = None
        self.state = "starting"
        self.loop: object | None = None
        self.goals: Goals | None = None

    def go(self, epoch: int, _skips: object, goals: Goals | None) -> None:
        """As the real one with `--until-end`, which keeps the ends that are there already."""
        self.epoch = epoch
        if goals is not None:
            goals.setdefault("accountentry", {(self.cluster.name, 0): 1})
            self.goals = dict(goals)

    def abandon(self) -> None:
        """As the real one."""
        self.ending.abandon()

    def leave(self) -> None:
        """As the real one."""
        self.ending.leave()

    @property
    def real(self) -> Stay:
        """Itself, under the type of what it stands for."""
        return cast("Stay", self)


class Running:
    """A runner whose stays are those in `made`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, until_end: bool = True) -> None:
        self.log = FakeLog.instead(monkeypatch)
        self.made: list[FakeAttempt] = []
        monkeypatch.setattr("kafkalert.engine.runner.Stay", self._make)
        self.clock = clock = FakeClock()
        stage: Any = SimpleNamespace(name="alerting", inputs=["accountentry"], outputs=[], dependency=Independent())
        self.runner = Runner(
            SETTINGS,
            RunOptions(until_end=until_end),
            stage=cast("Stage", stage),
            given=Given(Metrics(), clock, Stopping(clock)),
        )

    def _make(self, work: Work, cluster: Cluster) -> FakeAttempt:
        self.made.append(FakeAttempt(work, cluster))
        return self.made[-1]


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Running:
    return Running(monkeypatch)


def test_the_losing_cluster_is_left_with_its_ends(running: Running) -> None:
    """What counts as the end there says nothing about the other one."""
    running.log.read("dc2", LOSES)
    running.runner._turn()
    running.log.read("dc1", WINS)
    running.runner._turn()
    first, second = running.made
    assert (first.cluster.name, first.ending.abandoned) == ("dc2", True)
    assert (second.cluster.name, second.epoch, second.ending.abandoned) == ("dc1", 1, False)
    assert second.goals == {"accountentry": {("dc1", 0): 1}}


def test_who_wakes_on_the_losing_cluster_is_told(running: Running) -> None:
    """It has waited to read the logs, and asks before its next record, while the runner may not have looked yet."""
    running.log.read("dc2", LOSES)
    running.runner._turn()
    (stay,) = running.made
    running.runner._look(stay.real)
    assert not stay.ending.abandoned
    running.log.read("dc1", WINS)
    running.runner._look(stay.real)
    assert stay.ending.abandoned


def test_what_was_read_lately_is_good_for_one_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for the one that lost, once that is known, nor for another epoch."""
    log, clock = FakeLog.instead(monkeypatch), FakeClock()
    active = ActiveCluster(SETTINGS, clock=clock, stopping=Stopping(clock))
    log.read("dc2", LOSES)
    assert active.fresh(clock.now, 1, "dc2")
    assert not active.fresh(clock.now, 1, "dc1")
    assert not active.fresh(clock.now, 0, "dc2")
    log.read("dc1", WINS)
    assert active.duty(epoch=1, acknowledged=None)[:3] == ("process", "dc1", 1)
    assert not active.fresh(clock.now, 1, "dc2")
    log.is_fresh = False
    assert active.fresh(clock.now, 1, "dc1")
    clock.pass_by(1)
    assert not active.fresh(clock.now, 1, "dc1")


GONE = UnreadError("kafkalert.alerting", {("accountentry", 0): Gap(1, 3, 4)})


def test_who_finds_records_gone_is_held_and_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its state says so also while it looks, until it may go on; the switch to another cluster ends that."""
    running = Running(monkeypatch, until_end=False)
    running.log.read("dc1", WINS)
    held = f"held: {GONE}"
    running.runner._turn()
    for tries in (1, 2):
        running.made[-1].error, running.made[-1].ended = GONE, True
        running.runner._turn()
        assert (len(running.made), running.runner.report().state) == (tries, held)
        running.clock.pass_by(3)
        running.runner._turn()
        assert (len(running.made), running.runner.report().state) == (tries + 1, held)
        assert not running.runner.ready()
    running.log.read("dc2", forced(2, "dc2", "c"))
    running.runner._turn()
    assert running.made[-1].cluster.name == "dc2"
    assert running.runner.report().state == "starting"


def test_who_works_until_the_end_ends_with_it(running: Running) -> None:
    """Nobody waits there for somebody to decide."""
    running.log.read("dc1", WINS)
    running.runner._turn()
    running.made[-1].error, running.made[-1].ended = GONE, True
    with pytest.raises(UnreadError) as ended:
        running.runner._turn()
    assert ended.value.exit_code is ExitCode.FAILED


def test_a_loop_that_stands_still_ends_the_stage_so_that_it_is_started_again(running: Running) -> None:
    """A worker that ends with this error is restarted; before that it is called stuck."""
    running.log.read("dc1", WINS)
    running.runner._turn()
    running.made[0].loop = SimpleNamespace(ticked=1.0)

    def stand_still() -> None:
        for _ in range(int(END_SECONDS) + 3):
            running.runner._watch()
            running.clock.pass_by(1)

    with pytest.raises(RestartError, match="stood still"):
        stand_still()
    assert not running.runner.alive()


def test_who_breaks_as_it_leaves_says_so_until_that_is_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it had processed comes again. A stay that ends without having worked changes nothing."""
    running = Running(monkeypatch, until_end=False)

    def end(error: Exception | None, *, worked: bool, unfinished: int = 0) -> bool:
        running.runner._turn()
        stay = running.made[-1]
        stay.worked, stay.error, stay.unfinished, stay.ended = worked, error, unfinished, True
        running.runner._turn()
        running.clock.pass_by(10)
        return running.runner.report().uncommitted

    running.log.read("dc1", WINS)
    broke = RetryError("The last commit was not confirmed.")
    assert [
        end(broke, worked=False),
        end(broke, worked=True),
        end(None, worked=False),
        end(broke, worked=False),
        end(None, worked=True),
        end(None, worked=True, unfinished=2),
    ] == [False, True, True, True, False, True]


def test_who_left_for_a_switch_that_was_called_off_begins_anew_where_its_commit_is_never_confirmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not while the switch is pending, nor while its cluster is away: then its client gets over it by itself."""
    running, answers = Running(monkeypatch, until_end=False), [True]
    monkeypatch.setattr(running.runner._heartbeat, "is_answered", lambda _: answers[0])

    def turn(seconds: float) -> int:
        running.clock.pass_by(seconds)
        running.runner._turn()
        return len(running.made)

    running.log.read("dc1", WINS)
    assert turn(0) == 1
    prepare = planned(2, "dc2", "PREPARE")
    running.log.read("dc1", WINS, prepare)
    assert turn(1) == 1
    assert running.made[0].ending.leaving
    assert turn(2 * LEAVE_SECONDS) == 1, "the switch is pending"
    running.log.read("dc1", WINS, prepare, planned(2, "dc2", "ABORT"))
    answers[0] = False
    assert [turn(1), turn(2 * LEAVE_SECONDS)] == [1, 1], "its cluster is away"
    answers[0] = True
    assert [turn(1), turn(LEAVE_SECONDS)] == [1, 1]
    assert turn(1) == 2
    assert running.made[0].ending.abandoned
    assert running.runner.report().uncommitted
