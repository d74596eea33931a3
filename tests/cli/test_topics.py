"""`kafkalert topics`, by the installed command, on a real broker."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from kafkalert.sandbox.local import Sandbox

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture
def configured(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Callable[..., None]:
    """Writes a kafkalert.toml for topics of the test's own; `configured(partitions=2)` sets what is under [topics]."""

    def write(**topics: object) -> None:
        lines = [f"{name} = {json.dumps(value)}" for name, value in topics.items()]
        (tmp_path / "kafkalert.toml").write_text(
            f'[clusters.dc1]\nbootstrap = "{sandbox1.bootstrap()}"\n[contexts.test]\nclusters = ["dc1"]\n'
            f'prefix = "{prefix}"\n[topics]\n' + "\n".join(lines),
            encoding="utf-8",
        )

    return write


def states(done: CompletedProcess[str]) -> dict[str, str]:
    """Each topic's state, from JSON."""
    return {row["topic"]: row["state"] for row in json.loads(done.stdout)}


@pytest.mark.one_cluster
def test_apply_makes_what_plan_lacks(kafkalert: Run, configured: Callable[..., None], prefix: str) -> None:
    """From nothing to order: plan says drift, apply asks and creates, plan is content, a second apply has no work."""
    configured()
    before = kafkalert("topics", "plan", "-o", "json")
    assert before.returncode == 3
    assert set(states(before).values()) == {"missing"}
    unasked = kafkalert("topics", "apply")
    assert unasked.returncode == 5
    assert f"create {prefix}accountentry on dc1: 4 partitions, replication 1, kept for 7d" in unasked.stderr
    assert kafkalert("topics", "apply", "--yes").returncode == 0
    after = kafkalert("topics", "plan", "-o", "json")
    assert after.returncode == 0
    assert set(states(after).values()) == {"in order"}
    assert len(states(after)) == 13
    assert "nothing to change" in kafkalert("topics", "apply").stderr


@pytest.mark.one_cluster
def test_apply_corrects_configurations(kafkalert: Run, configured: Callable[..., None], prefix: str) -> None:
    """Another retention in the configuration is drift, is told in words, and is mended."""
    configured()
    assert kafkalert("topics", "apply", "-y").returncode == 0
    configured(retention="1d")
    drift = kafkalert("topics", "plan")
    assert drift.returncode == 3
    assert "retention.ms is 604800000 (7d), 86400000 (1d) wanted" in drift.stdout
    done = kafkalert("topics", "apply", "-y", "-o", "json")
    assert done.returncode == 0
    assert f"change {prefix}accountentry on dc1: retention.ms from 604800000 (7d) to 86400000 (1d)" in done.stderr
    assert kafkalert("topics", "plan").returncode == 0


@pytest.mark.one_cluster
def test_keyed_topics_keep_their_partitions(kafkalert: Run, configured: Callable[..., None], prefix: str) -> None:
    """More partitions: what has no order gets them, what is keyed is refused with 5 and stays; fewer is drift."""
    configured(partitions=2)
    assert kafkalert("topics", "apply", "-y").returncode == 0
    configured(partitions=3)
    done = kafkalert("topics", "apply", "-y", "-o", "json")
    assert done.returncode == 5
    assert f"Error: {prefix}accountentry on dc1 has 2 partitions and should have 3" in done.stderr
    found = states(done)
    assert found[f"{prefix}kafkalert.deadletter"] == "in order"
    assert found[f"{prefix}accountentry"] == "differs"
    configured(partitions=1)
    fewer = kafkalert("topics", "apply", "-y")
    assert fewer.returncode == 3
    assert "2 partitions, 1 wanted; apply cannot remove any" in fewer.stdout
    assert "There is nothing that apply can correct." in fewer.stderr
    assert fewer.stderr.endswith(
        "13 topics: 11 not in order. `kafkalert topics apply` corrects 0 and cannot correct 11.\n"
    )


@pytest.mark.one_cluster
def test_all_clusters_of_the_context_are_looked_at(
    kafkalert: Run, configured: Callable[..., None], tmp_path: Path
) -> None:
    """Without --cluster both are planned and made; with it one. What somebody else just made is no error."""
    configured()
    file = tmp_path / "kafkalert.toml"
    one = file.read_text(encoding="utf-8")
    # The same broker under two names: the second name finds each topic made by the first.
    second = one.partition("[contexts")[0].replace("dc1", "dc2").replace("127.0.0.1", "localhost")
    twice = one.replace('clusters = ["dc1"]', 'clusters = ["dc1", "dc2"]')
    file.write_text(twice + second, encoding="utf-8")
    found = json.loads(kafkalert("topics", "plan", "-o", "json").stdout)
    assert [row["cluster"] for row in found] == ["dc1"] * 13 + ["dc2"] * 13
    found = json.loads(kafkalert("topics", "plan", "--cluster", "dc2", "-o", "json").stdout)
    assert [row["cluster"] for row in found] == ["dc2"] * 13
    done = kafkalert("topics", "apply", "--yes", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert [row["state"] for row in json.loads(done.stdout)] == ["in order"] * 26


@pytest.mark.one_cluster
def test_more_replicas_than_brokers_is_wrong_configuration(kafkalert: Run, configured: Callable[..., None]) -> None:
    """One broker cannot hold three replicas: 2, and what to correct."""
    configured(replication=3)
    done = kafkalert("topics", "apply", "-y")
    assert done.returncode == 2
    assert "fewer brokers than replicas" in done.stderr
    assert "Hint: Set replication" in done.stderr


@pytest.mark.one_cluster
def test_read_only_changes_nothing(kafkalert: Run, configured: Callable[..., None]) -> None:
    """With --read-only, --yes does not help."""
    configured()
    assert kafkalert("topics", "apply", "--yes", "--read-only").returncode == 5
    assert set(states(kafkalert("topics", "plan", "-o", "json")).values()) == {"missing"}


def test_no_broker_is_told(kafkalert: Run, tmp_path: Path) -> None:
    """A cluster that is away: 4, a line of what and a line of what to do."""
    (tmp_path / "kafkalert.toml").write_text('[clusters.dc1]\nbootstrap = "127.0.0.1:9"\n', encoding="utf-8")
    done = kafkalert("topics", "apply", "--yes")
    assert done.returncode == 4
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["Error", "Hint"]


def test_an_unknown_cluster_is_wrong_usage(kafkalert: Run, tmp_path: Path) -> None:
    """--cluster takes clusters of the context; no broker is asked."""
    (tmp_path / "kafkalert.toml").write_text('[clusters.dc1]\nbootstrap = "127.0.0.1:9"\n', encoding="utf-8")
    done = kafkalert("topics", "plan", "--cluster", "dc3")
    assert done.returncode == 2
    assert "There is no cluster dc3 in this context." in done.stderr
