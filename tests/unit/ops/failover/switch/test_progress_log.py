"""How a switch is told off a terminal, and how it ends in words."""

import json
from dataclasses import replace

from kafkalert.commands.output import to_json
from kafkalert.ops.failover.result import Loss, Outcome, Result
from kafkalert.ops.failover.switch.outcome import planned_loss
from kafkalert.ops.failover.switch.progress_log import InstanceSeen, ProgressLog, Snapshot, Status, Step
from kafkalert.views.failover_progress import Lines, result_words
from tests.support.fakes.engine import FakeClock

DONE = Result(
    version=1,
    context="test",
    outcome=Outcome.SWITCHED,
    mode="planned",
    epoch=3,
    id="x",
    source="dc1",
    target="dc2",
    active="dc2",
    by="ann@ops",
    reason="",
    seconds=2.04,
    pause=1.26,
    steps={},
    instances=(),
    missing=(),
    loss=Loss(),
    problems=(),
)


def test_steps_are_measured_and_told_once() -> None:
    """A line where a step ends, with its time and what it was waiting for if it failed; none while it goes on."""
    said: list[str] = []
    clock = FakeClock()
    progress_log = ProgressLog(clock, Lines(said.append).tell)
    with progress_log.step(Step.PREPARE):
        clock.pass_by(0.25)
    progress_log.see((InstanceSeen("alerting", "one\x1b", "prepared", "dc1", prepared=0.5),))
    try:
        with progress_log.step(Step.STOP):
            progress_log.note(Step.STOP, "waiting for two")
            clock.pass_by(3)
            raise TimeoutError  # noqa: TRY301 - as a step does
    except TimeoutError:
        progress_log.see((InstanceSeen("alerting", "one\x1b", "running", "dc2", prepared=0.5, running=3.75),))
    assert said == [
        "prepare after 0.25 s",
        "  0.50 s  alerting one\\x1b stands still",
        "stages stop FAILED after 3.00 s: waiting for two",
        "  3.75 s  alerting one\\x1b runs on dc2",
    ]
    assert progress_log.seconds() == {"prepare": 0.25, "stages stop": 3.0}


def test_a_snapshot_is_told_only_where_something_is_new() -> None:
    told: list[Snapshot] = []
    progress_log = ProgressLog(FakeClock(), told.append)
    with progress_log.step(Step.RUN):
        progress_log.note(Step.RUN, "waiting for one")
        progress_log.note(Step.RUN, "waiting for one")
        progress_log.see(())
    assert [one.steps[0].status for one in told] == [Status.GOING, Status.GOING, Status.DONE]


def test_what_was_not_committed_is_not_said_to_be_done_once() -> None:
    """How much that is nobody knows: in words and for programs."""
    died = replace(DONE, loss=planned_loss(["vm-7", "vm-2"]))
    assert result_words(died)[1:] == [
        "Nothing is lost; what vm-2, vm-7 had not committed, about a second, may be processed again, with the same ids."
    ]
    told = [json.loads(to_json(one))["loss"] for one in (DONE, died)]
    assert [(one["lost"], one["repeated"]) for one in told] == [(0, 0), (0, None)]


def test_what_was_gone_before_a_switch_is_told_at_its_end_too() -> None:
    """The switch itself lost nothing; nobody may read that as if nothing was missing."""
    gone = ["not on dc2: records expired on dc1 before they crossed, at most 3 of accountentry"]
    assert result_words(replace(DONE, loss=planned_loss([], gone)))[1:] == [
        "Not on dc2: records expired on dc1 before they crossed, at most 3 of accountentry.",
        "Nothing more was lost, and nothing is done twice.",
    ]
    assert result_words(replace(DONE, loss=planned_loss(["vm-7"], gone)))[2].startswith(
        "Nothing more is lost; what vm-7"
    )


def test_a_forced_switch_does_not_say_for_how_long_alerts_paused() -> None:
    """The old cluster was dead before somebody forced; how long nobody knows. What programs read is as ever."""
    forced = replace(DONE, mode="forced")
    assert result_words(forced)[0] == "Stages run on dc2, epoch 3. It took 2.0 s. Instances ran again after 1.3 s."
    assert json.loads(to_json(forced))["pause"] == 1.26
    assert result_words(replace(forced, pause=None))[0] == "Stages run on dc2, epoch 3. It took 2.0 s."


def test_the_end_says_what_is_and_what_is_left_to_do() -> None:
    """Where stages run; who does not; what is lost; what somebody has to do by hand."""
    assert result_words(DONE) == [
        "Stages run on dc2, epoch 3. It took 2.0 s. Alerts paused for at most 1.3 s.",
        "Nothing was lost, and nothing is done twice.",
    ]
    worse = replace(DONE, pause=None, missing=("vm-7",), loss=Loss(None, 5, ("Five again.",)), problems=("Stop it.",))
    assert result_words(worse)[1:] == ["vm-7 does not run there.", "Five again.", "Stop it."]
    incomplete = replace(worse, outcome=Outcome.INCOMPLETE)
    assert result_words(incomplete)[0] == "The switch to dc2 stands, epoch 3, but not every instance runs there."
    assert "nothing was changed" in result_words(replace(DONE, outcome=Outcome.PLANNED))[0]
