"""How the bridge goes through its lines, without a broker."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from unittest.mock import Mock

import pytest

from kafkalert.edges.source import BadLine
from kafkalert.engine.active import ActiveCluster
from kafkalert.engine.clock import SystemClock
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.engine.sources import runner
from kafkalert.engine.stopping import Stopping
from kafkalert.sandbox.process import wait_until
from kafkalert.stages import bridge as stage
from kafkalert.stages.bridge import Bridge, BridgeOptions, Pace, _send_all
from tests.support.fakes.control import SETTINGS, FakeDelivery, FakeLog, planned
from tests.support.fakes.engine import FakeClock, FakeWaiting


def bad_lines(count: int) -> Iterator[BadLine]:
    return (BadLine(number, "not JSON") for number in range(1, count + 1))


def test_bad_lines_keep_nobody_waiting() -> None:
    """Among many a switch is answered, and a stop is heard: each looks."""
    clock = FakeClock()
    stopping = FakeWaiting(clock)
    delivery = Mock()

    def poll() -> None:
        if delivery.poll.call_count == 4:
            stopping.stop()

    delivery.poll.side_effect = poll
    told: list[BadLine] = []
    bridge = Bridge("accountentry", Mock(), delivery, Metrics())
    assert _send_all(bridge, bad_lines(1000), Pace(None, clock, stopping), stopping, told.append) == 3
    assert [one.number for one in told] == [1, 2, 3]


@pytest.mark.parametrize("make", [Path.touch, os.mkfifo], ids=["file", "named pipe"])
def test_a_bridge_that_sends_nothing_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None]
) -> None:
    """While it stands still for a switch, and while it is held, it says so; afterwards it is ready again.

    Nothing comes in meanwhile: the file is empty, and nobody writes to the pipe.
    """
    log = FakeLog.instead(monkeypatch)
    asked: list[Callable[[], bool]] = []
    for name in ("start", "close"):
        monkeypatch.setattr(ActiveCluster, name, lambda _: None)
    monkeypatch.setattr("kafkalert.engine.sources.delivery.Delivery", FakeDelivery)
    monkeypatch.setattr(runner, "Heartbeat", Mock())
    monkeypatch.setattr(runner, "topic_ids", Mock())
    monkeypatch.setattr("kafkalert.engine.sources.runner.health.serve", lambda *_, ready, **__: asked.append(ready))
    path = tmp_path / "entries"
    make(path)
    clock = SystemClock()
    stopping = Stopping(clock)
    options = BridgeOptions(str(path), follow=True, http_port=1)
    running = Thread(target=lambda: stage._run(SETTINGS, options, Mock(), clock, stopping), daemon=True)
    running.start()
    try:
        assert wait_until(lambda: bool(asked) and asked[0](), 30)
        (ready,) = asked
        log.read("dc1", planned(1, "dc2", "PREPARE"))
        assert wait_until(lambda: not ready(), 30)
        log.read("dc1", planned(1, "dc2", "COMMIT"))
        assert wait_until(ready, 30)
        log.is_fresh = False
        assert wait_until(lambda: not ready(), 30)
    finally:
        stopping.stop()
        running.join(30)
    assert not running.is_alive()
