"""Forced switches away from a cluster that is dead, or hangs, by the installed command, while bookings come in."""

import json
import signal
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.reading import ENTRIES
from tests.support.twin import Twin, now_ms, twins

pytestmark = pytest.mark.two_clusters

RATE = 200
SMS = "outboundsmsmessage"
GROWTH_KILOBYTES = 48 * 1024
"""What a process may take in addition while the other cluster is away; Python and librdkafka's buffers breathe."""
FORCE = ("failover", "--to", "dc2", "--force", "--accept-loss", "--yes", "-o", "json")


@pytest.fixture
def twin(sandbox2: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Callable[[], Twin]]:
    """Makes the test's own bank on both."""
    with twins(sandbox2, prefix, tmp_path) as make:
        yield make


def back(sandbox: Sandbox, how: str) -> None:
    """dc1 answers again."""
    sandbox.resume("dc1") if how == "paused" else sandbox.start("dc1")


@pytest.mark.parametrize("how", ["paused", "killed"])
def test_away_from_a_cluster_that_is(twin: Callable[[], Twin], sandbox2: Sandbox, how: str) -> None:
    """No booking is lost, all go on within 5 s in the same processes, and dc1 changes nothing when it returns.

    The clocks of the processes lie half a minute apart.
    """
    bank = twin()
    alertings = [bank.alerting(), bank.alerting(state="second", clock=-15)]
    running = [*alertings, bank.bridge(clock=15)]
    bank.await_running(*running, on="dc1")
    with bank.feed(RATE):
        assert wait_until(lambda: bank.alerts.pump() > 4 * RATE, SECONDS, every=0.1)
        if how == "killed":  # the last that it took and did is on no other cluster
            bank.flow("dc1").stop()
            seen = len(bank.alerts.native_records("dc1"))
            assert wait_until(
                lambda: bank.alerts.pump() > 0 and len(bank.alerts.native_records("dc1")) > seen + RATE,
                SECONDS,
                every=0.1,
            )
        (sandbox2.pause if how == "paused" else sandbox2.kill)("dc1")
        try:
            refused = bank.command("failover", "--to", "dc2", "--yes")
            assert (refused.returncode, refused.stdout) == (5, "")
            assert "Only `kafkalert failover --to dc2 --force --accept-loss` can move now" in refused.stderr
            done = bank.command(*FORCE)
            assert done.returncode == 0, f"{done.stderr}\n{bank.said()}"
            told = json.loads(done.stdout)
            assert (told["active"], told["mode"], told["epoch"], told["missing"]) == ("dc2", "forced", 1, [])
            assert told["pause"] < 5
            bank.await_running(*running, on="dc2", epoch=1)
            kilobytes = {one.pid: one.anonymous_kilobytes() for one in running}
            late = bank.alerting(state="late")  # it sees one cluster only
            bank.await_running(*running, late, on="dc2", epoch=1)
            seen = len(bank.alerts.native_records("dc2"))
            assert wait_until(
                lambda: bank.alerts.pump() > 0 and len(bank.alerts.native_records("dc2")) > seen + 4 * RATE,
                SECONDS,
                every=0.1,
            )
            for one in running:
                assert one.anonymous_kilobytes() - kilobytes[one.pid] < GROWTH_KILOBYTES
            assert late.stop() == 0
            assert alertings[1].stop() == 0  # with dc1 still away
        finally:
            back(sandbox2, how)
    commit = bank.await_event(lambda one: one.event == "COMMIT")
    assert wait_until(lambda: bank.held("dc1", "kafkalert.control") > 0, SECONDS, every=0.1)
    bank.settled("dc2", 1, alertings[0], running[-1])
    bank.verify("dc2", once=False, least=4 * RATE)
    assert [one for one in bank.alerts.native_records("dc1") if one.at > commit.at] == []
    again = bank.command("failover", "--to", "dc1", "--yes")  # before the return is done
    assert again.returncode == 5
    assert "The mirror from dc1 to dc2 is not running: stopped" in again.stderr
    for one in (alertings[0], running[-1]):
        assert one.stop() == 0


def test_away_from_a_cluster_whose_flow_was_late_in_one_topic(twin: Callable[[], Twin], sandbox2: Sandbox) -> None:
    """It runs and has carried all entries, but not all alerts: what it lacked is alerted again."""
    bank = twin()
    alerting = bank.alerting()
    bank.await_running(alerting, on="dc1")

    def crossed(*late: str) -> bool:
        bank.alerts.pump()
        there = {one.output.id for one in bank.alerts.seen if one.cluster == "dc2"}
        awaited = {
            one.output.id for one in bank.alerts.seen if one.cluster == "dc1" and one.output.place[0] not in late
        }
        return awaited <= there and bank.held("dc2", ENTRIES) == bank.held("dc1", ENTRIES)

    def beaten(times: int) -> bool:
        bank.beats.newest()
        return len([one for one in bank.beats.all if one["time"] > since]) >= times

    bank.dc1.send(200)
    bank.await_alerts()
    assert wait_until(crossed, SECONDS, every=0.1)
    bank.flow("dc1").leave_out(bank.dc1.topic(SMS))
    for _ in range(3):  # so that there are heartbeats, and copies, of long after what did not cross
        bank.dc1.send(100)
        bank.await_alerts()
        assert wait_until(lambda: crossed(bank.dc1.topic(SMS)), SECONDS, every=0.1)
        since = now_ms()
        assert wait_until(lambda: beaten(8), SECONDS, every=0.1)  # on both clusters
    lacking = bank.alerts.absent("dc2", bank.wanted)
    assert len(lacking) > 20
    sandbox2.kill("dc1")
    try:
        done = bank.command(*FORCE, "--overlap", "2")
        assert done.returncode == 0, f"{done.stderr}\n{bank.said()}"
        bank.await_running(alerting, on="dc2", epoch=1)
        assert wait_until(lambda: not bank.alerts.absent("dc2", bank.wanted), SECONDS, every=0.1), (
            f"{len(bank.alerts.absent('dc2', lacking))} of {len(lacking)} were never alerted again\n{done.stdout}"
        )
    finally:
        sandbox2.start("dc1")
    assert alerting.stop() == 0


@pytest.mark.parametrize("ago", [7200, -3000], ids=["hours ago", "in the future"])
def test_away_where_records_have_any_time(twin: Callable[[], Twin], sandbox2: Sandbox, ago: int) -> None:
    """A producer may keep the booking's time. What had crossed and was not processed is alerted all the same."""
    bank = twin()
    alerting = bank.alerting()
    bank.await_running(alerting, on="dc1")
    time = now_ms() - 1000 * ago

    def book(count: int) -> None:
        for made in islice(bank.dc1.bookings, count):
            bank.dc1.book(made.entry, timestamp=time)
        bank.dc1.flush()

    def beaten(times: int) -> bool:
        bank.beats.newest()
        return len([one for one in bank.beats.all if one["time"] > since]) >= times

    for _ in range(2):  # ordinary life, of which heartbeats and copies tell
        book(150)
        bank.await_alerts()
        since = now_ms()
        assert wait_until(lambda: beaten(8), SECONDS, every=0.1)  # on both clusters
    book(20)
    bank.await_alerts()
    alerting.send(signal.SIGSTOP)
    before = set(bank.wanted)
    book(150)
    assert len(bank.wanted - before) > 20
    assert wait_until(lambda: bank.held("dc2", ENTRIES) == bank.held("dc1", ENTRIES), SECONDS, every=0.1)
    sandbox2.kill("dc1")
    try:
        alerting.kill()
        done = bank.command(*FORCE, "--overlap", "2")
        assert done.returncode in {0, 1}, f"{done.stderr}\n{bank.said()}"  # 1: nobody runs any more
        told = json.loads(done.stdout)["loss"]
        assert told["lost"] == 0
        assert told["repeated"] < len(bank.sent), "it goes on where instances were, and not at the beginning"
        fresh = bank.alerting()
        bank.await_running(fresh, on="dc2", epoch=1)
        assert wait_until(
            lambda: bank.alerts.pump() >= 0 and not bank.alerts.absent("dc2", bank.wanted), SECONDS, every=0.1
        ), f"{len(bank.alerts.absent('dc2', bank.wanted))} of {len(bank.wanted)} were never alerted\n{done.stdout}"
    finally:
        sandbox2.start("dc1")
    assert fresh.stop() == 0
