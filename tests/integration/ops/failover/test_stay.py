"""`kafkalert failover --to` the cluster in use, by force, while the other one is dead: so that stages can start."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.reading import ENTRIES, Place
from tests.support.twin import Twin, twins

pytestmark = pytest.mark.two_clusters


def entries(bank: Twin) -> list[tuple[str, Place, int]]:
    """The id of each record of accountentry on dc1, and where it lies."""
    found = []
    for one in bank.dc1.read(ENTRIES):
        headers: dict[str, Any] = dict(one.headers() or ())
        place = str(one.topic()), int(one.partition() or 0)
        found.append((headers["ka-id"].decode(), place, int(one.offset() or 0)))
    return found


def committed(bank: Twin) -> dict[Place, int]:
    """Up to where the group has processed dc1's entries; returns once it has processed some."""
    client = bank.dc1.client("kafkalert.alerting")
    found: dict[Place, int] = {}

    def some() -> bool:
        found.update(bank.dc1.committed(client, ENTRIES))
        return any(found.values())

    try:
        assert wait_until(some, SECONDS, every=0.1), bank.said()
    finally:
        client.close()
    return found


def test_stages_start_without_the_other_cluster_once_that_is_said(
    own_sandbox: Callable[..., Sandbox], prefix: str, tmp_path: Path
) -> None:
    """One that runs goes on, one that starts no longer waits, and every booking is alerted.

    The bridge repeats nothing: each entry was written once. And no alert is repeated of an entry that was committed.
    """
    sandbox = own_sandbox(clusters=2)
    with twins(sandbox, prefix, tmp_path) as make:
        bank = make()
        runs = [bank.alerting(), bank.bridge()]
        bank.await_running(*runs, on="dc1")
        with bank.feed(100):
            sandbox.kill("dc2")
            refused = bank.command("failover", "--to", "dc1", "--yes")
            assert refused.returncode == 5, refused.stderr
            before = committed(bank)
            done = bank.command("failover", "--to", "dc1", "--force", "--accept-loss", "--yes", "-o", "json")
            assert done.returncode == 0, f"{done.stderr}\n{bank.said()}"
            result = json.loads(done.stdout)
            assert (result["active"], result["epoch"], result["missing"]) == ("dc1", 1, [])
            late = bank.alerting(state="late")
            bank.await_running(*runs, late, on="dc1", epoch=1)
        bank.await_alerts()
        arrived = wait_until(lambda: {one for one, _, _ in entries(bank)} == bank.sent.keys(), SECONDS, every=0.2)
        assert arrived, bank.said()
        found = entries(bank)
        assert Counter(one for one, _, _ in found) == Counter(bank.sent.keys())
        settled = {alert for one, place, at in found if at < before[place] for alert in bank.sent[one].ids}
        assert len(settled) > 10
        bank.alerts.pump()
        written = bank.alerts.written()
        assert {written[one] for one in settled} == {1}
