"""A broker that does not answer in the middle of a rebalance: the library raises what no `except` sees."""

import subprocess
import sys
from pathlib import Path

import pytest

from kafkalert.sandbox.local import Sandbox
from tests.support.data.rows import debit, settings_row
from tests.support.pipeline import Pipeline
from tests.support.running import await_beat

pytestmark = pytest.mark.one_cluster

STAGE = """
import sys
from kafkalert.bus import clients
class Failing(clients.Consumer):
    failed, joined = 0, False
    def subscribe(self, *topics, **callbacks):
        self.joined = True
        super().subscribe(*topics, **callbacks)
    def committed(self, partitions, timeout):
        Failing.failed += self.joined
        return super().committed(partitions, timeout=1e-6 if self.joined and Failing.failed <= 2 else timeout)
clients.Consumer = Failing
from kafkalert.__main__ import main
sys.argv = ["kafkalert", "--config", sys.argv[1], "run", "alerting"]
main()
"""
"""Twice the group's offsets come too late, inside the callback that is told of its partitions."""


def test_a_stage_whose_offsets_do_not_come_in_time_goes_on(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> None:
    """By itself, with new clients: the loop's thread had ended unseen, and the heartbeats went on."""
    one = Pipeline(sandbox1.bootstrap(), prefix, tmp_path).make_topics()
    one.authorise("NL01", ["anna"])
    one.put_settings("anna", settings_row("anna", "NL01"))
    one.book(debit("NL01", "first"))
    one.flush()
    log = tmp_path / "stage.log"
    with log.open("wb") as stderr:
        stage = subprocess.Popen(
            [sys.executable, "-c", STAGE, str(one.config())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        beat = await_beat(one, stage.pid, lambda beat: beat["state"] == "running" and beat["totals"]["entries"] == 1)
        one.await_processed()  # what was counted may still be on its way
        one.verify()
        assert 0 <= beat["loopTurnedMsAgo"] < 10_000
        assert log.read_text(encoding="utf-8").count("Trying again") == 2
    finally:
        stage.terminate()
        assert stage.wait(15) == 0
