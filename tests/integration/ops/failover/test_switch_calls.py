"""A stage whose every call to the outside hangs for ever: it holds up no switch and no stop, and nothing is lost."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition

from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.outside import WORKERS, Outside, caller, installed
from tests.support.reading import ENTRIES
from tests.support.twin import Twin, twins

pytestmark = pytest.mark.two_clusters


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outside:
    """Installs the stage, for its own process and for commands."""
    outside, variables = installed(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return outside


@pytest.fixture
def bank(sandbox2: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Twin]:
    """The test's own bank on both clusters."""
    with twins(sandbox2, prefix, tmp_path / "twin") as make:
        yield make()


def committed(bank: Twin, on: str) -> int:
    """How many entries the group has committed there."""
    site = bank.sites[on]
    client = site.client("kafkalert.caller")
    try:
        told = client.committed([TopicPartition(*one) for one in site.places(ENTRIES)], timeout=SECONDS)
        return sum(max(0, one.offset) for one in told)
    finally:
        client.close()


def test_calls_that_hang_hold_up_neither_a_switch_nor_a_stop(bank: Twin, sandbox2: Sandbox, outside: Outside) -> None:
    """A planned switch leaves with them uncommitted and says so, a forced one goes on, a stop ends within 10 s."""
    bank.dc1.send(30)
    bank.dc1.flush()
    stage = caller(bank, "first")
    bank.await_running(stage, on="dc1")
    assert wait_until(lambda: committed(bank, "dc1") == 30, SECONDS, every=0.1), bank.said()
    outside.hang(yes=True)
    bank.dc1.send(200)
    bank.dc1.flush()
    outside.await_begun(WORKERS)

    done = bank.command("failover", "--to", "dc2", "--yes", "-o", "json")
    assert done.returncode == 0, f"{done.stderr}\n{bank.said()}"
    told = json.loads(done.stdout)
    assert (told["outcome"], told["active"], told["missing"]) == ("switched", "dc2", [])
    assert "had not committed" in json.dumps(told["loss"]), told
    assert "records whose calls have not ended are not committed, and come again" in stage.stderr()
    bank.await_running(stage, on="dc2")
    # Each of them hangs in the first entry of a key, and nothing behind the first of a partition is committed.
    outside.await_begun(2 * WORKERS)
    assert committed(bank, "dc1") < 230

    sandbox2.pause("dc2")
    try:
        forced = bank.command("failover", "--to", "dc1", "--force", "--accept-loss", "--yes", "-o", "json")
        assert forced.returncode == 0, f"{forced.stderr}\n{bank.said()}"
        bank.await_running(stage, on="dc1", epoch=2)
        outside.await_begun(3 * WORKERS)
    finally:
        sandbox2.resume("dc2")
    bank.await_running(stage, on="dc1")
    assert stage.stop(signal.SIGTERM) == 0
    outside.hang(yes=False)
    last = caller(bank, "last")
    bank.await_running(last, on="dc1")
    assert wait_until(lambda: committed(bank, "dc1") == 230, SECONDS, every=0.1), bank.said()
    assert {*outside.said("done")} == bank.sent.keys(), "each entry was called for"
    assert last.stop() == 0
