"""`kafkalert doctor`, by the installed command: status, formats, and what it says where nobody answers."""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from kafkalert.sandbox.local import Sandbox

Run = Callable[..., CompletedProcess[str]]


def configured(folder: Path, bootstrap: str, prefix: str = "") -> None:
    """A context of one cluster."""
    (folder / "kafkalert.toml").write_text(
        f'[clusters.dc1]\nbootstrap = "{bootstrap}"\n[contexts.test]\nclusters = ["dc1"]\nprefix = "{prefix}"\n',
        encoding="utf-8",
    )


@pytest.mark.one_cluster
def test_all_is_well_and_then_it_is_not(kafkalert: Run, sandbox1: Sandbox, prefix: str, tmp_path: Path) -> None:
    """0, with a line a check; 3 once a topic is missing, with what to do. Programs get an array of all checks."""
    configured(tmp_path, sandbox1.bootstrap(), prefix)
    assert kafkalert("topics", "apply", "--yes").returncode == 0
    well = kafkalert("doctor")
    assert well.returncode == 0, well.stdout
    assert well.stdout.startswith("12 checks: all is well.\n\nconfiguration\n  ✓ settings\n")
    assert "  ✓ dc1: configuration: 13 topics of 13 are as configured." in kafkalert("doctor", "-v").stdout
    configured(tmp_path, sandbox1.bootstrap(), f"{prefix}absent.")
    done = kafkalert("doctor", "--only", "topics")
    assert done.returncode == 3
    assert f"✗ 13 topics do not exist on dc1: {prefix}absent.accountentry, " in done.stdout
    assert "Run `kafkalert topics apply`" in done.stdout
    (row,) = json.loads(kafkalert("doctor", "--only", "topics", "-o", "json").stdout)
    assert (row["subject"], row["cluster"], row["name"], row["grade"]) == ("topics", "dc1", "missing", "bad")
    assert list(row) == ["subject", "cluster", "name", "grade", "text", "hint"]


def test_a_port_that_takes_connections_and_says_nothing(kafkalert: Run, tmp_path: Path) -> None:
    """4, within ten seconds, with the cause; what needs no cluster is looked at all the same."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        at = f"127.0.0.1:{silent.getsockname()[1]}"
        configured(tmp_path, at)
        began = time.monotonic()
        done = kafkalert("doctor")
        assert time.monotonic() - began < 10
    assert (done.returncode, done.stdout.splitlines()[0]) == (4, "Cluster dc1 does not answer.")
    assert f"✗ {at} (bootstrap of dc1) takes connections and says nothing" in done.stdout
    assert "✓ room" in done.stdout


def test_what_needs_no_cluster_asks_none(kafkalert: Run, tmp_path: Path) -> None:
    configured(tmp_path, "broker.invalid:9092")
    done = kafkalert("doctor", "--only", "configuration")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "1 check: all is well.")


def test_wrong_usage_and_configuration(kafkalert: Run, tmp_path: Path) -> None:
    """2, and what there is."""
    configured(tmp_path, "b:9092")
    subject, command = kafkalert("doctor", "--only", "topic"), kafkalert("doctor", "--for", "running")
    assert (subject.returncode, command.returncode) == (2, 2)
    assert "Hint: There are: configuration, addresses, tls," in subject.stderr
    assert "run alerting" in command.stderr
    configured(tmp_path, "no-port")
    wrong = kafkalert("doctor")
    assert (wrong.returncode, "clusters.dc1.bootstrap should be HOST:PORT" in wrong.stderr) == (2, True)


def test_what_grants_rights_is_for_programs_too(kafkalert: Run, tmp_path: Path) -> None:
    """`topics acls --grant`: lines for a shell, or objects with their cluster."""
    configured(tmp_path, "b:9092")
    arguments = ("topics", "acls", "doctor", "--grant", "User:ops")
    lines = kafkalert(*arguments).stdout.splitlines()
    assert lines
    assert all(line.startswith("kafka-acls.sh --command-config admin.properties ") for line in lines)
    rows = json.loads(kafkalert(*arguments, "-o", "json").stdout)
    assert [(row["cluster"], row["command"]) for row in rows] == [("dc1", line) for line in lines]
