"""What a dashboard shows, on two real clusters: the verdict, within seconds; and what it has done for the operator."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest

from kafkalert.config.loading.load import load
from kafkalert.ops.overview.overview import Overview
from kafkalert.ops.overview.snapshot import Snapshot
from kafkalert.ops.overview.verdict import Level
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from kafkalert.tui.doing import Doing
from tests.support.alerting import SECONDS
from tests.support.twin import Twin, twins

pytestmark = pytest.mark.two_clusters
DASHBOARD = """
import sys
from kafkalert.tui.doing import Doing
doing = Doing(sys.argv[1:3], sys.argv[3:])
print("begun", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def bank(sandbox2: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Twin]:
    """The test's own bank on both clusters."""
    with twins(sandbox2, prefix, tmp_path / "twin") as make:
        yield make()


def await_snapshot(overview: Overview, what: Callable[[Snapshot], object], seconds: float = SECONDS) -> Snapshot:
    """The first snapshot of which that is so."""
    seen: list[Snapshot] = []

    def so() -> bool:
        seen[:] = [overview.newest]
        return bool(what(seen[0]))

    assert wait_until(so, seconds, every=0.05), (seen[0].judgement, seen[0].changes)
    return seen[0]


def test_the_verdict_follows_what_happens(bank: Twin) -> None:
    """All is well; a switch is seen; a kill is told within 5 s."""
    stage, bridge = bank.alerting(), bank.bridge()
    bank.await_running(stage, bridge, on="dc1")
    with Overview(load(bank.path)) as overview:
        assert overview.newest.judgement.level is Level.LOADING
        with bank.feed(100):
            flowing = await_snapshot(
                overview,
                lambda now: now.judgement.level is Level.ALL_WELL and "become" in now.judgement.sentence,
            )
            assert flowing.partitions
            assert sum(filter(None, flowing.window.bookings)) > 0
            bank.switch("dc2")
            moved = await_snapshot(overview, lambda now: now.moving is not None and now.moving.outcome == "COMMIT")
            assert moved.moving is not None
            assert (moved.moving.source, moved.moving.target) == ("dc1", "dc2")
            await_snapshot(overview, lambda now: now.survey is not None and now.survey.active == "dc2")
            await_snapshot(
                overview, lambda now: any(track.paused for track in now.moving.tracks) if now.moving else False
            )
        await_snapshot(overview, lambda now: now.judgement.level is Level.ALL_WELL)
        stage.kill()
        killed = await_snapshot(overview, lambda now: now.judgement.level is Level.ACT, 5)
        assert "No alerts are sent" in killed.judgement.sentence
        assert any("is silent" in change.text for change in killed.changes)
        assert any("moved to dc2" in change.text for change in killed.changes)


def test_a_switch_of_the_dashboard_is_called_off_as_by_ctrl_c(bank: Twin) -> None:
    """Before PREPARE nothing was begun; behind it ABORT is written, also when the dashboard was killed."""
    stage = bank.alerting()
    bank.await_running(stage, on="dc1")
    common, order = ["--config", str(bank.path)], ["failover", "--to", "dc2", "--yes"]
    early = Doing(common, order)
    assert wait_until(lambda: len(early.lines) > 0, SECONDS, every=0.01)
    early.interrupt()
    assert wait_until(lambda: early.status is not None, SECONDS, every=0.05)
    assert early.status == 130, list(early.lines)
    assert (bank.log.view().active, bank.log.view().history) == ("dc1", ())

    stage.send(signal.SIGSTOP)  # so that a switch has to wait for it
    try:
        late = Doing(common, order)
        bank.await_event(lambda event: (event.epoch, event.event) == (1, "PREPARE"))
        late.interrupt()
        bank.await_event(lambda event: (event.epoch, event.event) == (1, "ABORT"))
        assert wait_until(lambda: late.status is not None, SECONDS, every=0.05)
        assert late.status == 130, list(late.lines)

        with subprocess.Popen(
            [sys.executable, "-c", DASHBOARD, *common, *order], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as dashboard:
            bank.await_event(lambda event: (event.epoch, event.event) == (2, "PREPARE"))
            os.kill(dashboard.pid, signal.SIGKILL)
            began = monotonic()
            bank.await_event(lambda event: (event.epoch, event.event) == (2, "ABORT"))
            assert monotonic() - began < 5, "by its child, and not once its time was over"
    finally:
        stage.send(signal.SIGCONT)
    bank.await_running(stage, on="dc1")
    assert bank.log.view().active == "dc1"
