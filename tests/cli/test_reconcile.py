"""`kafkalert failover reconcile`, by the installed command: wrong usage before a cluster is asked, clusters away."""

import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]
ONE = '[clusters.dc1]\nbootstrap = "127.0.0.1:1"\n'
TWO = ONE + '[clusters.dc2]\nbootstrap = "127.0.0.1:2"\n'


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["reconcile"], "--from"),
        (["reconcile", "--from", "dc3"], "There is no cluster dc3 in this context."),
        (["reconcile", "--from", "dc1", "--timeout", "0"], "--timeout"),
        (["reconcile", "--from", "dc1", "--force"], "No such option"),
        (["--to", "dc2", "reconcile", "--from", "dc1"], "--to stands before reconcile"),
        (["--dry-run", "reconcile", "--from", "dc1"], "--dry-run stands before reconcile"),
        (["--yes", "reconcile", "--from", "dc1"], "--yes stands before reconcile"),
    ],
)
def test_wrong_usage_ends_with_2_before_any_cluster_is_asked(
    tmp_path: Path, kafkalert: Run, arguments: list[str], said: str
) -> None:
    """And says what is wrong."""
    (tmp_path / "kafkalert.toml").write_text(TWO, encoding="utf-8")
    done = kafkalert("failover", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_one_cluster_has_nothing_to_return_to(tmp_path: Path, kafkalert: Run) -> None:
    """A context of one cluster."""
    (tmp_path / "kafkalert.toml").write_text(ONE, encoding="utf-8")
    done = kafkalert("failover", "reconcile", "--from", "dc1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "one cluster" in done.stderr


def test_clusters_that_are_away_end_it_with_4_in_time(tmp_path: Path, kafkalert: Run) -> None:
    """Neither of them answers."""
    (tmp_path / "kafkalert.toml").write_text(TWO, encoding="utf-8")
    began = time.monotonic()
    done = kafkalert("failover", "reconcile", "--from", "dc1", "--dry-run")
    assert (done.returncode, done.stdout) == (4, "")
    assert time.monotonic() - began < 10
