"""A stage that another package brings: the one of docs/add-a-stage.md, word for word, on real Kafka."""

import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from kafkalert.sandbox.local import Sandbox
from tests.support.data.rows import debit
from tests.support.pipeline import Pipeline
from tests.support.reading import DEAD, ENTRIES
from tests.support.running import await_beat, kafkalert, running

pytestmark = pytest.mark.one_cluster
PAGE = Path(__file__).parents[3] / "docs" / "add-a-stage.md"
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
    page = PAGE.read_text(encoding="utf-8")
    files = re.findall(r"`bank_stages/(\w+\.py)`[^`]*(?:`[^`]+`[^`]*)*?\n```python\n(.*?)```", page, re.DOTALL)
    (points,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert [name for name, _ in files] == ["spec.py", "large.py", "gateway_spec.py", "gateway.py"]
    package, metadata = site / "bank_stages", site / "bank_stages-1.0.dist-info"
    package.mkdir(parents=True)
    metadata.mkdir()
    (package / "__init__.py").touch()
    for name, text in files:
        (package / name).write_text(text)
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


class Answers(BaseHTTPRequestHandler):
    """A gateway that has `said` for each id how it answers, one time after the other, and notes what it took."""

    said: ClassVar[dict[str, list[int]]]
    taken: ClassVar[list[str]]

    def do_POST(self) -> None:
        """Take or refuse an alert."""
        self.rfile.read(int(self.headers["Content-Length"]))
        own = self.headers["Idempotency-Key"]
        status = self.said[own].pop(0) if self.said.get(own) else 200
        if status == HTTPStatus.OK:
            self.taken.append(own)
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_one_that_calls_the_outside_commits_what_is_complete(bank: Pipeline, installed: dict[str, str]) -> None:
    """What the gateway takes is done, what it refuses is put away, and what it cannot take now is tried again."""
    ids = [f"{number:032x}" for number in range(20)]
    for own in ids:
        bank.put("outboundemailmessage", b"an alert", own[:1].encode() + own[-1:].encode(), [("ka-id", own.encode())])
    bank.flush()
    Answers.said, Answers.taken = {ids[3]: [503, 503], ids[5]: [400], ids[7]: [422]}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        env = {**installed, "BANK_GATEWAY": f"http://127.0.0.1:{server.server_port}/", "no_proxy": "127.0.0.1"}
        done = kafkalert(bank, "run", "gateway", "--until-end", env=env)
        assert done.returncode == 0, done.stderr
        assert "20 entries read" in done.stderr
        assert sorted(Answers.taken) == sorted({*ids} - {ids[5], ids[7]})
        letters = [dict(one.headers() or ()) for one in bank.read(DEAD)]
        assert sorted((one["ka-id"], one["ka-reason"]) for one in letters) == [
            (ids[5].encode(), b"refused"),
            (ids[7].encode(), b"refused"),
        ]
        again = kafkalert(bank, "run", "gateway", "--until-end", env=env)
        assert "0 entries read" in again.stderr, again.stderr
    finally:
        server.shutdown()
        server.server_close()


def test_one_that_cannot_be_loaded_is_named(bank: Pipeline, installed: dict[str, str]) -> None:
    """With its package; the others work."""
    done = kafkalert(bank, "run", "lost", env=installed)
    assert done.returncode == 2
    assert "Stage lost cannot be used: bank-stages cannot be loaded: ModuleNotFoundError" in done.stderr
    assert kafkalert(bank, "run", "large", "--until-end", env=installed).returncode == 0
