"""Whether to act: a table of cases, in the order in which they count; and that no survey is called well that is not."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.findings import judged
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import PendingSwitch, Survey
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.overview.verdict import Level, Trend, verdict
from tests.support.data.picture import SURVEY, WELL, clusters, flow, instance

PENDING = PendingSwitch(4, "a1", "dc1", "dc2", "ann@ops", None, "")
HELD = instance("vm-1", "held: the customer tables are 8 s out of date")
SILENT = instance("vm-1", presence=Presence.SILENT)
RATES: dict[str, Any] = {"entries_per_second": 502.0, "alerts_per_second": 498.0, "p50_ms": 7, "p99_ms": 25}
BUSY = replace(WELL, instances=(instance("vm-1", **RATES), instance("vm-2", **RATES)))

SWITCHING = replace(WELL, pending=PENDING, clusters=clusters("dc1"))
ONE_HELD = replace(WELL, instances=(HELD, instance("vm-2")))
ONE_SILENT = replace(WELL, instances=(SILENT, instance("vm-2")))
NOT_KNOWN = replace(WELL, flows=(flow("dc1", "dc2", lag_records=None), flow("dc2", "dc1")))

CASES: list[tuple[str, Survey | None, Trend, Level, str]] = [
    ("loading", None, Trend(), Level.LOADING, "Asking"),
    (
        "under way",
        replace(WELL, pending=PENDING, clusters=clusters("dc1")),
        Trend(),
        Level.SWITCH,
        "ann@ops moves stages",
    ),
    ("just over", WELL, Trend(moved_to="dc2", moved_seconds=4), Level.SWITCH, "moved to dc2 4 s ago"),
    ("just over, nobody runs", SURVEY, Trend(moved_to="dc2"), Level.ACT, "alerting does not run"),
    ("active away", replace(WELL, clusters=clusters("dc1")), Trend(dead=3), Level.ACT, "dc1 is the active cluster"),
    ("nobody", SURVEY, Trend(waiting=9e9, growth=5), Level.ACT, "No alerts are sent: alerting does not run"),
    ("held", replace(WELL, instances=(HELD,)), Trend(), Level.ACT, "No alerts are sent: vm-1 is held"),
    (
        "one is held",
        replace(WELL, instances=(HELD, instance("vm-2"))),
        Trend(),
        Level.LOOK,
        "Some alerts wait: vm-1 is held",
    ),
    (
        "one is silent",
        replace(WELL, instances=(SILENT, instance("vm-2"))),
        Trend(dead=3),
        Level.LOOK,
        "does not respond",
    ),
    ("passive away", replace(WELL, clusters=clusters("dc2")), Trend(dead=3), Level.LOOK, "dc2 does not answer"),
    (
        "flow",
        replace(WELL, flows=(flow("dc1", "dc2", Condition.FAILED), flow("dc2", "dc1"))),
        Trend(),
        Level.LOOK,
        "The mirror from dc1 to dc2",
    ),
    ("grows", WELL, Trend(48_210, 120, 3), Level.LOOK, "48,210 records wait, 120 more each second"),
    (
        "shrinks",
        WELL,
        Trend(48_000, -240),
        Level.LOOK,
        "48,000 records wait, 240 fewer each second: none will in 200 s",
    ),
    ("a few wait", WELL, Trend(999, 500), Level.ALL_WELL, ""),
    ("waits, and nobody knows the pace", WELL, Trend(48_000, None), Level.ALL_WELL, ""),
    ("dead letters", WELL, Trend(dead=3), Level.LOOK, "3 records could not be processed"),
    (
        "unknown",
        replace(WELL, flows=(flow("dc1", "dc2", lag_records=None), flow("dc2", "dc1"))),
        Trend(),
        Level.LOOK,
        "not known",
    ),
    (
        "busy",
        BUSY,
        Trend(),
        Level.ALL_WELL,
        "1,004 bookings a second become 996 alerts, half of them within 7 ms, 99 of 100 within 25 ms. A planned switch",
    ),
    ("idle", WELL, Trend(), Level.ALL_WELL, "No bookings come in; 2 instances of alerting wait for some."),
    ("one cluster", replace(BUSY, clusters=clusters()[:1], flows=()), Trend(), Level.ALL_WELL, "within 25 ms."),
]


@pytest.mark.parametrize(
    ("found", "trend", "level", "sentence"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_first_that_holds_decides(found: Survey | None, trend: Trend, level: Level, sentence: str) -> None:
    """By the order of the table."""
    judgement = verdict(judged(found) if found is not None else None, trend)
    assert judgement.level is level, judgement
    assert sentence in judgement.sentence


def test_who_has_one_cluster_is_promised_no_switch() -> None:
    """There is nowhere to move to."""
    assert "switch" not in verdict(judged(replace(BUSY, clusters=clusters()[:1], flows=()))).sentence


@given(
    dead=st.sampled_from([(), ("dc1",), ("dc2",), ("dc1", "dc2")]),
    presences=st.lists(st.sampled_from(Presence), max_size=4),
    state=st.sampled_from(["running", "held: x", "loading"]),
    condition=st.sampled_from(Condition),
    lag=st.none() | st.integers(0, 9),
)
def test_nothing_is_called_well_that_is_not(
    dead: tuple[str, ...], presences: list[Presence], state: str, condition: Condition, lag: int | None
) -> None:
    """ALL WELL needs clusters that answer, flows that run and are known, and alerting that works and is alive."""
    instances = tuple(instance(f"vm-{place}", state, presence) for place, presence in enumerate(presences))
    flows = (flow("dc1", "dc2", condition, lag_records=lag), flow("dc2", "dc1"))
    found = judged(replace(SURVEY, clusters=clusters(*dead), instances=instances, flows=flows))
    alive = [presence for presence in presences if presence is not Presence.STOPPED]
    well = (
        not dead
        and Presence.ALIVE in alive
        and set(alive) == {Presence.ALIVE}
        and state == "running"
        and condition in {Condition.RUNNING, Condition.STARTING}
        and (lag is not None or condition is Condition.STARTING)
    )
    assert (verdict(found).level is Level.ALL_WELL) == well, found.findings
    if not dead and not any(finding.grade is Grade.BAD for finding in found.findings):
        assert verdict(found).level is not Level.ACT
