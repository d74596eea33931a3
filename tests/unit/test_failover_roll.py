"""Who is there, by beats that arrive; and who stood still, or runs, while a switch goes on."""

from kafkalert.ops.failover.beats import Beat, Totals
from kafkalert.ops.failover.roll import Presence, Roll
from kafkalert.ops.failover.turnout import Turnout
from tests.engine_fakes import FakeClock

ATTEMPT = "attempt-1"


class Scene:
    """A roll that hears what a test says, and the turnout of a switch from dc1 to dc2."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.roll = Roll([], "status", clock=self.clock)
        self.turnout = Turnout(self.roll, target="dc2", clock=self.clock)

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
        on: tuple[str, ...] = ("dc1", "dc2"),
    ) -> None:
        """A beat comes in; `ago` is how many ms its clock is behind."""
        time = self.clock.wall - ago
        beat = Beat(
            instance,
            stage,
            cluster,
            state,
            time,
            epoch=epoch,
            attempt=attempt,
            loop_turned_ms_ago=turned,
            totals=Totals(entries=entries),
        )
        for name in on:
            self.roll._take(beat, name, live=live)

    def presence(self, instance: str) -> Presence:
        """Whether it is there."""
        return self.roll.members()[instance].presence(self.clock.now)

    def state(self, instance: str) -> str:
        """Its state by its newest beat."""
        return self.roll.members()[instance].beat.state


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
        members = scene.roll.members()
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
    scene.turnout.begin(ATTEMPT, 1)
    scene.clock.pass_by(1)
    scene.hear("still", state="prepared", attempt=ATTEMPT)
    scene.hear("other", state="prepared", attempt="another")
    scene.hear("ended", state="stopped")
    scene.hear("busy")
    assert sorted(scene.turnout.working(3)) == ["busy", "hung", "other", "stuck"]
    scene.clock.pass_by(9.9)
    scene.hear("busy")
    scene.hear("other", state="prepared", attempt="another")
    scene.hear("stuck", turned=30_000)
    assert sorted(scene.turnout.working(3)) == ["busy", "hung", "other", "stuck"]
    assert scene.turnout.excused() == 0
    scene.clock.pass_by(0.2)
    assert sorted(scene.turnout.working(3)) == ["busy", "other"], "a member that turns may be about to commit"
    assert scene.turnout.excused() == 1, "the client of a loop that stands still stays in the group"


def test_beats_alone_hold_up_no_switch() -> None:
    """Anybody can write one. After the lease nobody works who is in no group; what he did before is not known."""
    scene = Scene()
    scene.hear("ghost")
    scene.turnout.begin(ATTEMPT, 1)
    scene.clock.pass_by(10.9)
    scene.hear("ghost")
    assert scene.turnout.working(0) == ["ghost"]
    scene.clock.pass_by(0.2)
    assert scene.turnout.working(0) == []
    scene.turnout.look()
    assert (scene.turnout.missing(), scene.turnout.uncommitted()) == ([], ["ghost"])
    assert scene.turnout.deserted() == ["ghost"], "nobody else is seen to do its work"


def test_a_stage_that_does_not_exist_is_not_missed() -> None:
    """Whoever beats in its name does none of the pipeline's work."""
    scene = Scene()
    for name in ("early", "late"):
        scene.hear(name, stage="zzz")
        scene.turnout.begin(ATTEMPT, 1)
    scene.clock.pass_by(11)
    scene.hear("late", stage="zzz")
    assert scene.turnout.working(1) == ["late"]
    assert (scene.turnout.missing(), scene.turnout.deserted()) == ([], [])


def test_who_dies_after_it_stood_still_is_not_waited_for() -> None:
    """It has committed; that it does not run on the target is told, not waited for."""
    scene = Scene()
    for name in ("dies", "lives"):
        scene.hear(name)
    scene.turnout.begin(ATTEMPT, 1)
    for name in ("dies", "lives"):
        scene.hear(name, state="prepared", attempt=ATTEMPT)
    scene.turnout.look()
    scene.clock.pass_by(3.1)
    scene.hear("lives", cluster="dc2", epoch=1)
    rows = {one.instance: one.state for one in scene.turnout.look()}
    assert rows == {"dies": "silent", "lives": "running"}
    assert (scene.turnout.missing(), scene.turnout.deserted()) == ([], [])


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
    scene.turnout.begin(ATTEMPT, 1)
    scene.clock.pass_by(2)
    scene.turnout.read_back()
    scene.clock.pass_by(10.9)
    assert sorted(scene.turnout.working(2)) == ["hung", "never"]
    scene.clock.pass_by(0.2)
    assert scene.turnout.working(2) == []


def test_who_comes_in_between_is_waited_for_too() -> None:
    scene = Scene()
    scene.turnout.begin(ATTEMPT, 1)
    assert scene.turnout.working(0) == []
    scene.hear("new", state="loading")
    assert scene.turnout.working(0) == ["new"]


def test_running_is_on_the_target_in_the_new_epoch_and_as_before() -> None:
    """One that stood by before may stand by; one that worked has to work."""
    scene = Scene()
    scene.hear("worker")
    scene.hear("standby", state="joining")
    scene.turnout.begin(ATTEMPT, 3)
    scene.clock.pass_by(0.5)
    scene.hear("worker", state="running", cluster="dc2", epoch=1)
    scene.hear("standby", state="joining", cluster="dc2", epoch=3)
    scene.turnout.look()
    assert scene.turnout.missing() == ["worker"], "an epoch of old is none"
    scene.hear("worker", state="joining", cluster="dc2", epoch=3)
    scene.turnout.look()
    assert scene.turnout.missing() == ["worker"]
    scene.clock.pass_by(1)
    scene.hear("worker", state="running", cluster="dc2", epoch=3)
    rows = {one.instance: one for one in scene.turnout.look()}
    assert scene.turnout.missing() == []
    assert (rows["standby"].running, rows["worker"].running) == (0.5, 1.5)
    assert scene.turnout.last_running() == 1.5


def test_a_stage_of_which_only_silent_ones_are_left_is_deserted() -> None:
    """Nobody waits for who is silent, but where no other does the work that is not well; who ended is not missed."""
    scene = Scene()
    scene.turnout.begin(ATTEMPT, 1)
    scene.hear("hung", live=False)
    scene.hear("ended", state="stopped")
    scene.turnout.look()
    assert (scene.turnout.missing(), scene.turnout.deserted()) == ([], ["hung"])
    scene.hear("moved", cluster="dc2", epoch=1)
    scene.turnout.look()
    assert scene.turnout.deserted() == []


def test_who_fell_silent_before_it_stood_still_may_have_left_work_behind() -> None:
    """Also where it wakes and stands still after all: others may have had its partitions. Who ended has not."""
    scene = Scene()
    for name in ("still", "dies", "hangs", "ended"):
        scene.hear(name)
    scene.hear("dead", live=False)
    scene.hear("gone", state="stopped", live=False)
    scene.turnout.begin(ATTEMPT, 1)
    scene.hear("still", state="prepared", attempt=ATTEMPT)
    scene.hear("ended", state="stopped")
    scene.turnout.look()
    assert scene.turnout.uncommitted() == ["dead"]
    scene.clock.pass_by(3.1)
    scene.turnout.look()
    scene.hear("hangs", state="prepared", attempt=ATTEMPT)
    scene.turnout.look()
    assert scene.turnout.uncommitted() == ["dead", "dies", "hangs"], "who stood still has committed, and may die then"


def test_whose_stay_an_error_had_ended_may_have_left_work_behind() -> None:
    """It is about to try again, and stands still at once; one that starts has done nothing yet."""
    scene = Scene()
    scene.hear("broke", state="starting", entries=5)
    scene.hear("loads", state="loading", entries=5)
    scene.hear("new", state="loading")
    scene.hear("works", entries=5)
    scene.turnout.begin(ATTEMPT, 1)
    for name in ("broke", "loads", "new", "works"):
        scene.hear(name, state="prepared", attempt=ATTEMPT, entries=5)
    scene.turnout.look()
    assert scene.turnout.uncommitted() == ["broke", "loads"]
