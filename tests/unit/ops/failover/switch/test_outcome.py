"""How a switch ends once it is decided: also where the cluster that it went to dies at that very moment."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from kafkalert.bus.control.state import View
from kafkalert.ops.failover.result import Outcome, Result
from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord
from kafkalert.ops.failover.status.instances import InstanceWatcher
from kafkalert.ops.failover.status.watch import Watch
from kafkalert.ops.failover.switch import planned as module
from kafkalert.ops.failover.switch.context import SwitchContext
from kafkalert.ops.failover.switch.order import Order
from kafkalert.ops.failover.switch.outcome import RUN_SECONDS
from kafkalert.ops.failover.switch.planned import Planned
from kafkalert.ops.failover.switch.progress_log import ProgressLog
from kafkalert.ops.failover.switch.readiness import Readiness
from kafkalert.views.failover_progress import result_words
from tests.support.fakes.control import SETTINGS
from tests.support.fakes.engine import FakeClock

TWICE = "Nothing was lost, and nothing is done twice."
BACK = "`kafkalert failover --to dc1 --force --accept-loss`"


class Beating(InstanceWatcher):
    """Of one instance, which beats on dc1, and is in `state` on `cluster`."""

    def __init__(self, clock: FakeClock, cluster: str, state: str) -> None:
        super().__init__([], "status", clock=clock)
        self._fake, self._cluster, self._state = clock, cluster, state
        self.wait(0)

    def wait(self, seconds: float) -> None:
        """A beat comes in."""
        self._fake.pass_by(seconds)
        self._take(
            HeartbeatRecord("vm-1", "alerting", self._cluster, self._state, self._fake.wall, epoch=4), "dc1", live=True
        )


def committed(
    monkeypatch: pytest.MonkeyPatch, *answering: str, runs_on: str = "dc2", state: str = "running"
) -> tuple[Result, FakeClock]:
    """What becomes of a planned switch to dc2 that was committed; afterwards these clusters answer."""
    clock = FakeClock()
    for name in ("_read", "_prepare", "_until_commit"):
        monkeypatch.setattr(Planned, name, lambda _: None)
    monkeypatch.setattr(module, "copy", lambda *_: "")
    view = View(4, "dc2", None, None, (), 5)
    control = SimpleNamespace(view=lambda: view, reachable=lambda: set(answering))
    watch = cast("Watch", SimpleNamespace(control=control, watcher=Beating(clock, runs_on, state)))
    order = Order("dc2", 30.0, "", "ann@ops")
    context = SwitchContext(SETTINGS, watch, ProgressLog(clock), clock)
    planned = Planned(context, order, cast("Any", None), source="dc1", gone=())
    planned._epoch = 4
    planned._readiness.begin("x", 4)
    return planned.run(), clock


def test_a_target_that_died_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """No alerts are sent, and by which command they are; nothing is promised of what the dead cluster holds."""
    result, clock = committed(monkeypatch, "dc1", runs_on="")
    assert (result.outcome, result.active, result.missing) == (Outcome.INCOMPLETE, "dc2", ("vm-1",))
    assert clock.now - FakeClock().now >= RUN_SECONDS
    assert (result.loss.lost, result.loss.repeated) == (None, None)
    assert result_words(result) == [
        "The switch to dc2 stands, epoch 4, but not every instance runs there.",
        "vm-1 does not run there.",
        "What is lost or done twice is not known until dc2 answers again.",
        "dc2 does not answer any more: no alerts are sent.",
        f"Start dc2; stages then go on by themselves. If it cannot be started: {BACK}.",
    ]


def test_nobody_is_sent_back_to_a_cluster_that_is_dead_too(monkeypatch: pytest.MonkeyPatch) -> None:
    result, _ = committed(monkeypatch, runs_on="")
    assert result.problems[-1] == "Start dc2; stages then go on by themselves."


def test_an_instance_that_is_late_has_lost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the target answers, all is there, and is done once."""
    late, _ = committed(monkeypatch, "dc1", "dc2", runs_on="")
    assert late.outcome is Outcome.INCOMPLETE
    assert result_words(late)[1:] == ["vm-1 does not run there.", TWICE]


def test_who_runs_a_moment_too_late_is_named_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beats come in all the time: that not everybody runs, and who does not, are told of one moment."""
    asked = iter([["vm-1"]])
    monkeypatch.setattr(module, "await_running", lambda *_: True)
    monkeypatch.setattr(Readiness, "missing", lambda _: next(asked, []))
    late, _ = committed(monkeypatch, "dc1", "dc2")
    assert (late.outcome, late.missing) == (Outcome.INCOMPLETE, ("vm-1",))


@pytest.mark.parametrize("state", ["starting", "loading"])
def test_who_only_starts_on_the_target_is_named_after_20_s(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    """It may load its tables for minutes: that is not waited for, and nobody is told that all runs."""
    late, clock = committed(monkeypatch, "dc1", "dc2", state=state)
    assert (late.outcome, late.missing, late.pause) == (Outcome.INCOMPLETE, ("vm-1",), None)
    assert RUN_SECONDS <= clock.now - FakeClock().now < RUN_SECONDS + 1
    assert result_words(late)[1:] == ["vm-1 does not run there.", TWICE]


def test_a_target_on_which_all_run_is_not_called_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who beats from there knows better than this command, which may be cut off from it."""
    moved, _ = committed(monkeypatch, "dc1")
    assert (moved.outcome, moved.problems) == (Outcome.SWITCHED, ())
    assert result_words(moved)[-1] == TWICE
