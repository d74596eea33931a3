"""`kafkalert failover` there and back, as in README's first hour: a sandbox, the examples, one alerting, one bridge."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from kafkalert.sandbox.cleanup import config_file
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until

pytestmark = pytest.mark.two_clusters

COMMAND = Path(sys.executable).with_name("kafkalert")
EXAMPLES = Path(__file__).parents[4] / "examples"
SECONDS = 60.0
ALERTS_A_ROUND = 4
"""What the three bookings of the examples raise; tests/unit/test_examples.py says so independently."""


class Hour:
    """A sandbox of two clusters in use."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.config = config_file(sandbox.folder)
        self.folder = folder
        self.entries = folder / "entries.ndjson"
        self.entries.touch()
        self.rounds = 0

    def command(self, *arguments: str) -> list[str]:
        """The installed command."""
        return [str(COMMAND), "--config", str(self.config), *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        return subprocess.run(
            self.command(*arguments), capture_output=True, text=True, timeout=SECONDS, check=False, env=environment()
        )

    @contextmanager
    def running(self, *arguments: str) -> Iterator[None]:
        """A stage, while the block lasts."""
        log = self.folder / f"{arguments[1]}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                self.command(*arguments), stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment()
            )
            try:
                yield
                assert process.poll() is None, log.read_text(encoding="utf-8")
                process.terminate()
                assert process.wait(10) == 0
            finally:
                process.kill()
                process.wait()

    @contextmanager
    def booking(self) -> Iterator[None]:
        """Bookings all the while: the three of the examples again and again, under ids of their own."""
        bases = [json.loads(line) for line in (EXAMPLES / "entries.ndjson").read_text(encoding="utf-8").splitlines()]
        halt = Event()

        def write() -> None:
            with self.entries.open("a", encoding="utf-8") as out:
                while not halt.wait(0.02):
                    for base in bases:
                        out.write(json.dumps({**base, "entryId": f"{base['entryId']}-{self.rounds}"}) + "\n")
                    out.flush()
                    self.rounds += 1

        writer = Thread(target=write, daemon=True)
        writer.start()
        yield
        halt.set()
        writer.join(SECONDS)

    def where(self) -> dict[str, Any]:
        """What bare `failover` says."""
        done = self.run("failover", "-o", "json")
        assert done.returncode in (0, 3), done.stderr  # 3 while an instance starts
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def alerts(self, cluster: str) -> Counter[tuple[str, str]]:
        """How often each alert is on a cluster."""
        done = self.run("tail", "--since", "start", "-n", "100000", "--cluster", cluster, "-o", "json")
        assert done.returncode == 0, done.stderr
        records = [json.loads(line) for line in done.stdout.splitlines()]
        return Counter((one["topic"], one["headers"]["ka-id"]) for one in records)

    def seen(self) -> bool:
        """Whether as many alerts are there as there have to be."""
        return self.alerts("dc1").total() >= self.rounds * ALERTS_A_ROUND


def environment() -> dict[str, str]:
    """Nothing of this machine's configuration."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KAFKALERT_")}


@pytest.fixture
def hour(own_sandbox: Callable[..., Sandbox], tmp_path: Path) -> Iterator[Hour]:
    """The examples are seeded, alerting runs, and the bridge follows a file."""
    one = Hour(own_sandbox(clusters=2), tmp_path)
    for arguments in (
        ("topics", "apply", "--yes"),
        ("seed", "authorisations", str(EXAMPLES / "authorisations.ndjson"), "--yes"),
        ("seed", "settings", str(EXAMPLES / "settings.ndjson"), "--yes"),
    ):
        done = one.run(*arguments)
        assert done.returncode == 0, done.stderr
    with ExitStack() as stack:
        stack.enter_context(one.running("run", "alerting"))
        stack.enter_context(one.running("run", "bridge", "--from", str(one.entries), "--follow"))
        yield one


def test_there_and_back_under_load(hour: Hour) -> None:
    """Nothing is lost and nothing comes twice; what is shown, asked, refused and remembered is what was done."""

    def runs() -> bool:
        states = [(one["stage"], one["state"], one["presence"]) for one in hour.where()["instances"]]
        return states == [("alerting", "running", "alive"), ("bridge", "running", "alive")]

    assert wait_until(runs, SECONDS)
    with hour.booking():
        dry = hour.run("failover", "--to", "dc2", "--dry-run", "-o", "json")
        assert (dry.returncode, json.loads(dry.stdout)["outcome"]) == (0, "not done (dry run)")
        assert hour.run("failover", "--to", "dc2", "--read-only").returncode == 5
        for epoch, target in ((1, "dc2"), (2, "dc1")):
            done = hour.run("failover", "--to", target, "--yes", "--reason", f"number {epoch}", "-o", "json")
            assert done.returncode == 0, done.stderr
            result = json.loads(done.stdout)
            assert (result["outcome"], result["epoch"], result["active"]) == ("switched", epoch, target)
            assert (result["missing"], result["problems"]) == ([], [])
            again = hour.run("failover", "--to", target, "--yes", "--timeout", "30s", "-o", "json")
            assert (again.returncode, json.loads(again.stdout)["outcome"]) == (0, "already there")
            assert f"Stages run on {target} already, epoch {epoch}; nothing was changed." in again.stderr
            found = hour.where()
            assert (found["active"], found["epoch"], found["reason"]) == (target, epoch, f"number {epoch}")
            assert {(one["cluster"], one["epoch"]) for one in found["instances"]} == {(target, epoch)}
        assert wait_until(lambda: hour.rounds > 100, SECONDS)
    assert wait_until(hour.seen, SECONDS, every=1.0)
    for cluster in ("dc1", "dc2"):
        alerts = hour.alerts(cluster)
        assert len(alerts) == hour.rounds * ALERTS_A_ROUND
        assert set(alerts.values()) == {1}
    past = json.loads(hour.run("failover", "history", "-o", "json").stdout)
    assert [(one["epoch"], one["outcome"], one["lost"], one["reason"]) for one in past] == [
        (1, "switched", 0, "number 1"),
        (2, "switched", 0, "number 2"),
    ]
