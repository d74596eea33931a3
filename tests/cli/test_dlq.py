"""`kafkalert dlq`, by the installed command."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from kafkalert.bus.clients import producer
from kafkalert.config.sections import Cluster
from kafkalert.sandbox.local import Sandbox
from tests.support.data.poison import GOOD, KEY

Run = Callable[..., CompletedProcess[str]]
NOWHERE = '[clusters.dc1]\nbootstrap = "127.0.0.1:9"\n'
DEAD = "kafkalert.deadletter"


def put(bootstrap: str, prefix: str, value: bytes, reason: str, **more: str) -> None:
    """A letter as a stage writes it, in partition 0."""
    headers = {
        "ka-stage": "alerting",
        "ka-topic": f"{prefix}accountentry",
        "ka-partition": "3",
        "ka-offset": "17",
        "ka-reason": reason,
        "ka-detail": "The bytes are no AccountEntry (EOFError).",
        "ka-time": "1769846400000",
        "ka-record-time": "1769846399000",
        **more,
    }
    sender: Any = producer(Cluster(name="dc1", bootstrap=bootstrap))
    sender.produce(f"{prefix}{DEAD}", value, KEY, 0, headers=[(name, one.encode()) for name, one in headers.items()])
    assert sender.flush(60) == 0


@pytest.fixture
def letters(sandbox1: Sandbox, prefix: str, tmp_path: Path, kafkalert: Run) -> Run:
    """The command, topics of the test's own, and two letters: one that would pass, one that would not."""
    (tmp_path / "key").write_text("a key of this test alone", encoding="utf-8")
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "kafkalert.toml").write_text(
        f'context = "test"\n[clusters.dc1]\nbootstrap = "{sandbox1.bootstrap()}"\n'
        f'[contexts.test]\nclusters = ["dc1"]\nprefix = "{prefix}"\n'
        f'[contexts.live]\nclusters = ["dc1"]\nprefix = "{prefix}"\nproduction = true\n'
        '[alerts]\nid_key = {file = "key"}\n',
        encoding="utf-8",
    )
    assert kafkalert("topics", "apply", "-y").returncode == 0
    put(sandbox1.bootstrap(), prefix, GOOD, "no-registry", **{"ka-id": "e-1"})
    put(sandbox1.bootstrap(), prefix, GOOD[:-4], "bad-bytes", **{"ka-id": "e-2"})
    return kafkalert


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "3"), "PARTITION:OFFSET"),
        (("replay", "3:x"), "PARTITION:OFFSET"),
        (("list", "--since", "soon"), "not a time"),
        (("drop", "--why", "x"), "Say which letters"),
        (("drop", "--stage", "alerting"), "--why"),
        (("list", "--cluster", "dc7"), "no cluster"),
    ],
)
def test_wrong_usage_asks_no_cluster(kafkalert: Run, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """2, with what is wrong."""
    (tmp_path / "kafkalert.toml").write_text(NOWHERE, encoding="utf-8")
    done = kafkalert("dlq", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize("arguments", [("list",), ("show", "0:1"), ("replay", "--dry-run")])
def test_a_cluster_that_does_not_answer(kafkalert: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "kafkalert.toml").write_text(NOWHERE, encoding="utf-8")
    done = kafkalert("dlq", *arguments)
    assert (done.returncode, done.stdout) == (4, "")
    assert "Traceback" not in done.stderr


@pytest.mark.one_cluster
def test_letters_are_listed_and_shown(letters: Run) -> None:
    """Masked, and with what would become of them."""
    listed = letters("dlq", "list", "-o", "tsv").stdout.splitlines()
    assert [line.split("\t")[:4] for line in listed] == [
        ["stage", "reason", "letters", "again"],
        ["alerting", "bad-bytes", "1", "0"],
        ["alerting", "no-registry", "1", "0"],
    ]
    shown = letters("dlq", "show", "0:1").stdout
    assert "would pass now  no: The bytes are no AccountEntry (EOFError)." in shown
    assert "2026-01-31 08:00:00 UTC, by alerting" in shown
    assert "accountentry[3] at 17 on dc1" in shown
    assert "***0001" in shown
    assert "NL00" not in shown
    assert "would pass now  yes" in letters("dlq", "show", "0:0").stdout
    refused = letters("dlq", "show", "0:0", "--unmask")
    assert (refused.returncode, refused.stdout) == (5, "")
    missing = letters("dlq", "show", "0:7")
    assert missing.returncode == 2
    assert "No dead letter lies at 0:7" in missing.stderr


@pytest.mark.one_cluster
def test_changes_are_shown_and_asked_for(letters: Run) -> None:
    """A pipe is not asked, --read-only refuses, production wants its name; then each is replayed once."""
    dry = letters("dlq", "replay", "--dry-run", "-o", "json")
    assert dry.returncode == 0
    assert [(one["reason"], one["state"]) for one in json.loads(dry.stdout)] == [
        ("bad-bytes", "stays"),
        ("no-registry", "passes"),
    ]
    for refused in (
        letters("dlq", "replay"),
        letters("--read-only", "dlq", "replay", "--yes"),
        letters("-C", "live", "dlq", "replay", "--yes"),
        letters("dlq", "drop", "0:1", "--why", "x"),
    ):
        assert (refused.returncode, refused.stdout) == (5, "")
    done = letters("-C", "live", "dlq", "replay", "--confirm", "live", "-o", "json")
    assert done.returncode == 1
    assert "accountentry on dc1 (alerting no-registry)" in done.stderr
    assert "leave 1 letter (alerting bad-bytes): The bytes are no AccountEntry" in done.stderr
    assert [(one["reason"], one["state"]) for one in json.loads(done.stdout)] == [
        ("bad-bytes", "stays"),
        ("no-registry", "replayed"),
    ]
    entries = letters("tail", "entries", "-o", "json").stdout.splitlines()
    (entry,) = map(json.loads, entries)
    assert entry["headers"] == {"ka-id": "e-1", "ka-replayed": "1"}
    assert entry["timestamp"].startswith("2026-01-31T07:59:59")
    dropped = letters("dlq", "drop", "0:1", "--why", "a test", "--yes")
    assert dropped.returncode == 0
    nothing = letters("dlq", "list")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "There are no dead letters." in nothing.stderr
    assert "dropped by" in letters("dlq", "show", "0:1").stdout
    told = letters("tail", "--topic", DEAD, "-n", "1").stdout
    assert "An operator dropped the dead letter" in told
    assert letters("dlq", "replay", "--yes").returncode == 0


@pytest.mark.one_cluster
def test_on_a_terminal_it_asks(letters: Run, terminal: Callable[..., tuple[str, int]]) -> None:
    """No is no."""
    shown, status = terminal(["kafkalert", "dlq", "replay", "0:0"], answer="n\n")
    assert status == 5
    assert "Go on? [y/N]" in shown
    shown, status = terminal(["kafkalert", "dlq", "replay", "0:0"], answer="y\n")
    assert status == 0
    assert "replayed" in shown
    assert letters("dlq", "list", "--reason", "no-registry").stdout == ""
