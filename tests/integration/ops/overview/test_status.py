"""`kafkalert status` on two real clusters: all well, alerting killed, a cluster that is dead or hangs."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kafkalert.config.loading.load import load
from kafkalert.ops.failover.status.survey import look
from kafkalert.ops.overview.status import Status, look_at
from kafkalert.ops.overview.verdict import Level, verdict
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.twin import Twin, twins

pytestmark = pytest.mark.two_clusters


@pytest.fixture
def bank(sandbox2: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Twin]:
    """The test's own bank on both clusters."""
    with twins(sandbox2, prefix, tmp_path / "twin") as make:
        yield make()


@pytest.fixture
def hung() -> Iterator[str]:
    """The address of something that takes connections and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def shown(bank: Twin, command: str, status: int) -> dict[str, Any]:
    """What a command prints as JSON, which ends with this status."""
    done = bank.command(command, "-o", "json")
    assert done.returncode == status, f"{done.stdout}\n{done.stderr}\n{bank.said()}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def at_config(bank: Twin, **bootstrap: str) -> Status:
    """What is seen by somebody for whom a cluster is somewhere else."""
    return look_at(load(bank.config("elsewhere.toml", **bootstrap)))


def test_the_verdict_is_that_of_what_was_done_to_it(bank: Twin, hung: str) -> None:
    """By both commands alike: `status` and bare `failover` say the same, and end the same."""
    stage = bank.alerting()
    bank.await_running(stage, on="dc1")
    bank.dc1.send(200)
    bank.dc1.await_processed()
    settings = load(bank.path)
    assert wait_until(lambda: verdict(look(settings)).level is Level.ALL_WELL, SECONDS), look(settings).notes
    well = shown(bank, "status", 0)
    assert (well["version"], well["level"], well["verdict"], well["active"]) == (1, "ALL WELL", "ok", "dc1")
    assert "A planned switch would work." in well["sentence"]
    assert [(one["stage"], one["state"], one["waiting"]) for one in well["instances"]] == [("alerting", "running", 0)]
    assert {(one["state"], one["lag_records"]) for one in well["flows"]} == {("running", 0)}
    for one in well["clusters"]:
        assert (one["health"]["brokers"], one["health"]["offline"], one["health"]["under_replicated"]) == (1, 0, 0)
        assert one["health"]["partitions"] > 20

    for away in ("127.0.0.1:1", hung):
        began = time.monotonic()
        passive = at_config(bank, dc2=away)
        assert time.monotonic() - began < 10, "3.2 s where there is nothing else to do"
        assert (passive.level, passive.verdict) == (Level.ACT, "unreachable")
        assert passive.sentence == "dc2 does not answer. Stages stay on dc1; none can start."
        assert {one.state for one in passive.flows or ()} == {None}
        assert [one.state for one in passive.instances or ()] == ["running"], "dc1 tells of it"
        active = at_config(bank, dc1=away)
        assert (active.level, active.verdict) == (Level.ACT, "unreachable")
        assert active.sentence.startswith(
            "dc1 is the active cluster and does not answer. `kafkalert failover --to dc2 "
        )
        assert [(one.presence, one.state, one.waiting) for one in active.instances or ()] == [("alive", None, None)]
        assert active.groups is None

    stage.kill()
    for command in ("status", "failover"):
        found = shown(bank, command, 3)
        assert (found["level"], found["verdict"]) == ("ACT", "not ok")
        assert found["sentence"].startswith("No alerts are sent: ")
        assert [one["presence"] for one in found["instances"]] == ["silent"]
