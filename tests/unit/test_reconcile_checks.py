"""What `failover reconcile` refuses to begin with, and what it says of two clusters with stranded records."""

from datetime import UTC, datetime

import pytest

from kafkalert.bus.connect import Connect, Connector, WorkerError
from kafkalert.bus.flow import flows
from kafkalert.commands import failover_reconcile as command
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.errors import RefusedError, UnreachableError
from kafkalert.ops.failover.reconcile import checks
from kafkalert.ops.failover.reconcile.checks import check_runs, check_stopped, is_stopped
from kafkalert.ops.failover.reconcile.result import VERSION, Outcome, Reconciliation, Stranded, Superseded
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.mirror.status import FlowStatus

SETTINGS = Settings(
    context=Context(clusters=("dc1", "dc2")),
    clusters={
        name: Cluster(name=name, bootstrap="127.0.0.1:1", connect="http://127.0.0.1:1") for name in ("dc1", "dc2")
    },
)
AT = datetime(2026, 1, 31, 8, tzinfo=UTC)


def test_a_worker_that_does_not_answer_is_not_taken_for_a_stopped_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs to know says so."""
    monkeypatch.setattr(checks, "_SETTLED_SECONDS", 0.1)
    (out, _) = flows(SETTINGS)
    assert not is_stopped(SETTINGS, out)
    with pytest.raises(UnreachableError, match="beside dc2"):
        check_stopped(SETTINGS, out)


def test_it_looks_again_while_workers_share_out_their_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """They refuse, or tell of no state, before they know that the flow is stopped."""
    stopped = Connector("mirror", "STOPPED")
    told = iter([WorkerError("rebalance", 409), None, Connector("mirror", "UNASSIGNED"), stopped])

    def status(_: Connect, _name: str) -> Connector | None:
        one = next(told)
        if isinstance(one, WorkerError):
            raise one
        return one

    monkeypatch.setattr(Connect, "status", status)
    monkeypatch.setattr(checks, "_STEP_SECONDS", 0)
    assert is_stopped(SETTINGS, flows(SETTINGS)[0])
    assert next(told, None) is None


@pytest.mark.parametrize(
    ("state", "hint"),
    [(Condition.FAILED, "mirror apply` mends it"), (Condition.PAUSED, "stop its connector mirror beside dc1")],
)
def test_a_flow_that_neither_runs_nor_is_stopped_is_refused(state: Condition, hint: str) -> None:
    """With what to do; one that starts passes."""
    check_runs(flow(Condition.STARTING))
    with pytest.raises(RefusedError, match=f"not running: {state}") as refused:
        check_runs(flow(state))
    assert hint in refused.value.hint


def flow(state: Condition) -> FlowStatus:
    """The flow from dc2 to dc1, without lag."""
    return FlowStatus("dc2", "dc1", "mirror", state, "", 2, 2, 0, 0.0, lag_complete=True, lag_reason="")


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
