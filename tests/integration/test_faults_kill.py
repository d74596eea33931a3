"""Nothing is lost when alerting is killed: by kill -9 at random moments, alone and under its supervisor."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.alerting import SECONDS, workers
from tests.load import Watch, commits, grows, load, some
from tests.pipeline import Pipeline

pytestmark = pytest.mark.kafka


@pytest.fixture
def pipeline(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """A bank's topics, filled, on the shared broker."""
    one = Pipeline(sandbox1.bootstrap(), prefix, tmp_path)
    one.make_topics()
    one.seed()
    yield one
    one.end()


def test_killed_ten_times_under_load(pipeline: Pipeline) -> None:
    """Alerting that is killed ten times at random moments loses no alert, keeps order, and never commits too early."""
    random = some(10)
    watch = Watch(pipeline)
    watch.start()
    with load(pipeline, 400):
        for _ in range(10):
            alerting = pipeline.alerting()
            moment = random.choice((grows, grows, commits))(pipeline, random.choice((1, 2, 4, 8)))
            assert wait_until(moment, SECONDS, every=0.005), pipeline.said()
            alerting.kill()
        pipeline.alerting()
    pipeline.await_processed()
    outputs = pipeline.verify(least=2000)
    assert len(outputs) > len({one.id for one in outputs}), "no kill came between an output and its commit"
    watch.verify(outputs, least=5)


def test_supervisor_replaces_killed_workers_in_two_hop_mode(pipeline: Pipeline) -> None:
    """A supervisor starts killed workers again, says so, and nothing is lost on either hop."""
    pipeline.engine |= {"mode": "two-hop", "batch": 500}
    pipeline.two_hop = True
    watch = Watch(pipeline)
    watch.start()
    with load(pipeline, 200):
        supervisor = pipeline.alerting("--workers", "2")
        assert wait_until(grows(pipeline, 200), SECONDS), pipeline.said()
        for victim in (0, 1, 0):
            running = workers(supervisor.pid)
            os.kill(running[victim], signal.SIGKILL)
            assert wait_until(lambda gone=running[victim]: _replaced(supervisor.pid, gone), SECONDS)  # type: ignore[misc]
            assert wait_until(grows(pipeline, 200), SECONDS), pipeline.said()
    pipeline.await_processed()
    assert sum("was killed by SIGKILL; starting it again" in line for line in supervisor.messages()) == 3
    watch.verify(pipeline.verify(least=1000), least=10)
    assert supervisor.stop() == 0


def _replaced(supervisor: int, gone: int) -> bool:
    now = workers(supervisor)
    return len(now) == 2 and gone not in now
