"""Stages move between two real clusters as the control log says; the tests write it, and stand in for the mirror."""

import json
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import time_ns
from typing import Any

import psutil
import pytest

from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS, Alerting
from tests.support.data.rows import debit, settings_row
from tests.support.reading import AUTHORISATIONS, CODEC, ENTRIES, SETTINGS, ends
from tests.support.running import beats, running
from tests.support.switching import Pair, Site

pytestmark = pytest.mark.two_clusters


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A second cluster; what a test pauses it resumes."""
    with Sandbox(tmp_path_factory.mktemp("other")) as sandbox:
        sandbox.up(1)
        yield sandbox


@pytest.fixture
def pair(sandbox1: Sandbox, other: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pair]:
    """dc1 is the shared cluster, dc2 this module's."""
    one = Pair({"dc1": sandbox1.bootstrap(), "dc2": other.bootstrap()}, prefix, tmp_path)
    yield one
    one.end()


@pytest.fixture
def frail(sandbox1: Sandbox, other: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pair]:
    """dc1 is this module's cluster, which may be paused, dc2 the shared one."""
    one = Pair({"dc1": other.bootstrap(), "dc2": sandbox1.bootstrap()}, prefix, tmp_path)
    yield one
    one.end()


def moves(pair: Pair, alerting: Alerting, epoch: int) -> None:
    """Prove that a planned switch to dc2 moves it: what comes there is processed once, what was skipped is not."""
    pair.prepare(epoch)
    pair.await_state("prepared", pids={alerting.pid}, on="dc2")
    detail = pair.begin_at_ends()
    pair.dc2.send(200)
    pair.dc2.flush()
    pair.write("dc1", "COMMIT", epoch, detail=detail)
    pair.dc2.await_processed()
    pair.await_state("running", pids={alerting.pid}, epoch=epoch)


def test_a_planned_switch_and_an_aborted_one(pair: Pair) -> None:
    """ABORT: everything goes on where it was. COMMIT: on the other cluster, in the same process, without a repeat."""
    alerting = pair.dc1.alerting("-v")
    pair.dc1.send(200)
    pair.dc1.await_processed()
    pair.prepare(1)
    pair.await_state("prepared", pids={alerting.pid})
    assert {one["attempt"] for one in beats(pair.dc2, alerting.pid) if one["state"] == "prepared"} == {"attempt-1"}
    pair.dc1.send(100)
    pair.dc1.flush()
    pair.write("dc1", "ABORT", 1)
    pair.dc1.await_processed()
    moves(pair, alerting, 2)
    for site in (pair.dc1, pair.dc2):
        outputs = site.verify(least=50)
        assert len(outputs) == len({one.id for one in outputs})
    assert alerting.stop() == 0


def test_what_was_processed_before_is_passed_over(pair: Pair) -> None:
    """Ranges of COMMIT are not processed in that epoch, whether it moved or starts there; what lies around them is."""
    for site in pair.sites.values():
        site.authorise("NL01", ["anna"])
        site.put_settings("anna", settings_row("anna", "NL01"))
        site.flush()
    detail = pair.begin_at_ends()
    for number in range(5):
        pair.dc2.book(debit("NL01", f"entry-{number}"))
    pair.dc2.flush()
    client = pair.dc2.client()
    (place,) = [one for one, end in ends(client, pair.dc2.places(ENTRIES)).items() if end]
    client.close()
    detail["groups"][pair.dc2.group()][f"{place[0]}/{place[1]}"]["skip"] = [[0, 2], [3, 4]]
    pair.write("dc2", "COMMIT", 1, mode="forced", detail=detail)
    alerting = pair.dc1.alerting("--until-end")
    alerting.process.wait(SECONDS)
    assert [one.entry for one in pair.dc2.outputs()] == ["entry-2", "entry-4"]
    assert beats(pair.dc2, alerting.pid)[-1]["skippedBySwitch"] == 3
    (said,) = [one for one in alerting.messages() if "skipped" in one]
    assert said.endswith(": up to 3 records from offset 0 on are skipped; the switch says that they were processed")


def test_started_and_stopped_while_a_switch_is_pending(pair: Pair) -> None:
    """It says that it is prepared, processes nothing, ends at once when told to, and moves when the others do."""
    pair.dc1.send(50)
    pair.dc1.flush()
    pair.prepare(1)
    stopped, alerting = pair.dc1.alerting(), pair.dc1.alerting(state="other")
    pair.await_state("prepared", pids={stopped.pid, alerting.pid})
    stopped.send(signal.SIGTERM)
    assert stopped.process.wait(5) == 0
    detail = pair.begin_at_ends()
    pair.dc2.send(100)
    pair.dc2.flush()
    pair.write("dc1", "COMMIT", 1, detail=detail)
    pair.dc2.await_processed()
    assert pair.dc1.outputs() == []
    pair.dc2.verify(least=20)


def test_woken_after_the_switch(pair: Pair) -> None:
    """A process that was stopped over a COMMIT does not process another record where it was."""
    alerting = pair.dc1.alerting()
    pair.dc1.send(50)
    pair.dc1.await_processed()
    psutil.Process(alerting.pid).suspend()
    pair.dc1.send(200)
    pair.dc1.flush()
    pair.prepare(1)
    detail = pair.begin_at_ends()
    pair.write("dc1", "COMMIT", 1, detail=detail)
    pair.dc2.send(100)
    pair.dc2.flush()
    before = len(pair.dc1.outputs())
    assert not wait_until(lambda: False, 10.5)  # the lease
    psutil.Process(alerting.pid).resume()
    pair.dc2.await_processed()
    assert len(pair.dc1.outputs()) == before
    pair.dc2.verify(least=20)


@pytest.mark.parametrize("how", ["paused", "killed"])
def test_a_forced_switch_away_from_a_cluster_that_is(frail: Pair, other: Sandbox, how: str) -> None:
    """All instances alert from dc2 within 5 s, in the same processes, whatever they were doing with dc1."""
    alertings = [frail.dc1.alerting(state=name) for name in ("", "second")]
    pids = {one.pid for one in alertings}
    frail.dc1.send(400)
    frail.dc1.await_processed()
    frail.dc1.send(400)  # some of it is under way
    detail = frail.begin_at_ends()
    frail.dc2.send(200)
    frail.dc2.flush()
    (other.pause if how == "paused" else other.kill)("dc1")
    try:
        frail.write("dc2", "COMMIT", 1, mode="forced", detail=detail)
        frail.await_state("running", pids=pids, epoch=1, on="dc2")
        first = {pid: [one for one in beats(frail.dc2, pid) if one["epoch"] == 1] for pid in pids}
        committed = frail.log.view().commit
        assert committed is not None
        for seen in first.values():
            assert next(one["time"] for one in seen if one["state"] == "running") - committed.at < 5000
        await_processed(frail, alertings)
        frail.dc2.verify(least=50)
        for one in alertings:
            assert one.stop() == 0
    finally:
        other.resume("dc1") if how == "paused" else other.start("dc1")


def await_processed(pair: Pair, alertings: list[Alerting]) -> None:
    """Wait until what dc2 has is processed there, by these."""
    pair.dc2.alertings, kept = alertings, pair.dc2.alertings
    pair.dc2.await_processed()
    pair.dc2.alertings = kept


def test_the_tables_go_on_on_the_other_cluster(pair: Pair) -> None:
    """No alert by a row that the overlap brings back; changes there are followed; a restart reads nothing again."""
    for site in pair.sites.values():
        site.authorise("NL01", ["anna"])
        site.authorise("NL02", ["anna"])
        for above in (0, 10, 1_000_000):
            site.put_settings("anna", settings_row("anna", "NL01", above=above))
        site.flush()
    alerting = pair.dc1.alerting()
    pair.dc1.send(20)
    pair.dc1.await_processed()
    pair.prepare(1)
    pair.await_state("prepared", pids={alerting.pid})
    detail = pair.begin_at_ends()
    for number in range(20):
        pair.dc2.book(debit("NL01", f"quiet-{number}", cents=1000))
    pair.dc2.flush()
    pair.write("dc1", "COMMIT", 1, detail=detail)
    pair.dc2.await_processed()
    assert pair.dc2.outputs() == []
    pair.dc2.put_settings("anna", settings_row("anna", "NL02"))
    pair.dc2.flush()
    numbers = count()

    def heard() -> bool:
        pair.dc2.book(debit("NL02", f"loud-{next(numbers)}"))
        pair.dc2.flush()
        return bool(pair.dc2.outputs())

    assert wait_until(heard, SECONDS, every=0.2), pair.dc1.said()
    assert alerting.stop() == 0
    again = pair.dc1.alerting("--until-end")
    assert again.process.wait(SECONDS) == 0
    assert "read again" not in alerting.stderr() + again.stderr()


def test_rows_of_any_time_are_read_on_the_other_cluster(pair: Pair) -> None:
    """A row that is there, and says that it is hours old, counts: where to go on is not told by times."""
    pair.dc1.authorise("NL05", ["anna"])
    pair.dc1.put_settings("anna", settings_row("anna", "NL06"))
    pair.dc1.flush()
    alerting = pair.dc1.alerting()
    pair.dc1.send(20)
    pair.dc1.await_processed()
    hours_ago = time_ns() // 1_000_000 - 7_200_000
    ids = CODEC.encode("CustomerIds", {"customerIds": [{"id": "anna"}]})
    pair.dc2.put(AUTHORISATIONS, ids, CODEC.encode("AccountId", {"id": "NL05"}), timestamp=hours_ago)
    row = CODEC.encode("CustomerAlertSettings", settings_row("anna", "NL05"))
    pair.dc2.put(SETTINGS, row, CODEC.encode("CustomerId", {"id": "anna"}), timestamp=hours_ago)
    pair.dc2.flush()
    pair.prepare(1)
    pair.await_state("prepared", pids={alerting.pid})
    pair.write("dc1", "COMMIT", 1, detail=pair.begin_at_ends())
    pair.dc2.book(debit("NL05", "by-the-old-row", cents=1000))
    pair.dc2.await_processed()
    assert len(pair.dc2.outputs()) == 1, pair.dc1.said()
    assert alerting.stop() == 0


def lines(*numbers: int) -> str:
    """Bookings as the bridge reads them."""
    return "".join(json.dumps(debit(f"NL{number % 7}", f"entry-{number}")) + "\n" for number in numbers)


def held(site: Site) -> list[str]:
    """The ids of the entries that a cluster has, each partition's in order."""
    headers: list[dict[str, Any]] = [dict(one.headers() or ()) for one in site.read(ENTRIES)]
    return [one["ka-id"].decode() for one in headers]


def names(*numbers: int) -> set[str]:
    """Ids of entries."""
    return {f"entry-{number}" for number in numbers}


def test_a_bridge_moves_while_its_source_is_quiet(pair: Pair, tmp_path: Path) -> None:
    """It acknowledges by itself, and what comes while it stands still goes to the other cluster, all once."""
    path = tmp_path / "entries"
    path.write_text(lines(*range(20)), encoding="utf-8")
    with running(pair.dc1, "run", "bridge", "--follow", "--from", str(path)) as bridge:
        assert wait_until(lambda: len(held(pair.dc1)) == 20, SECONDS)
        pair.prepare(1)
        pair.await_state("prepared", pids={bridge.pid})
        with path.open("a", encoding="utf-8") as log:
            log.write(lines(*range(20, 40)))
        pair.write("dc1", "COMMIT", 1)
        assert wait_until(lambda: len(held(pair.dc2)) == 20, SECONDS)
        bridge.send_signal(signal.SIGTERM)
        _, told = bridge.communicate(timeout=SECONDS)
    assert (bridge.returncode, told.splitlines()[-1]) == (0, "40 entries sent and acknowledged.")
    assert (set(held(pair.dc1)), set(held(pair.dc2))) == (names(*range(20)), names(*range(20, 40)))
    assert len(held(pair.dc1)) == len(held(pair.dc2)) == 20


def test_a_bridge_that_waits_for_its_rate_ends_while_it_is_prepared(pair: Pair, tmp_path: Path) -> None:
    """It notices the switch between two entries, and SIGTERM at once."""
    path = tmp_path / "entries"
    path.write_text(lines(*range(3)), encoding="utf-8")
    with running(pair.dc1, "run", "bridge", "--rate", "0.01", "--from", str(path)) as bridge:
        assert wait_until(lambda: len(held(pair.dc1)) == 1, SECONDS)
        pair.prepare(1)
        pair.await_state("prepared", pids={bridge.pid})
        bridge.send_signal(signal.SIGTERM)
        _, told = bridge.communicate(timeout=5)
    assert bridge.returncode == 0
    assert "1 entry sent and acknowledged." in told


def test_a_bridge_sends_again_what_a_lost_cluster_may_not_have_given_on(
    frail: Pair, other: Sandbox, tmp_path: Path
) -> None:
    """What was not acknowledged, and before it what was in the last minute, each account's in order."""
    path = tmp_path / "entries"
    path.write_text(lines(*range(20)), encoding="utf-8")
    with running(frail.dc1, "run", "bridge", "--follow", "--from", str(path)) as bridge:
        assert wait_until(lambda: len(held(frail.dc1)) == 20, SECONDS)
        other.pause("dc1")
        try:
            with path.open("a", encoding="utf-8") as log:
                log.write(lines(*range(20, 40)))
            frail.write("dc2", "COMMIT", 1, mode="forced")
            assert wait_until(lambda: set(held(frail.dc2)) == names(*range(40)), SECONDS)
            bridge.send_signal(signal.SIGTERM)
            _, told = bridge.communicate(timeout=SECONDS)
        finally:
            other.resume("dc1")
    assert (bridge.returncode, told.splitlines()[-1]) == (0, "40 entries sent and acknowledged.")
    by_account: dict[int, list[int]] = {}
    for one in held(frail.dc2):
        number = int(one.removeprefix("entry-"))
        by_account.setdefault(number % 7, []).append(number)
    assert all(one == sorted(one) for one in by_account.values())
