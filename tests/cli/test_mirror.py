"""`kafkalert mirror` by the installed command, as far as no cluster is needed."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]

TWO = """\
[clusters.dc1]
bootstrap = "127.0.0.1:1"
connect = "http://127.0.0.1:2"
[clusters.dc1.kafka]
security.protocol = "SASL_PLAINTEXT"
sasl.mechanism = "PLAIN"
sasl.username = "me"
sasl.password = {env = "DC1_PASSWORD"}
client.id = "x"
[clusters.dc2]
bootstrap = "127.0.0.1:3"
connect = "http://127.0.0.1:4"
[clusters.dc2.kafka]
ssl.cipher.suites = "DEFAULT"
"""
PASSWORD = {"DC1_PASSWORD": "geheim"}


@pytest.fixture
def two(tmp_path: Path) -> None:
    (tmp_path / "kafkalert.toml").write_text(TWO + '[contexts.test]\nclusters = ["dc1", "dc2"]\nunmask = true\n')


@pytest.mark.usefixtures("two")
def test_config_prints_files_as_they_are_used(kafkalert: Run) -> None:
    """Properties for workers, JSON for POST /connectors; a secret is a reference; what is not translated is said."""
    worker = kafkalert("mirror", "config", "--into", "dc1", "--worker", env=PASSWORD)
    assert worker.returncode == 0, worker.stderr
    lines = [line for line in worker.stdout.splitlines() if not line.startswith("#")]
    assert "bootstrap.servers=127.0.0.1:1" in lines
    assert {"config.providers=env", "config.providers.env.param.allowlist.pattern=DC1_PASSWORD"} <= set(lines)
    assert any(line.startswith("producer.sasl.jaas.config=") and "${env:DC1_PASSWORD}" in line for line in lines)
    connector = json.loads(kafkalert("mirror", "config", "--into", "dc2", "--connector", env=PASSWORD).stdout)
    assert connector["name"] == connector["config"]["name"] == "mirror-dc1-to-dc2"
    assert "${env:DC1_PASSWORD}" in connector["config"]["source.cluster.sasl.jaas.config"]
    both = json.loads(kafkalert("mirror", "config", "-o", "json", env=PASSWORD).stdout)
    assert [(one["source"], one["target"], one["name"]) for one in both] == [
        ("dc1", "dc2", "mirror-dc1-to-dc2"),
        ("dc2", "dc1", "mirror-dc2-to-dc1"),
    ]
    assert list(both[0]) == ["source", "target", "name", "worker", "connector"]
    assert "geheim" not in worker.stdout + worker.stderr + json.dumps(both)
    assert "[clusters.dc2.kafka] has properties without a counterpart" in worker.stderr
    assert "ssl.cipher.suites" in worker.stderr
    assert "[clusters.dc1.kafka] tunes kafkalert's own clients, not the mirror's: client.id." in worker.stderr


@pytest.mark.usefixtures("two")
def test_secrets_are_written_out_only_with_the_permission(kafkalert: Run, tmp_path: Path) -> None:
    """And logged."""
    done = kafkalert("mirror", "config", "--into", "dc1", "--worker", "--unmask", env=PASSWORD)
    assert done.returncode == 0
    assert 'password="geheim"' in done.stdout
    assert "Secrets are shown in clear; this was logged" in done.stderr
    (tmp_path / "kafkalert.toml").write_text(TWO)
    refused = kafkalert("mirror", "config", "--unmask", env=PASSWORD)
    assert (refused.returncode, refused.stdout) == (5, "")
    assert "geheim" not in refused.stderr


def test_a_mirror_takes_two_clusters_and_a_worker(kafkalert: Run, tmp_path: Path) -> None:
    """Wrong usage and configuration are status 2, before anything is asked."""
    one = '[clusters.dc1]\nbootstrap = "127.0.0.1:1"\n'
    (tmp_path / "kafkalert.toml").write_text(one)
    for command in ("config", "apply", "status"):
        done = kafkalert("mirror", command)
        assert (done.returncode, done.stdout) == (2, "")
        assert "Context default has one cluster, so there is no mirror." in done.stderr
    (tmp_path / "kafkalert.toml").write_text(one + '[clusters.dc2]\nbootstrap = "127.0.0.1:3"\n')
    for command in ("apply", "status"):
        done = kafkalert("mirror", command)
        assert done.returncode == 2
        assert "Cluster dc2 has no Connect worker." in done.stderr
    unknown = kafkalert("mirror", "status", "--into", "dc3")
    assert unknown.returncode == 2
    assert "There is no cluster dc3" in unknown.stderr


@pytest.mark.usefixtures("two")
def test_nobody_there_is_status_4(kafkalert: Run) -> None:
    """Both workers and both clusters away: what is known is shown, unknown is not 0."""
    done = kafkalert("mirror", "status", "-o", "json", env=PASSWORD)
    assert done.returncode == 4
    rows = json.loads(done.stdout)
    assert [(row["state"], row["lag_records"]) for row in rows] == [("unreachable", None)] * 2
    assert list(rows[0]) == [
        *("source", "target", "connector", "state", "reason", "tasks", "running"),
        *("lag_records", "lag_seconds", "lag_complete", "lag_reason", "topics"),
        *("hint", "expired", "expired_reason", "expired_since", "denied"),
    ]
    table = kafkalert("mirror", "status", env=PASSWORD)
    assert table.stdout.count("?") == 2
    apply = kafkalert("mirror", "apply", "--yes", env=PASSWORD)
    assert apply.returncode == 4
    assert "does not answer" in apply.stderr


@pytest.mark.usefixtures("two")
def test_into_completes_the_names_of_clusters(kafkalert: Run) -> None:
    """From the file alone; its secrets need not be there."""
    words = {"COMP_WORDS": "kafkalert mirror apply --into ", "COMP_CWORD": "4", "_KAFKALERT_COMPLETE": "complete_bash"}
    assert kafkalert(env=words).stdout.split() == ["dc1", "dc2"]
