"""Which clusters answer, by several questions of which any may be slow."""

from collections.abc import Collection, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kafkalert.bus.control.state import View
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.errors import UnreachableError
from kafkalert.ops.failover import survey as module
from kafkalert.ops.failover.beats import Beat
from kafkalert.ops.failover.picture import Survey
from kafkalert.ops.failover.roll import Roll
from kafkalert.ops.failover.watch import Watch
from tests.engine_fakes import FakeClock

SETTINGS = Settings(
    context=Context(clusters=("dc1", "dc2")),
    clusters={name: Cluster(name=name, bootstrap="127.0.0.1:1") for name in ("dc1", "dc2")},
)


def surveyed(
    monkeypatch: pytest.MonkeyPatch,
    *,
    dc1: object = None,
    read: Collection[str] = ("dc1", "dc2"),
    beats: Sequence[Beat] = (),
) -> Survey:
    """What is seen where dc1 answers so, these control logs were read, and these heartbeats come in on both."""
    told: dict[tuple[str, str], Any] = {("answers", "dc1"): dc1, ("answers", "dc2"): {}}
    told |= {("groups", "dc1"): (), ("groups", "dc2"): (), ("mirror", ""): ()}
    monkeypatch.setattr(module, "_ask", lambda *_: told)
    control = SimpleNamespace(
        reachable=lambda: set(read), view=lambda: View(0, "dc1", None, None, (), 1), skipped=lambda: 0
    )
    clock = FakeClock()
    roll = Roll([], "status", clock=clock)
    for beat in beats:
        for name in SETTINGS.clusters:
            roll._take(beat, name, live=True)
    watch = SimpleNamespace(control=control, roll=roll, await_control=lambda _: None, await_beats=lambda *_: None)
    return module.survey(SETTINGS, cast("Watch", watch), clock)


def test_an_instance_is_told_with_what_it_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its newest heartbeat."""
    beats = [Beat("vm-1", "alerting", "dc1", "running", time, skipped_by_switch=3 * time) for time in (1, 2)]
    (one,) = surveyed(monkeypatch, beats=beats).instances
    assert (one.instance, one.skipped_by_switch) == ("vm-1", 6)


def answers(monkeypatch: pytest.MonkeyPatch, failure: Exception, read: set[str]) -> dict[str, bool]:
    """Which clusters answer, where dc1 fails to list its topics and these control logs were read."""
    return {one.name: one.answers for one in surveyed(monkeypatch, dc1=failure, read=read).clusters}


@pytest.mark.parametrize("failure", [TimeoutError(), UnreachableError("dc1 does not answer.")])
def test_a_cluster_whose_control_log_was_read_is_not_dead(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    """On a busy machine a list of topics takes longer than a look may; that is no reason to ask for force."""
    assert answers(monkeypatch, failure, {"dc1", "dc2"}) == {"dc1": True, "dc2": True}
    assert answers(monkeypatch, failure, {"dc2"}) == {"dc1": False, "dc2": True}
