"""A cluster that this command alone does not reach is no dead one: force is refused, and the cause comes first."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest

from kafkalert.config.sections import Settings
from kafkalert.errors import RefusedError
from kafkalert.ops.failover.status.findings import judged
from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord
from kafkalert.ops.failover.status.instances import InstanceWatcher, WatchedInstance
from kafkalert.ops.failover.status.picture import ClusterSeen
from kafkalert.ops.failover.switch.alive_elsewhere import check_unreached, reaching
from kafkalert.ops.failover.switch.checks import check_planned
from tests.support.data.picture import SURVEY
from tests.support.fakes.engine import FakeClock


def reported(instance: str, *, taken: dict[str, int], arrived: float = 100.0, turned: int = 0) -> WatchedInstance:
    """An instance that works on dc1, was heard on dc2 at `arrived`, and says how long ago each cluster took a beat."""
    beat = HeartbeatRecord(instance, "alerting", "dc1", "running", 0, taken_ms_ago=taken, loop_turned_ms_ago=turned)
    return WatchedInstance(beat, {"dc2": arrived})


def test_a_cluster_that_takes_heartbeats_is_alive() -> None:
    """An instance that is silent itself tells nothing, nor one whose last beat there is old."""
    members = [
        reported("a", taken={"dc1": 900, "dc2": 100}),
        reported("b", taken={"dc1": 9000, "dc2": 100}),
        reported("c", taken={"dc1": 900}, arrived=50.0),
        reported("d", taken={}),
        reported("stuck", taken={"dc1": 900}, turned=60_000),
    ]
    assert reaching(members, "dc1", 101.0) == ["a", "stuck"]


class _Watcher:
    """A watcher whose members grow old, or not."""

    def __init__(self, members: Callable[[], list[WatchedInstance]], clock: FakeClock) -> None:
        self._members, self._clock = members, clock

    def members(self) -> dict[str, WatchedInstance]:
        return {one.beat.instance: one for one in self._members()}

    def wait(self, seconds: float) -> None:
        self._clock.pass_by(seconds)


def test_force_is_refused_while_stages_reach_the_old_cluster() -> None:
    """As where this command alone has a wrong password; the hint says what to mend, not how to lose records."""
    clock = FakeClock()
    watcher = _Watcher(lambda: [reported("a", taken={"dc1": 500}, arrived=clock.monotonic())], clock)
    with pytest.raises(RefusedError, match=r"dc1 is alive: it takes heartbeats of 1 instance \(a\)") as refused:
        check_unreached(cast("InstanceWatcher", watcher), "dc1", clock)
    assert "--force" not in refused.value.hint


def test_a_cluster_that_has_just_died_is_not_called_alive() -> None:
    """What its stages heard of it grows old while it is waited for."""
    clock = FakeClock()
    died = clock.monotonic()

    def grown() -> list[WatchedInstance]:
        now = clock.monotonic()
        return [reported("a", taken={"dc1": round((now - died) * 1000)}, arrived=now)]

    check_unreached(cast("InstanceWatcher", _Watcher(grown, clock)), "dc1", clock)
    assert clock.monotonic() - died < 4


@pytest.mark.parametrize("name", ["dc1", "dc2"])
def test_a_cause_that_is_known_comes_before_any_switch(name: str) -> None:
    """A wrong password is mended, not answered with a forced switch."""
    kept_out = ClusterSeen(name, answers=False, control=False, detail=f"{name} refuses this.", hint="Check sasl.*")
    clusters = tuple(kept_out if one.name == name else one for one in SURVEY.clusters)
    with pytest.raises(RefusedError, match=f"{name} refuses this. A planned switch needs both") as refused:
        check_planned(cast("Settings", None), replace(SURVEY, clusters=clusters), "dc2")
    assert refused.value.hint == "Check sasl.*"
    (told,) = [one.text for one in judged(replace(SURVEY, clusters=clusters)).findings if name in one.text]
    assert told.startswith(f"{name} refuses this.")
    assert "--force" not in told
