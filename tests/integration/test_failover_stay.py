"""`kafkalert failover --to` the cluster in use, by force, while the other one is dead: so that stages can start."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kafkalert.sandbox.local import Sandbox
from tests.twin import twins

pytestmark = pytest.mark.kafka


def test_stages_start_without_the_other_cluster_once_that_is_said(
    own_sandbox: Callable[..., Sandbox], prefix: str, tmp_path: Path
) -> None:
    """One that runs goes on, one that starts no longer waits, and every booking is alerted."""
    sandbox = own_sandbox(clusters=2)
    with twins(sandbox, prefix, tmp_path) as make:
        bank = make()
        runs = [bank.alerting(), bank.bridge()]
        bank.await_running(*runs, on="dc1")
        with bank.feed(100):
            sandbox.kill("dc2")
            refused = bank.command("failover", "--to", "dc1", "--yes")
            assert refused.returncode == 5, refused.stderr
            done = bank.command("failover", "--to", "dc1", "--force", "--accept-loss", "--yes", "-o", "json")
            assert done.returncode == 0, f"{done.stderr}\n{bank.said()}"
            result = json.loads(done.stdout)
            assert (result["active"], result["epoch"], result["missing"]) == ("dc1", 1, [])
            late = bank.alerting(state="late")
            bank.await_running(*runs, late, on="dc1", epoch=1)
        bank.await_alerts()
