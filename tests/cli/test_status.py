"""`kafkalert status`, by the installed command: wrong usage, clusters that are away, and alerting that is killed."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from kafkalert.ops.overview.status import Status
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.pipeline import Pipeline, pipelines

Run = Callable[..., CompletedProcess[str]]
TWO = '[clusters.dc1]\nbootstrap = "127.0.0.1:1"\n[clusters.dc2]\nbootstrap = "127.0.0.1:2"\n'
KEYS = [field.name for field in fields(Status)]


@pytest.fixture
def two(tmp_path: Path) -> None:
    """A context of two clusters that do not answer."""
    (tmp_path / "kafkalert.toml").write_text(TWO, encoding="utf-8")


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["2"], "The seconds between two looks need -w."),
        (["-w", "0.1"], "from 0.5 s to 3600 s"),
        (["-w", "soon"], '"soon" is no duration'),
        (["-w", "-o", "tsv"], "-w writes no tsv."),
        (["-w", "1", "2"], "unexpected extra argument"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else "",
)
def test_wrong_usage_is_told_before_any_cluster_is_asked(kafkalert: Run, arguments: list[str], said: str) -> None:
    done = kafkalert("status", *arguments)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stdout == ""


@pytest.mark.usefixtures("two")
def test_where_no_cluster_answers_it_ends_with_4_within_10_seconds(kafkalert: Run) -> None:
    began = time.monotonic()
    done = kafkalert("status")
    assert time.monotonic() - began < 10
    assert done.returncode == 4
    assert done.stderr.splitlines()[-2] == "Error: Neither dc1 (127.0.0.1:1) nor dc2 (127.0.0.1:2) answers."
    assert done.stdout == ""


@pytest.mark.usefixtures("two")
def test_whoever_watches_is_told_too_and_ends_it_with_ctrl_c(tmp_path: Path, environment: dict[str, str]) -> None:
    """With status 0: he has seen what he wanted to."""
    command = ["kafkalert", "status", "-w", "-o", "json"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert (found["level"], found["active"], found["instances"]) == ("ACT", None, None)
    assert found["sentence"] == ("Neither dc1 (127.0.0.1:1) nor dc2 (127.0.0.1:2) answers. Look at your network first.")
    assert list(found) == KEYS


@pytest.fixture
def bank(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """Topics and tables of one cluster; the configuration is where the command looks for it."""
    with pipelines(sandbox1.bootstrap(), prefix, tmp_path) as make:
        one = make()
        one.config()
        yield one


@pytest.mark.one_cluster
def test_a_killed_alerting_is_a_reason_to_act(kafkalert: Run, bank: Pipeline) -> None:
    """All is well before; without a second cluster nothing is said of switches and mirrors."""
    stage = bank.alerting()
    wait_until(lambda: kafkalert("status", "-o", "json").returncode == 0, SECONDS)
    done = kafkalert("status", "-o", "json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["level"]) == (0, "ALL WELL"), f"{done.stdout}\n{bank.said()}"
    assert list(found) == KEYS
    assert found["sentence"] == "Alerting waits for bookings; none comes in now."
    assert (found["flows"], found["clusters"][0]["health"]["offline"]) == ([], 0)
    stage.kill()
    for command in ("status", "failover"):
        killed = kafkalert(command)
        assert killed.returncode == 3
        assert killed.stdout.startswith("ACT  No alerts are sent: ")
