"""`kafkalert schemas`, by the installed command, without a registry; with one: tests/contract/test_registry.py."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]


def test_list_shows_what_records_are_written_by(kafkalert: Run) -> None:
    """Keys and values with their fingerprints; no configuration is needed."""
    done = kafkalert("schemas", "list", "-o", "json")
    assert done.returncode == 0
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["AccountId"] == {
        "name": "AccountId",
        "part": "key",
        "subject": "nl.rabobank.beb.payments.AccountId",
        "fingerprint": "eba374e009d231b6",
    }
    assert rows["AccountEntry"]["part"] == "value"


@pytest.mark.parametrize("command", ["check", "register"])
def test_without_a_registry_it_says_so(kafkalert: Run, tmp_path: Path, command: str) -> None:
    """2, and what to configure."""
    (tmp_path / "kafkalert.toml").write_text('[clusters.dc1]\nbootstrap = "127.0.0.1:9"\n', encoding="utf-8")
    done = kafkalert("schemas", command)
    assert done.returncode == 2
    assert "No schema registry is configured." in done.stderr


def test_a_registry_that_is_away_is_told(kafkalert: Run, tmp_path: Path) -> None:
    """4, a line of what and a line of what to do."""
    (tmp_path / "kafkalert.toml").write_text(
        '[clusters.dc1]\nbootstrap = "127.0.0.1:9"\n[serde]\nregistry = "http://127.0.0.1:9"\n', encoding="utf-8"
    )
    done = kafkalert("schemas", "check")
    assert done.returncode == 4
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["Error", "Hint"]
