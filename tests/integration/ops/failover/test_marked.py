"""Entries whose producers wrote the mirror's own header: nothing is passed over by a switch or by reconcile.

By mistake that is done by whoever reads a topic that is mirrored, and hands all headers on to what he writes.
"""

import json
import signal
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import pytest

from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.reading import ENTRIES
from tests.support.twin import Twin, twins

pytestmark = pytest.mark.two_clusters

Headers = list[tuple[str, bytes]]
FORCE = ("failover", "--to", "dc2", "--force", "--accept-loss", "--yes", "-o", "json")
OF_DC2: Final[tuple[Headers, ...]] = (
    [("ka-origin.dc2", b"")],
    [("ka-origin.dc2", b"\x00\xff garbage"), ("ka-origin.dc2", b"")],
    [("ka-origin.dc1", b"x"), ("ka-origin.dc2", b"dc1")],
)
"""With these an entry that is written to dc1 looks as if it had come from dc2, and the mirror drops it."""
HARMLESS: Final[tuple[Headers, ...]] = (
    [],
    [("ka-origin.dc1", b"dc1")],
    [("ka-origin.dc1", b""), ("ka-origin.dc1", b"\xff")],
    [("ka-origin.", b"dc2"), ("ka-origin.dc22", b""), ("KA-ORIGIN.DC2", b""), ("ka-origin", b"dc2")],
)


@pytest.fixture
def twin(sandbox2: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Callable[[], Twin]]:
    """Makes the test's own bank on both."""
    with twins(sandbox2, prefix, tmp_path) as make:
        yield make


def book(bank: Twin, count: int, *kinds: Headers) -> set[str]:
    """Write so many bookings to dc1, with headers of each kind in turn; the ids of their alerts."""
    ids: set[str] = set()
    for number, made in enumerate(islice(bank.dc1.bookings, count)):
        ids |= bank.dc1.book(made.entry, more=kinds[number % len(kinds)]).ids
    bank.dc1.flush()
    return ids


def begun(bank: Twin) -> None:
    """Ordinary life on dc1, of which heartbeats and copies tell."""
    bank.dc1.send(200)
    bank.await_alerts()
    assert wait_until(lambda: not bank.alerts.absent("dc2", bank.wanted), SECONDS, every=0.1)


def test_a_forced_switch_and_reconcile_pass_over_none(twin: Callable[[], Twin], sandbox2: Sandbox) -> None:
    """In the last seconds before dc1 died; what it had not processed and the mirror dropped is fetched from it."""
    bank = twin()
    alerting = bank.alerting()
    bank.await_running(alerting, on="dc1")
    begun(bank)
    processed = book(bank, 60, *OF_DC2, *HARMLESS)  # dc1 alerts them as any other
    assert wait_until(lambda: not bank.alerts.missing(processed), SECONDS, every=0.1)
    alerting.send(signal.SIGSTOP)
    crossing = book(bank, 100, *HARMLESS)
    dropped = book(bank, 100, *OF_DC2)
    crossing |= book(bank, 100, *HARMLESS)  # so that the flow has confirmed what lies behind those
    assert min(len(crossing), len(dropped)) > 20
    assert wait_until(lambda: bank.held("dc2", ENTRIES) >= 420, SECONDS, every=0.1)  # all but those
    bank.flow("dc1").await_confirmed(bank.dc1, ENTRIES)
    sandbox2.kill("dc1")
    try:
        alerting.kill()
        done = bank.command(*FORCE, "--overlap", "2")
        assert done.returncode in {0, 1}, f"{done.stderr}\n{bank.said()}"  # 1: nobody runs any more
        fresh = bank.alerting()
        bank.await_running(fresh, on="dc2", epoch=1)
        assert wait_until(lambda: not bank.alerts.missing(crossing), SECONDS, every=0.1), bank.said()
        assert bank.alerts.missing(dropped), "they are on dc1 alone"
    finally:
        sandbox2.start("dc1")
    assert wait_until(lambda: bank.command("mirror", "status").returncode in {0, 3}, SECONDS, every=0.5)
    told = bank.command("failover", "reconcile", "--from", "dc1", "--yes", "-o", "json")
    assert told.returncode == 0, f"{told.stderr}\n{told.stdout}"
    bank.await_alerts()
    by_topic = {one["topic"].removeprefix(bank.prefix): one for one in json.loads(told.stdout)["topics"]}
    assert by_topic["accountentry"]["marked"] >= 100  # and what was processed, but not committed any more
    assert "have the header of a copy from dc2, where they are not" in told.stderr
    assert fresh.stop() == 0


def test_a_planned_switch_goes_on_once_they_are_processed(twin: Callable[[], Twin]) -> None:
    """Before that it is called off: no flow carries them, so they would never be alerted."""
    bank = twin()
    alerting = bank.alerting()
    bank.await_running(alerting, on="dc1")
    begun(bank)
    assert alerting.stop() == 0
    book(bank, 100, *OF_DC2, *HARMLESS)
    refused = bank.command("failover", "--to", "dc2", "--yes")
    assert refused.returncode == 1, f"{refused.stdout}\n{refused.stderr}"
    assert "with the header ka-origin.dc2. No mirror carries them" in refused.stderr
    assert "Everything goes on on dc1." in refused.stderr
    alerting = bank.alerting()
    bank.await_alerts()
    bank.dc1.await_processed()
    bank.switch("dc2")
    bank.settled("dc2", 2, alerting)
    bank.dc1.send(50)
    bank.await_alerts()
    assert not [one for one, count in bank.alerts.written().items() if count > 1]
    assert alerting.stop() == 0
