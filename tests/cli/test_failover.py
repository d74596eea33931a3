"""`kafkalert failover`, by the installed command: wrong usage before a cluster is asked, and clusters that are away."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from kafkalert.sandbox.local import Sandbox

Run = Callable[..., CompletedProcess[str]]
# Nobody listens there; whoever asks a cluster ends with 4, and not before some seconds have passed.
TWO = '[clusters.dc1]\nbootstrap = "127.0.0.1:1"\n[clusters.dc2]\nbootstrap = "127.0.0.1:2"\n'
ONE = '[clusters.dc1]\nbootstrap = "127.0.0.1:1"\n'


@pytest.fixture
def two(tmp_path: Path) -> None:
    """A context of two clusters that do not answer."""
    (tmp_path / "kafkalert.toml").write_text(TWO, encoding="utf-8")


@pytest.fixture
def one_cluster(sandbox1: Sandbox, prefix: str) -> str:
    """The configuration of one cluster that answers."""
    context = f'[contexts.test]\nclusters = ["dc1"]\nprefix = "{prefix}"\n'
    return f'[clusters.dc1]\nbootstrap = "{sandbox1.bootstrap()}"\n{context}'


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dry-run"], "--dry-run needs --to."),
        (["--force", "--accept-loss"], "--force needs --to."),
        (["--timeout", "5"], "--timeout needs --to."),
        (["--reason", "why"], "--reason needs --to."),
        (["--yes"], "--yes needs --to."),
        (["--to", "dc2", "--force"], "needs --accept-loss"),
        (["--to", "dc2", "--accept-loss"], "--accept-loss needs --force."),
        (["--to", "dc2", "--overlap", "5"], "--overlap needs --force."),
        (["--to", "dc2", "--force", "--accept-loss", "--timeout", "5"], "--timeout is for the planned switch."),
        (["--to", "dc2", "--timeout", "0"], "--timeout"),
        (["--to", "dc3"], "There is no cluster dc3 in this context."),
        (["--to", "dc2", "history"], "--to stands before history"),
        (["--force", "cancel"], "--force stands before cancel"),
        (["--dry-run", "history"], "--dry-run stands before history"),
        (["--yes", "cancel"], "--yes stands before cancel"),
        (["-o", "json", "history"], "--output stands before history"),
        (["--to", "dc2", "drill"], "--to stands before drill"),
        (["--force", "--accept-loss", "drill", "--yes"], "--force stands before drill"),
        (["--yes", "drill"], "--yes stands before drill"),
        (["drill", "--to", "dc3"], "There is no cluster dc3 in this context."),
        (["drill", "--dry-run"], "No such option"),
        (["drill", "--timeout", "0"], "--timeout"),
        (["history", "--to", "dc2"], "No such option"),
        (["nonsense"], "No such command"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else "",
)
def test_wrong_usage_is_told_before_any_cluster_is_asked(kafkalert: Run, arguments: list[str], said: str) -> None:
    """Exit status 2, one line of what, and nothing on stdout."""
    done = kafkalert("failover", *arguments)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stdout == ""


def test_one_cluster_has_nowhere_to_go(kafkalert: Run, tmp_path: Path) -> None:
    (tmp_path / "kafkalert.toml").write_text(ONE, encoding="utf-8")
    done = kafkalert("failover", "--to", "dc1")
    assert done.returncode == 2
    assert "has one cluster, dc1" in done.stderr


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("arguments", [["--to", "dc2", "--yes"], ["cancel", "--yes"], ["drill", "--yes"]], ids=" ".join)
def test_where_no_cluster_answers_it_ends_with_4_within_10_seconds(kafkalert: Run, arguments: list[str]) -> None:
    began = time.monotonic()
    done = kafkalert("failover", *arguments)
    assert time.monotonic() - began < 10
    assert done.returncode == 4
    assert done.stderr.splitlines()[-2] == "Error: Neither dc1 (127.0.0.1:1) nor dc2 (127.0.0.1:2) answers."
    assert done.stdout == ""


def test_completion_knows_the_clusters(kafkalert: Run, tmp_path: Path) -> None:
    (tmp_path / "kafkalert.toml").write_text(TWO, encoding="utf-8")
    words = {"COMP_WORDS": "kafkalert failover --to d", "COMP_CWORD": "3", "_KAFKALERT_COMPLETE": "complete_bash"}
    assert kafkalert(env=words).stdout.split() == ["dc1", "dc2"]


@pytest.mark.one_cluster
def test_one_cluster_shows_where_things_run(kafkalert: Run, tmp_path: Path, one_cluster: str) -> None:
    """Without a second cluster there is nothing to switch, but what is can be seen; topics need not be there yet."""
    (tmp_path / "kafkalert.toml").write_text(one_cluster, encoding="utf-8")
    done = kafkalert("failover", "-o", "json")
    assert done.returncode == 3, "no alerting runs"
    found = json.loads(done.stdout)
    assert (found["version"], found["active"], found["epoch"], found["pending"]) == (1, "dc1", 0, None)
    assert found["instances"] == found["flows"] == []
    cancel = kafkalert("failover", "cancel", "--yes")
    assert cancel.returncode == 5
    assert "No switch is under way." in cancel.stderr
