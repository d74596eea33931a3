"""`kafkalert failover` on two real clusters without mirror or instances: what is pending, cancelled, and forced."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from kafkalert.bus.control.event import Event
from kafkalert.bus.control.log import ControlLog
from kafkalert.config.sections import Cluster
from kafkalert.sandbox.local import Sandbox

pytestmark = pytest.mark.two_clusters

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture
def other(own_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """A cluster of the test's own: dc1, the home cluster, which may be killed."""
    return own_sandbox()


@pytest.fixture
def control(other: Sandbox, sandbox1: Sandbox, prefix: str, tmp_path: Path, kafkalert: Run) -> Iterator[ControlLog]:
    """The control log of a context of dc1 (this test's) and dc2 (the shared one), whose topics are there."""
    address = {"dc1": other.bootstrap(), "dc2": sandbox1.bootstrap()}
    lines = [f'[clusters.{name}]\nbootstrap = "{where}"' for name, where in address.items()]
    context = f'[contexts.test]\nclusters = ["dc1", "dc2"]\nprefix = "{prefix}"\n'
    (tmp_path / "kafkalert.toml").write_text("\n".join([*lines, context]), encoding="utf-8")
    done = kafkalert("topics", "apply", "--yes")
    assert done.returncode == 0, done.stderr
    clusters = [Cluster(name=name, bootstrap=where) for name, where in address.items()]
    log = ControlLog(clusters, f"{prefix}kafkalert.control", home="dc1", by="test")
    yield log  # it only writes
    log.close()


def prepare(control: ControlLog, epoch: int) -> None:
    """Somebody begins a switch and is never heard of again."""
    now = time.time_ns() // 1_000_000
    by = "ann@ops\x1b[2J"
    event = Event(epoch, f"id-{epoch}", "PREPARE", "planned", "dc1", "dc2", by, now, "", {"timeoutSeconds": 600.0})
    assert control.write("dc1", event, 10)


def found(done: CompletedProcess[str]) -> Any:  # noqa: ANN401 - whatever a command prints
    """What a command put out."""
    return json.loads(done.stdout)


def test_pending_called_off_and_then_forced(kafkalert: Run, control: ControlLog, other: Sandbox) -> None:
    """Each state is told, and refused by name where it forbids something; a dead cluster is left by force alone."""
    prepare(control, 1)
    pending = found(kafkalert("failover", "-o", "json"))["pending"]
    assert (pending["epoch"], pending["source"], pending["target"]) == (1, "dc1", "dc2")
    refused = kafkalert("failover", "--to", "dc2", "--yes")
    assert refused.returncode == 5
    assert "Error: A switch from dc1 to dc2 is under way: ann@ops\\x1b[2J, at " in refused.stderr
    ended = kafkalert("failover", "cancel", "--yes", "--reason", "wrong night", "-o", "json")
    assert ended.returncode == 0, ended.stderr
    assert (found(ended)["outcome"], found(ended)["epoch"]) == ("ABORT", 1)
    mirrorless = kafkalert("failover", "--to", "dc2", "--yes")
    assert mirrorless.returncode == 5
    assert "Whether the mirror runs is not known" in mirrorless.stderr

    prepare(control, 2)
    other.kill("dc1")
    assert kafkalert("failover", "cancel", "--yes").returncode == 4, "its log decides"
    away = kafkalert("tail", "email")
    assert away.returncode == 4
    assert "Cluster dc1" in away.stderr
    force = ("failover", "--to", "dc2", "--force", "--accept-loss")
    began = time.monotonic()
    forced = kafkalert(*force, "--yes", "--reason", "dc1 burnt", "-o", "json")
    assert time.monotonic() - began < 30
    assert forced.returncode == 1, "the flow could not be stopped, and somebody has to do it"
    result = found(forced)
    assert (result["outcome"], result["active"], result["mode"]) == ("switched", "dc2", "forced")
    assert "Before dc1 returns: start the worker beside dc2, and repeat this command" in result["problems"][0]
    shown = kafkalert("failover")
    assert shown.returncode == 4, "a cluster does not answer"
    assert "active: dc2, epoch 2, forced" in shown.stdout, "PREPARE of epoch 2 is on dc1 alone"
    assert "dc1 does not answer. Stages stay on dc2" in shown.stdout
    assert kafkalert("tail", "email").returncode == 0, "it shows the cluster on which stages run"
    row = '{"key": {"id": "A1"}, "value": {"customerIds": [{"id": "C1"}]}}'
    seeded = kafkalert("seed", "authorisations", "-", "--yes", "-o", "json", stdin=row)
    assert (seeded.returncode, found(seeded)[0]["cluster"]) == (0, "dc2"), seeded.stderr
    past = found(kafkalert("failover", "history", "-o", "json"))
    assert past[-1]["reason"] == "dc1 burnt"
    assert [one["mode"] for one in past if one["outcome"] == "switched"] == ["forced"]

    stay = kafkalert(*force, "--yes", "--reason", "stages have to start", "-o", "json")
    assert stay.returncode == 1, "the flow that the forced switch left running is to be stopped, and still cannot be"
    assert "say that stages run on dc2 without dc1" in stay.stderr
    result = found(stay)
    assert "and repeat this command" in result["problems"][0]
    assert (result["outcome"], result["source"], result["active"], result["epoch"]) == ("switched", "dc1", "dc2", 3)
    assert list(result["steps"]) == ["stop the flow", "commit", "stages run"], "no group is moved"
    assert "active: dc2, epoch 3, forced" in kafkalert("failover").stdout
    refused = kafkalert("failover", "--to", "dc2", "--yes")
    assert refused.returncode == 5, "a planned switch does not stay"
