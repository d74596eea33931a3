"""Which clusters answer, by several questions of which any may be slow."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kafkalert.bus.control.state import View
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.errors import UnreachableError
from kafkalert.ops.failover.status import survey as module
from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord
from kafkalert.ops.failover.status.instances import InstanceWatcher
from kafkalert.ops.failover.status.picture import GroupLag, Survey
from kafkalert.ops.failover.status.watch import Watch
from kafkalert.ops.failover.switch.order import Order
from kafkalert.ops.failover.switch.switching import _planned_changes
from tests.support.fakes.engine import FakeClock

SETTINGS = Settings(
    context=Context(clusters=("dc1", "dc2")),
    clusters={name: Cluster(name=name, bootstrap="127.0.0.1:1") for name in ("dc1", "dc2")},
)


def surveyed(
    monkeypatch: pytest.MonkeyPatch,
    *,
    dc1: object = None,
    groups: object = (),
    mirror: object = (),
    read: Collection[str] = ("dc1", "dc2"),
    beats: Sequence[HeartbeatRecord] = (),
) -> Survey:
    """What is seen where dc1 answers so, these control logs were read, and these heartbeats come in on both."""
    told: dict[tuple[str, str], Any] = {("answers", "dc1"): dc1, ("answers", "dc2"): {}}
    told |= {("groups", "dc1"): groups, ("groups", "dc2"): (), ("mirror", ""): mirror}
    monkeypatch.setattr(module, "_ask", lambda *_: told)
    control = SimpleNamespace(
        reachable=lambda: set(read), view=lambda: View(0, "dc1", None, None, (), 1), skipped=lambda: 0
    )
    clock = FakeClock()
    watcher = InstanceWatcher([], "status", clock=clock)
    for beat in beats:
        for name in SETTINGS.clusters:
            watcher._take(beat, name, live=True)
    watch = SimpleNamespace(
        control=control, watcher=watcher, await_control=lambda _: None, await_beats=lambda *_, **_quick: None
    )
    return module.survey(SETTINGS, cast("Watch", watch), clock)


def test_an_instance_is_told_with_what_it_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its newest heartbeat."""
    beats = [HeartbeatRecord("vm-1", "alerting", "dc1", "running", time, skipped_by_switch=3 * time) for time in (1, 2)]
    (one,) = surveyed(monkeypatch, beats=beats).instances
    assert (one.instance, one.skipped_by_switch) == ("vm-1", 6)


@pytest.mark.parametrize("failure", [TimeoutError(), UnreachableError("dc1 does not answer.")])
def test_groups_that_could_not_be_read_are_not_none_at_all(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    """Who is asked whether to switch is told `?`, and not that nothing is left to process; programs get a finding."""
    found = surveyed(monkeypatch, groups=failure)
    assert found.groups is None
    assert "The lag of groups on dc1 could not be read." in found.notes
    told = _planned_changes(found, Order("dc2", 30.0, "", "ann@ops"))
    assert told[:2] == ["move 0 instances and ? groups from dc1 to dc2", "unprocessed: ?"]
    known = _planned_changes(replace(found, groups=(GroupLag("alerting", 1, 7),)), Order("dc2", 30.0, "", "ann@ops"))
    assert known[:2] == ["move 0 instances and 1 group from dc1 to dc2", "unprocessed: 7; processed on dc2"]


def answers(monkeypatch: pytest.MonkeyPatch, failure: Exception, read: set[str]) -> dict[str, bool]:
    """Which clusters answer, where dc1 fails to list its topics and these control logs were read."""
    return {one.name: one.answers for one in surveyed(monkeypatch, dc1=failure, read=read).clusters}


@pytest.mark.parametrize("failure", [TimeoutError(), UnreachableError("dc1 does not answer.")])
def test_a_cluster_whose_control_log_was_read_is_not_dead(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    """On a busy machine a list of topics takes longer than a look may; that is no reason to ask for force."""
    assert answers(monkeypatch, failure, {"dc1", "dc2"}) == {"dc1": True, "dc2": True}
    assert answers(monkeypatch, failure, {"dc2"}) == {"dc1": False, "dc2": True}
