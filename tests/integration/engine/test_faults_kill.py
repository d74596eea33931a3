"""Nothing is lost when alerting is killed: by kill -9 at any moment, alone and under its supervisor."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS, workers
from tests.support.data.load import Watch, commits, grows, load, some
from tests.support.pipeline import Pipeline
from tests.support.reading import ENTRIES

pytestmark = pytest.mark.one_cluster


@pytest.fixture
def pipeline(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """A bank's topics, filled, on the shared broker."""
    one = Pipeline(sandbox1.bootstrap(), prefix, tmp_path)
    one.make_topics()
    one.seed()
    yield one
    one.end()


def test_killed_ten_times_under_load(pipeline: Pipeline) -> None:
    """Alerting that is killed ten times loses no alert, keeps order, and never commits too early.

    Nine times the moment is random. The last time alerts are out that nothing is committed of: so they come again.
    """
    random = some(10)
    watch = Watch(pipeline)
    watch.start()
    with load(pipeline, 400, least=2000):
        for _ in range(9):
            alerting = pipeline.alerting()
            moment = random.choice((grows, grows, commits))(pipeline, random.choice((1, 2, 4, 8)))
            assert wait_until(moment, SECONDS, every=0.005), pipeline.said()
            alerting.kill()
        often, pipeline.engine["commit_interval"] = pipeline.engine["commit_interval"], "10m"
        alerting = pipeline.alerting()
        assert wait_until(grows(pipeline, 8), SECONDS, every=0.005), pipeline.said()
        alerting.kill()
        assert _uncommitted(pipeline)
        pipeline.engine["commit_interval"] = often
        pipeline.alerting()
        watch.await_commits(5)
    pipeline.await_processed()
    outputs = pipeline.verify(least=2000)
    assert len(outputs) > len({one.id for one in outputs}), "what was not committed did not come again"
    watch.verify(outputs)


def test_supervisor_replaces_killed_workers_in_two_hop_mode(pipeline: Pipeline) -> None:
    """A supervisor starts killed workers again, says so, and nothing is lost on either hop."""
    pipeline.engine |= {"mode": "two-hop", "batch": 500}
    pipeline.two_hop = True
    watch = Watch(pipeline)
    watch.start()
    with load(pipeline, 200, least=1000):
        supervisor = pipeline.alerting("--workers", "2")
        assert wait_until(grows(pipeline, 200), SECONDS), pipeline.said()
        for victim in (0, 1, 0):
            running = workers(supervisor.pid)
            os.kill(running[victim], signal.SIGKILL)
            assert wait_until(lambda gone=running[victim]: _replaced(supervisor.pid, gone), SECONDS)  # type: ignore[misc]
            assert wait_until(grows(pipeline, 200), SECONDS), pipeline.said()
        watch.await_commits(10)
    pipeline.await_processed()
    assert sum("was killed by SIGKILL; starting it again" in line for line in supervisor.messages()) == 3
    watch.verify(pipeline.verify(least=1000))
    assert supervisor.stop() == 0


def _uncommitted(pipeline: Pipeline) -> set[str]:
    """The alerts whose entries lie behind what the group has committed."""
    client = pipeline.client("kafkalert.alerting")
    committed = pipeline.committed(client, ENTRIES)
    client.close()
    entries: set[str] = set()
    for message in pipeline.read(ENTRIES):
        if int(message.offset() or 0) >= committed[str(message.topic()), int(message.partition() or 0)]:
            headers: dict[str, Any] = dict(message.headers() or ())
            entries.add(headers["ka-id"].decode())
    return {one.id for one in pipeline.outputs() if one.entry in entries}


def _replaced(supervisor: int, gone: int) -> bool:
    now = workers(supervisor)
    return len(now) == 2 and gone not in now
