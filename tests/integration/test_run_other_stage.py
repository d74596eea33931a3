"""A stage that another package brings: the one of docs/add-a-stage.md, word for word, on real Kafka."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kafkalert.sandbox.local import Sandbox
from tests.made import debit
from tests.pipeline import Pipeline
from tests.reading import DEAD, ENTRIES
from tests.running import await_beat, kafkalert, running

pytestmark = pytest.mark.kafka
PAGE = Path(__file__).parents[2] / "docs" / "add-a-stage.md"
COPIES = "largebookings"


@pytest.fixture
def bank(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """Topics, with a small and a large booking and one record that is none."""
    one = Pipeline(sandbox1.bootstrap(), prefix, tmp_path).make_topics()
    one.book(debit("NL01", "small", cents=99_999))
    one.book(debit("NL01", "large", cents=100_000), more=[("ka-origin.dc2", b""), ("traceparent", b"00-trace")])
    one.put(ENTRIES, b"nonsense", b"key")
    one.flush()
    yield one
    one.end()


@pytest.fixture
def installed(bank: Pipeline, tmp_path: Path) -> dict[str, str]:
    """The environment in which the page's package is installed, with its topic, and one that cannot be loaded."""
    site = tmp_path / "site"
    blocks = re.findall(r"```(python|toml)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (spec, stage), (points,) = ([text for kind, text in blocks if kind == wanted] for wanted in ("python", "toml"))
    package, metadata = site / "bank_stages", site / "bank_stages-1.0.dist-info"
    package.mkdir(parents=True)
    metadata.mkdir()
    (package / "__init__.py").touch()
    (package / "spec.py").write_text(spec)
    (package / "large.py").write_text(stage)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: bank-stages\nVersion: 1.0\n")
    declared = points.replace('[project.entry-points."kafkalert.stages"]', "[kafkalert.stages]").replace('"', "")
    (metadata / "entry_points.txt").write_text(f"{declared}lost = bank_stages.lost:SPEC\n")
    env = {"PYTHONPATH": str(site)}
    made = kafkalert(bank, "topics", "apply", "--yes", env=env)
    assert f"create {bank.topic(COPIES)}" in made.stderr, made.stderr
    return env


def test_it_runs_as_the_others_do(bank: Pipeline, installed: dict[str, str]) -> None:
    """Its topic is made with the others; it reads, writes, puts away, commits, and goes on where it was."""
    done = kafkalert(bank, "run", "large", "--until-end", env=installed)
    assert done.returncode == 0, done.stderr
    assert "3 entries read" in done.stderr
    (copy,) = bank.read(COPIES)
    assert b"NL01" in (copy.value() or b"")
    assert dict(copy.headers() or ()) == {
        "ka-id": b"large/large",
        "ka-entry": b"large",
        "ka-balance": b"unknown",
        "traceparent": b"00-trace",
    }
    (letter,) = bank.read(DEAD)
    assert dict(letter.headers() or ())["ka-stage"] == b"large"
    again = kafkalert(bank, "run", "large", "--until-end", env=installed)
    assert "0 entries read" in again.stderr, again.stderr


def test_it_is_seen_as_the_others_are(
    bank: Pipeline, installed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its heartbeats, its group, its rights and its line of help; without its package it is a stranger's."""
    monkeypatch.setenv("PYTHONPATH", installed["PYTHONPATH"])
    with running(bank, "run", "large") as process:
        assert await_beat(bank, process.pid, lambda beat: beat["state"] == "running")["stage"] == "large"
        shown = kafkalert(bank, "group", "show", "-o", "json")
        groups = {one["group"]: one["members"] for one in json.loads(shown.stdout)}
        assert groups[bank.topic("kafkalert.large")] == 1, shown.stderr
    rights = kafkalert(bank, "topics", "acls", "run large", "-o", "json")
    assert any(bank.topic("kafkalert.large") in one["on"] for one in json.loads(rights.stdout))
    assert "Copy large bookings for the fraud desk." in kafkalert(bank, "run", "--help").stdout
    monkeypatch.delenv("PYTHONPATH")
    unknown = kafkalert(bank, "run", "large")
    assert (unknown.returncode, "No such command" in unknown.stderr) == (2, True), unknown.stderr


def test_one_that_cannot_be_loaded_is_named(bank: Pipeline, installed: dict[str, str]) -> None:
    """With its package; the others work."""
    done = kafkalert(bank, "run", "lost", env=installed)
    assert done.returncode == 2
    assert "Stage lost cannot be used: bank-stages cannot be loaded: ModuleNotFoundError" in done.stderr
    assert kafkalert(bank, "run", "large", "--until-end", env=installed).returncode == 0
