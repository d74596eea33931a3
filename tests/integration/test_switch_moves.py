"""Stages move between two real clusters as the control log says; the tests write it, and stand in for the mirror."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.alerting import SECONDS, Alerting
from tests.made import debit, wishes
from tests.reading import ENTRIES, ends
from tests.running import beats
from tests.switching import Pair

pytestmark = pytest.mark.kafka


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
    detail = pair.cut()
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
        site.wish("anna", wishes("anna", "NL01"))
        site.flush()
    detail = pair.cut()
    for number in range(5):
        pair.dc2.book(debit("NL01", f"entry-{number}"))
    pair.dc2.flush()
    client = pair.dc2.client()
    (place,) = [one for one, end in ends(client, pair.dc2.places(ENTRIES)).items() if end]
    client.close()
    detail["groups"][pair.dc2.group()][f"{place[0]}/{place[1]}"]["skip"] = [[0, 2], [3, 4]]
    pair.write("dc2", "COMMIT", 1, mode="forced", detail=detail)
    pair.dc1.alerting("--until-end").process.wait(SECONDS)
    assert [one.entry for one in pair.dc2.outputs()] == ["entry-2", "entry-4"]


def test_started_and_stopped_while_a_switch_is_pending(pair: Pair) -> None:
    """It says that it is prepared, processes nothing, ends at once when told to, and moves when the others do."""
    pair.dc1.send(50)
    pair.dc1.flush()
    pair.prepare(1)
    stopped, alerting = pair.dc1.alerting(), pair.dc1.alerting(state="other")
    pair.await_state("prepared", pids={stopped.pid, alerting.pid})
    stopped.send(signal.SIGTERM)
    assert stopped.process.wait(5) == 0
    detail = pair.cut()
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
    detail = pair.cut()
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
    detail = frail.cut()
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
