"""What `failover reconcile` refuses to begin with, and what it says of two clusters with stranded records."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from kafkalert.bus.connect.client import Connect, Connector, WorkerError
from kafkalert.bus.connect.flow import Flow, flows
from kafkalert.commands import failover_reconcile as command
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.engine.clock import SystemClock
from kafkalert.errors import RefusedError, UnreachableError
from kafkalert.ops.failover.reconcile import checks, waiting
from kafkalert.ops.failover.reconcile.checks import check_runs, check_stopped, is_stopped
from kafkalert.ops.failover.reconcile.reconciling import _carry
from kafkalert.ops.failover.reconcile.result import VERSION, Outcome, Reconciliation, Stranded, Superseded
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.mirror.status import FlowStatus, TopicLag

SETTINGS = Settings(
    context=Context(clusters=("dc1", "dc2")),
    clusters={
        name: Cluster(name=name, bootstrap="127.0.0.1:1", connect="http://127.0.0.1:1") for name in ("dc1", "dc2")
    },
)
AT = datetime(2026, 1, 31, 8, tzinfo=UTC)


def test_a_worker_that_does_not_answer_is_not_taken_for_a_stopped_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs to know says so."""
    monkeypatch.setattr(checks, "WORKER_SECONDS", 0.1)
    (out, _) = flows(SETTINGS)
    noted: list[str] = []
    assert not is_stopped(SETTINGS, out, noted.append)
    assert set(noted) == {"waiting for the worker beside dc2 to tell of dc1 to dc2"}
    with pytest.raises(UnreachableError, match="beside dc2"):
        check_stopped(SETTINGS, out)


def test_it_looks_again_while_workers_share_out_their_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """They refuse, or tell of no state, before they know that the flow is stopped: that may take ten seconds."""
    stopped = Connector("mirror", "STOPPED")
    told = iter([WorkerError("rebalance", 409), None, *[Connector("mirror", "UNASSIGNED")] * 10, stopped])
    seconds = count()

    def status(_: Connect, _name: str) -> Connector | None:
        one = next(told)
        if isinstance(one, WorkerError):
            raise one
        return one

    monkeypatch.setattr(Connect, "status", status)
    monkeypatch.setattr(checks, "_STEP_SECONDS", 0)
    monkeypatch.setattr(checks, "monotonic", lambda: next(seconds))
    assert is_stopped(SETTINGS, flows(SETTINGS)[0], lambda _: None)
    assert next(told, None) is None


@pytest.mark.parametrize(
    ("state", "hint"),
    [
        (Condition.FAILED, "mirror apply` mends it"),
        (Condition.PAUSED, "stop its connector mirror beside dc1"),
        (Condition.STOPPED, "Run this again"),
    ],
)
def test_a_flow_that_neither_runs_nor_is_stopped_is_refused(state: Condition, hint: str) -> None:
    """With what to do; one that starts passes."""
    check_runs(flow(Condition.STARTING))
    with pytest.raises(RefusedError, match=f"not running: {state}") as refused:
        check_runs(flow(state))
    assert hint in refused.value.hint


def flow(state: Condition, records: int = 0, why: str = "") -> FlowStatus:
    """The flow from dc2 to dc1, without lag or with one that is not known in full."""
    topics = (TopicLag("accountentry", records, 0.0, complete=not why),)
    return FlowStatus(
        "dc2", "dc1", "mirror", state, "", 2, 2, records, 0.0, lag_complete=not why, lag_reason=why, topics=topics
    )


@dataclass
class Looks:
    """Stands for the clusters: what a look at the newest records sees, and a whole one, and the seconds of each."""

    newest: FlowStatus
    whole: FlowStatus
    asked: list[tuple[bool, float]] = field(default_factory=list)

    def status(self, *_: object, seconds: float, whole: bool = False, **__: object) -> list[FlowStatus]:
        """As `status` of the mirror."""
        self.asked.append((whole, round(seconds)))
        return [self.whole if whole else self.newest]

    def wait(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        """Wait until the flow has caught up."""
        monkeypatch.setattr(waiting, "status", self.status)
        back = flows(SETTINGS)[1]
        waiting.await_back(SETTINGS, back, (), SystemClock(), seconds, lambda _: None)


def test_where_the_newest_records_do_not_tell_all_are_read_in_the_time_that_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That may take long; where it takes too long, this is said, and not that there is something to carry."""
    cut = flow(Condition.RUNNING, 0, "there was too much")
    looks = Looks(cut, flow(Condition.RUNNING))
    looks.wait(monkeypatch, 600)
    assert looks.asked == [(False, 5), (True, 600)]
    with pytest.raises(RefusedError, match=r"could not be read within 0 s how far .* is: there was") as refused:
        Looks(cut, cut).wait(monkeypatch, 0)
    assert "--timeout" in refused.value.hint


def test_a_flow_that_is_seen_to_be_far_behind_is_not_read_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes time and memory, and tells nothing new."""
    behind = flow(Condition.RUNNING, 2000, "there was too much")
    looks = Looks(behind, behind)
    with pytest.raises(RefusedError, match="has not caught up within 0 s: 2,000 to carry"):
        looks.wait(monkeypatch, 0)
    assert {whole for whole, _ in looks.asked} == {False}


def test_both_ways_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """What is stranded on which cluster before it asks, and in the end what was carried and what is next."""
    found = Reconciliation(
        version=VERSION,
        context="test",
        outcome=Outcome.RECONCILED,
        source="dc2",
        target="dc1",
        topics=(
            Stranded("accountentry", "records", 7, 0, AT, AT, 7, source="dc1"),
            Stranded("customeralertsettings", "rows", 2, 1, AT, AT, 1, source="dc2"),
        ),
        superseded=(Superseded("customeralertsettings", 0, 5, AT, source="dc2"),),
        carry=9,
        carried=8,
        put=0,
        vanished=0,
        seconds=1.0,
    )
    command._show(found)
    said = capsys.readouterr().err.splitlines()
    assert said[0].endswith("Stranded on dc2, 2 to carry to dc1:")
    assert "superseded: customeralertsettings[0] at 5" in said[2]
    assert said[3].endswith("Stranded on dc1, 7 to carry to dc2:")
    ending = list(command._ending(found, dry_run=False))
    assert ending[0].startswith("Carried 1 record from dc2 to dc1 and 7 records from dc1 to dc2 in 1.0 s.")
    assert "failover --to dc2" in ending[-1]


def test_what_is_only_in_doubt_is_named_and_nothing_is_stranded(capsys: pytest.CaptureFixture[str]) -> None:
    """It looks like a copy of what has expired."""
    one = Stranded(
        "accountentry", "records", 0, 0, None, None, source="dc1", doubtful=2, doubtful_at="accountentry[3] at 7"
    )
    many = replace(one, doubtful=0, unseen=1234)
    found = Reconciliation(VERSION, "test", Outcome.PLANNED, "dc1", "dc2", (one, many), (), 0, 0, 0, 0, 1.0)
    command._show(found)
    first, warning, unseen = capsys.readouterr().err.splitlines()
    assert first.endswith("Nothing is stranded.")
    assert warning.endswith(
        "  warning: 2 of accountentry, the first in accountentry[3] at 7, have the header of a copy from dc2, where "
        "they are not. They may have expired there, so they are not carried."
    )
    assert unseen.endswith(
        "  warning: 1,234 of accountentry have the header of a copy from dc2, and were not looked for: they lie behind "
        "the first 1,000,000 with it. Those that dc2 does not have are not carried."
    )


def at(seconds: int) -> datetime:
    """So long after 04:15 of a morning."""
    return datetime(2026, 1, 31, 4, 15, tzinfo=UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("count", "newest", "said"),
    [
        (
            133,
            datetime(2026, 1, 31, 4, 15, 59, tzinfo=UTC),
            "133 bookings of 2026-01-31 04:15 UTC are alerted now, late",
        ),
        (
            1,
            datetime(2026, 1, 31, 4, 17, tzinfo=UTC),
            "1 booking of 2026-01-31 04:15 to 04:17 UTC is alerted now, late",
        ),
    ],
)
def test_what_becomes_of_bookings_is_said_in_their_words(count: int, newest: datetime, said: str) -> None:
    """The operator learns that customers get alerts of the night now; of other records that they are carried."""
    flow = Flow("dc1", "dc2", "mirror")
    entries = Stranded("accountentry", "records", count, 0, at(0), newest, source="dc1")
    assert _carry(entries, flow, "accountentry") == f"carry from dc1 to dc2: {said}"
    rows = replace(entries, topic="customeralertsettings", kind="rows", carry=7)
    assert _carry(rows, flow, "accountentry") == "carry 7 rows of customeralertsettings from dc1 to dc2"
