"""How long heartbeats are awaited: no longer than it takes to know who is silent."""

import pytest

from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord
from kafkalert.ops.failover.status.survey import WATCH_SECONDS
from kafkalert.ops.failover.status.watch import Watch
from tests.support.fakes.engine import FakeClock
from tests.unit.ops.failover.status.test_survey import SETTINGS

STEP = 0.125
NAMES = ("dc1", "dc2")


class Heard:
    """Two clusters whose topics are read after a moment, and beats that come at their time on each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, beats: dict[str, dict[str, float | None]]) -> None:
        self.clock = FakeClock()
        self.began = self.clock.monotonic()
        self._beats = beats
        self.watch = Watch(SETTINGS, self.clock)
        monkeypatch.setattr(self.watch.watcher, "wait", self._pass)
        for instance in beats:
            self._beat(instance, "dc1", live=False)

    def _beat(self, instance: str, cluster: str, *, live: bool) -> None:
        beat = HeartbeatRecord(instance, "alerting", "dc1", "running", self.clock.wall)
        assert self.watch.watcher._take(beat, cluster, live=live)

    def _pass(self, _seconds: float) -> None:
        before = self.clock.monotonic() - self.began
        self.clock.pass_by(STEP)
        now = self.clock.monotonic() - self.began
        for name in NAMES:
            self.watch.watcher._read.setdefault(name, self.clock.monotonic())
        for instance, times in self._beats.items():
            for cluster, at in times.items():
                if at is not None and before < at <= now:
                    self._beat(instance, cluster, live=True)

    def waited(self, *, quick: bool) -> float:
        """For how long it was waited."""
        self.watch.await_beats(NAMES, WATCH_SECONDS, quick=quick)
        return self.clock.monotonic() - self.began


@pytest.mark.parametrize(
    ("beats", "quick", "usual"),
    [
        ({"vm-1": {"dc1": 0.5, "dc2": 0.5}}, 0.5, 1.5),
        ({"vm-1": {"dc1": 0.5, "dc2": 0.5}, "vm-2": {"dc1": 0.75, "dc2": 1.0}}, 1.0, 1.5),
        ({"vm-1": {"dc1": 0.5, "dc2": 0.5}, "vm-2": {"dc1": None, "dc2": None}}, 2.125, 2.125),
        ({"vm-1": {"dc1": 0.5, "dc2": None}}, 2.125, 2.125),
        ({}, 1.5, 1.5),
    ],
    ids=["all heard", "two heard", "one silent", "one heard on one cluster alone", "nobody known"],
)
def test_who_looks_quickly_waits_only_for_those_who_are_known(
    monkeypatch: pytest.MonkeyPatch, beats: dict[str, dict[str, float | None]], quick: float, usual: float
) -> None:
    """A beat comes each second: whoever else there might be is heard of within a little more."""
    assert Heard(monkeypatch, beats).waited(quick=True) == quick
    assert Heard(monkeypatch, beats).waited(quick=False) == usual
