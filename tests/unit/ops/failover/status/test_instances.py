"""Who is there, by beats that arrive; and who stood still, or runs, while a switch goes on."""

from collections.abc import Mapping
from unittest.mock import Mock

from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord, Totals
from kafkalert.ops.failover.status.instances import InstanceWatcher, Presence
from kafkalert.ops.failover.switch.readiness import Readiness
from tests.support.fakes.control import SETTINGS
from tests.support.fakes.engine import FakeClock

ATTEMPT = "attempt-1"


class Scene:
    """A watcher that hears what a test says, and the readiness for a switch from dc1 to dc2."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.watcher = InstanceWatcher([], "status", clock=self.clock)
        self.readiness = Readiness(self.watcher, target="dc2", clock=self.clock)

    def hear(
        self,
        instance: str,
        *,
        stage: str = "alerting",
        state: str = "running",
        cluster: str = "dc1",
        epoch: int = 0,
        attempt: str = "",
        ago: int = 0,
        live: bool = True,
        entries: int = 0,
        turned: int | None = None,
        uncommitted: bool = False,
        dead_letters: Mapping[str, int] | None = None,
        on: tuple[str, ...] = ("dc1", "dc2"),
    ) -> None:
        """A beat comes in; `ago` is how many ms its clock is behind."""
        time = self.clock.wall - ago
        beat = HeartbeatRecord(
            instance,
            stage,
            cluster,
            state,
            time,
            epoch=epoch,
            attempt=attempt,
            loop_turned_ms_ago=turned,
            totals=Totals(entries=entries),
            uncommitted=uncommitted,
            dead_letters=dict(dead_letters or {}),
        )
        for name in on:
            self.watcher._take(beat, name, live=live)

    def presence(self, instance: str) -> Presence:
        """Whether it is there."""
        return self.watcher.members()[instance].presence(self.clock.now)

    def state(self, instance: str) -> str:
        """Its state by its newest beat."""
        return self.watcher.members()[instance].beat.state


def test_a_topic_that_holds_nothing_is_read_at_once() -> None:
    """Nothing has to come first, so that beats are awaited from then on; of one that holds some, these have to."""
    for end, awaited in ((0, 1.0), (5, 0.0)):
        clock = FakeClock()
        watcher = InstanceWatcher([], "status", clock=clock)
        watcher.close()
        watcher._pump(SETTINGS.clusters["dc1"], Mock(), end)
        clock.pass_by(1)
        assert watcher.watched("dc1", clock.now) == awaited


def test_alive_is_who_beats_whatever_its_clock_says() -> None:
    """A clock half a minute behind changes nothing; three seconds without a beat do; a last beat says it ended."""
    scene = Scene()
    scene.hear("late", ago=30_000)
    scene.hear("old", live=False)
    assert scene.presence("late") is Presence.ALIVE
    assert scene.presence("old") is Presence.SILENT
    scene.clock.pass_by(3.1)
    assert scene.presence("late") is Presence.SILENT
    scene.hear("late", ago=30_000, state="stopped")
    assert scene.presence("late") is Presence.STOPPED


def test_who_is_heard_on_one_cluster_does_not_reach_the_other() -> None:
    """Beats go to every cluster; of one that is silent, or is heard on both, nothing is said."""
    scene = Scene()
    scene.hear("both")
    scene.hear("half", on=("dc1",))
    scene.hear("was", on=("dc2",))
    scene.hear("old", live=False)

    def unheard(*clusters: str) -> dict[str, list[str]]:
        members = scene.watcher.members()
        return {name: found for name, one in members.items() if (found := one.unheard(clusters, scene.clock.now))}

    assert unheard("dc1", "dc2") == {"half": ["dc2"], "was": ["dc1"]}
    assert unheard("dc1") == {"was": ["dc1"]}
    scene.clock.pass_by(3.1)
    scene.hear("both", on=("dc1",))
    assert unheard("dc1", "dc2") == {"both": ["dc2"]}


def test_an_older_copy_from_the_other_cluster_changes_no_state() -> None:
    """Beats stand on both clusters, and the second may come a little later; a clock that was set back is believed."""
    scene = Scene()
    scene.hear("one", state="prepared")
    scene.hear("one", state="running", ago=1000)
    assert scene.state("one") == "prepared"
    scene.hear("one", state="loading", ago=60_000, live=False)
    assert scene.state("one") == "prepared"
    scene.hear("one", state="joining", ago=60_000)
    assert scene.state("one") == "joining"


def test_a_switch_waits_for_all_who_may_work() -> None:
    """Not for who stands still for this very attempt, ended, or hangs for longer than its lease."""
    scene = Scene()
    for name in ("still", "busy", "other", "ended", "hung", "stuck"):
        scene.hear(name)
    scene.readiness.begin(ATTEMPT, 1)
    scene.clock.pass_by(1)
    scene.hear("still", state="prepared", attempt=ATTEMPT)
    scene.hear("other", state="prepared", attempt="another")
    scene.hear("ended", state="stopped")
    scene.hear("busy")
    assert sorted(scene.readiness.working(3)) == ["busy", "hung", "other", "stuck"]
    scene.clock.pass_by(9.9)
    scene.hear("busy")
    scene.hear("other", state="prepared", attempt="another")
    scene.hear("stuck", turned=30_000)
    assert sorted(scene.readiness.working(3)) == ["busy", "hung", "other", "stuck"]
    assert scene.readiness.excused() == 0
    scene.clock.pass_by(0.2)
    assert sorted(scene.readiness.working(3)) == ["busy", "other"], "a member that turns may be about to commit"
    assert scene.readiness.excused() == 1, "the client of a loop that stands still stays in the group"


def test_beats_alone_hold_up_no_switch() -> None:
    """Anybody can write one. After the lease nobody works who is in no group; what he did before is not known."""
    scene = Scene()
    scene.hear("ghost")
    scene.readiness.begin(ATTEMPT, 1)
    scene.clock.pass_by(10.9)
    scene.hear("ghost")
    assert scene.readiness.working(0) == ["ghost"]
    scene.clock.pass_by(0.2)
    assert scene.readiness.working(0) == []
    scene.readiness.look()
    assert (scene.readiness.missing(), scene.readiness.uncommitted()) == ([], ["ghost"])
    assert scene.readiness.deserted() == ["ghost"], "nobody else is seen to do its work"


def test_a_stage_that_does_not_exist_is_not_missed() -> None:
    """Whoever beats in its name does none of the pipeline's work."""
    scene = Scene()
    for name in ("early", "late"):
        scene.hear(name, stage="zzz")
        scene.readiness.begin(ATTEMPT, 1)
    scene.clock.pass_by(11)
    scene.hear("late", stage="zzz")
    assert scene.readiness.working(1) == ["late"]
    assert (scene.readiness.missing(), scene.readiness.deserted()) == ([], [])


def test_who_dies_after_it_stood_still_is_not_waited_for() -> None:
    """It has committed; that it does not run on the target is told, not waited for."""
    scene = Scene()
    for name in ("dies", "lives"):
        scene.hear(name)
    scene.readiness.begin(ATTEMPT, 1)
    for name in ("dies", "lives"):
        scene.hear(name, state="prepared", attempt=ATTEMPT)
    scene.readiness.look()
    scene.clock.pass_by(3.1)
    scene.hear("lives", cluster="dc2", epoch=1)
    rows = {one.instance: one.state for one in scene.readiness.look()}
    assert rows == {"dies": "silent", "lives": "running"}
    assert (scene.readiness.missing(), scene.readiness.deserted()) == ([], [])


def test_a_loop_that_stands_still_is_no_sign_of_life() -> None:
    scene = Scene()
    scene.hear("turns", turned=9_000)
    scene.hear("stuck", turned=11_000)
    assert (scene.presence("turns"), scene.presence("stuck")) == (Presence.ALIVE, Presence.STUCK)
    scene.clock.pass_by(3.1)
    assert scene.presence("stuck") is Presence.SILENT


def test_silence_from_before_prepare_does_not_count() -> None:
    """One that hung for long may have read the log just before, and its lease begins there."""
    scene = Scene()
    scene.hear("hung")
    scene.hear("never", live=False)
    scene.hear("ended", state="stopped")
    scene.clock.pass_by(60)
    scene.readiness.begin(ATTEMPT, 1)
    scene.clock.pass_by(2)
    scene.readiness.read_back()
    scene.clock.pass_by(10.9)
    assert sorted(scene.readiness.working(2)) == ["hung", "never"]
    scene.clock.pass_by(0.2)
    assert scene.readiness.working(2) == []


def test_who_comes_in_between_is_waited_for_too() -> None:
    scene = Scene()
    scene.readiness.begin(ATTEMPT, 1)
    assert scene.readiness.working(0) == []
    scene.hear("new", state="loading")
    assert scene.readiness.working(0) == ["new"]


def test_running_is_on_the_target_in_the_new_epoch_and_as_before() -> None:
    """One that stood by before may stand by; one that worked has to work."""
    scene = Scene()
    scene.hear("worker")
    scene.hear("standby", state="joining")
    scene.readiness.begin(ATTEMPT, 3)
    scene.clock.pass_by(0.5)
    scene.hear("worker", state="running", cluster="dc2", epoch=1)
    scene.hear("standby", state="joining", cluster="dc2", epoch=3)
    scene.readiness.look()
    assert scene.readiness.missing() == ["worker"], "an epoch of old is none"
    scene.hear("worker", state="joining", cluster="dc2", epoch=3)
    scene.readiness.look()
    assert scene.readiness.missing() == ["worker"]
    scene.clock.pass_by(1)
    scene.hear("worker", state="running", cluster="dc2", epoch=3)
    rows = {one.instance: one for one in scene.readiness.look()}
    assert scene.readiness.missing() == []
    assert (rows["standby"].running, rows["worker"].running) == (0.5, 1.5)
    assert scene.readiness.last_running() == 1.5


def test_who_started_before_and_starts_or_loads_still_does_not_run() -> None:
    """It does nothing on the target yet, although it did nothing before; who joins and got no partitions is ready."""
    scene = Scene()
    before = {"starts": "starting", "loads": "loading", "loads on": "loading 40 %", "stands by": "joining"}
    for name, state in before.items():
        scene.hear(name, state=state)
    scene.readiness.begin("", 3)
    for name, state in before.items():
        scene.hear(name, state=state, cluster="dc2", epoch=3)
    scene.readiness.look()
    assert scene.readiness.missing() == ["starts", "loads", "loads on"]
    scene.clock.pass_by(1)
    for name in before:
        scene.hear(name, cluster="dc2", epoch=3)
    scene.readiness.look()
    assert (scene.readiness.missing(), scene.readiness.last_running()) == ([], 1)


def test_a_stage_of_which_only_silent_ones_are_left_is_deserted() -> None:
    """Nobody waits for who is silent, but where no other does the work that is not well; who ended is not missed."""
    scene = Scene()
    scene.readiness.begin(ATTEMPT, 1)
    scene.hear("hung", live=False)
    scene.hear("ended", state="stopped")
    scene.readiness.look()
    assert (scene.readiness.missing(), scene.readiness.deserted()) == ([], ["hung"])
    scene.hear("moved", cluster="dc2", epoch=1)
    scene.readiness.look()
    assert scene.readiness.deserted() == []


def test_who_fell_silent_before_it_stood_still_may_have_left_work_behind() -> None:
    """Also where it wakes and stands still after all: others may have had its partitions. Who ended has not."""
    scene = Scene()
    for name in ("still", "dies", "hangs", "ended"):
        scene.hear(name)
    scene.hear("dead", live=False)
    scene.hear("gone", state="stopped", live=False)
    scene.readiness.begin(ATTEMPT, 1)
    scene.hear("still", state="prepared", attempt=ATTEMPT)
    scene.hear("ended", state="stopped")
    scene.readiness.look()
    assert scene.readiness.uncommitted() == ["dead"]
    scene.clock.pass_by(3.1)
    scene.readiness.look()
    scene.hear("hangs", state="prepared", attempt=ATTEMPT)
    scene.readiness.look()
    assert scene.readiness.uncommitted() == ["dead", "dies", "hangs"], "who stood still has committed, and may die then"


def test_whose_stay_an_error_had_ended_may_have_left_work_behind() -> None:
    """It is about to try again, and stands still at once; one that starts has done nothing yet."""
    scene = Scene()
    scene.hear("broke", state="starting", entries=5)
    scene.hear("loads", state="loading", entries=5)
    scene.hear("new", state="loading")
    scene.hear("works", entries=5)
    scene.readiness.begin(ATTEMPT, 1)
    for name in ("broke", "loads", "new", "works"):
        scene.hear(name, state="prepared", attempt=ATTEMPT, entries=5)
    scene.readiness.look()
    assert scene.readiness.uncommitted() == ["broke", "loads"]


def test_whose_last_commit_failed_as_it_stood_still_may_have_left_work_behind() -> None:
    """It stands still as the others do, and says so."""
    scene = Scene()
    scene.hear("breaks", entries=5)
    scene.hear("works", entries=5)
    scene.readiness.begin(ATTEMPT, 1)
    scene.hear("breaks", state="prepared", attempt=ATTEMPT, entries=5, uncommitted=True)
    scene.hear("works", state="prepared", attempt=ATTEMPT, entries=5)
    scene.readiness.look()
    assert scene.readiness.uncommitted() == ["breaks"]


def test_dead_letters_are_new_for_one_or_two_minutes() -> None:
    """What an instance had put away when it was first heard of is old; so is all of one that is not there any more."""
    scene = Scene()

    def new(counts: dict[str, int], seconds: int) -> dict[str, int]:
        for _ in range(seconds):
            scene.clock.pass_by(1)
            scene.hear("one", dead_letters=counts)
        return scene.watcher.members()["one"].new_dead_letters(scene.clock.now)

    assert new({"bad-bytes": 7}, 2) == {}
    assert new({"bad-bytes": 8, "unknown-schema": 1}, 50) == {"bad-bytes": 1, "unknown-schema": 1}
    assert new({"bad-bytes": 8, "unknown-schema": 1}, 130) == {}
    assert new({"bad-bytes": 8, "unknown-schema": 3}, 59) == {"unknown-schema": 2}
    scene.clock.pass_by(3.1)
    assert scene.watcher.members()["one"].new_dead_letters(scene.clock.now) == {}


def test_who_is_not_there_for_long_is_forgotten_by_whoever_goes_on_watching() -> None:
    """As somebody who looks anew does not find him; who is there is not forgotten, however long one has listened."""
    scene = Scene()
    scene.hear("old", live=False)
    scene.hear("killed")
    scene.hear("over", state="stopped")
    listened = 0.0

    def forgotten() -> set[str]:
        members = scene.watcher.members()
        return {name for name, one in members.items() if one.is_forgotten(scene.clock.now, listened)}

    for seconds, gone in ((119.0, set[str]()), (2.0, {"old", "killed", "over"}), (200.0, {"old", "killed", "over"})):
        scene.clock.pass_by(seconds)
        listened += seconds
        scene.hear("here")
        assert forgotten() == gone
