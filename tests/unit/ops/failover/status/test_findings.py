"""What bare `failover` says first, its verdict, and how it shows what nobody knows."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.findings import judged
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import (
    ClusterSeen,
    GroupLag,
    OpenTransaction,
    PendingSwitch,
    Survey,
    Verdict,
)
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.mirror.expired import Expired
from kafkalert.views.failover_progress import result_words
from kafkalert.views.failover_survey import headline, show, tables
from tests.support.data.picture import WELL, clusters, flow, instance
from tests.unit.ops.failover.switch.test_progress_log import DONE

HELD = "held: the customer tables are 8 s out of date"
SILENT = Presence.SILENT
BRIDGE = instance("vm-9", stage="bridge")
OPEN = OpenTransaction("accountentry", 3, 17, "`tool` names it")


CASES: list[tuple[str, Survey, Verdict, str]] = [
    ("well", WELL, Verdict.OK, ""),
    (
        "active dead",
        replace(WELL, clusters=clusters("dc1")),
        Verdict.UNREACHABLE,
        "dc1 is the active cluster and does not",
    ),
    (
        "active dead, alerting held",
        replace(WELL, clusters=clusters("dc1"), instances=(instance("vm-1", HELD),)),
        Verdict.UNREACHABLE,
        "dc1 is the active cluster and does not answer.",
    ),
    ("passive dead", replace(WELL, clusters=clusters("dc2")), Verdict.UNREACHABLE, "dc2 does not answer. Stages stay"),
    (
        "records gone unread",
        replace(WELL, groups=(GroupLag("kafkalert.alerting", 2, 0, 7),)),
        Verdict.NOT_OK,
        "At most 7 records expired or were deleted before kafkalert.alerting read them; `kafkalert group show",
    ),
    (
        "records behind open transactions",
        replace(WELL, groups=(GroupLag("kafkalert.alerting", 2, 9, 0, 9, (OPEN, replace(OPEN, partition=4))),)),
        Verdict.OK,
        (
            "9 records for kafkalert.alerting wait on dc1 behind an open transaction of another program in "
            "accountentry[3] from offset 17 on, and in 1 other partition: `tool` names it."
        ),
    ),
    ("no alerting", replace(WELL, instances=(BRIDGE,)), Verdict.NOT_OK, "No alerts are sent: alerting does not run."),
    (
        "no alerting, passive dead",
        replace(WELL, instances=(), clusters=clusters("dc2")),
        Verdict.UNREACHABLE,
        "No alerts are sent: alerting does not run.",
    ),
    (
        "one held, the other frozen",
        replace(WELL, instances=(instance("vm-1", HELD), instance("vm-2", presence=SILENT))),
        Verdict.NOT_OK,
        f"No alerts are sent: vm-1 is {HELD}, vm-2 does not respond.",
    ),
    (
        "one frozen",
        replace(WELL, instances=(instance("vm-1"), instance("vm-2", presence=SILENT))),
        Verdict.NOT_OK,
        "alerting vm-2 does not respond; 1 other instance of alerting runs, and takes over what it read.",
    ),
    (
        "one stuck",
        replace(WELL, instances=(instance("vm-1"), instance("vm-2", presence=Presence.STUCK))),
        Verdict.NOT_OK,
        "Some alerts wait: vm-2 does not respond; 1 other instance of alerting runs.",
    ),
    (
        "starting",
        replace(WELL, instances=(instance("vm-1", "loading"),)),
        Verdict.NOT_OK,
        "No alerts are sent yet: alerting is loading.",
    ),
    (
        "elsewhere",
        replace(WELL, instances=(instance("vm-1", cluster="dc2"),)),
        Verdict.NOT_OK,
        "No alerts are sent on dc1: alerting is elsewhere.",
    ),
    (
        "in a switch",
        replace(
            WELL,
            instances=(instance("vm-1", "prepared"),),
            pending=PendingSwitch(1, "x", "dc1", "dc2", "ann@ops", None, ""),
        ),
        Verdict.NOT_OK,
        "Alerts wait for the switch that is under way.",
    ),
    (
        "bridge frozen",
        replace(WELL, instances=(instance("vm-1"), replace(BRIDGE, presence=SILENT))),
        Verdict.NOT_OK,
        "bridge vm-9 does not respond: it ended without a word, or hangs.",
    ),
    (
        "mirror stopped",
        replace(WELL, flows=(flow("dc1", "dc2", state=Condition.STOPPED), flow("dc2", "dc1"))),
        Verdict.NOT_OK,
        "The mirror from dc1 to dc2 is stopped. `kafkalert mirror apply --resume` lets it go on.",
    ),
    (
        "mirror stopped by force",
        replace(WELL, given_up="dc2", flows=(flow("dc1", "dc2"), flow("dc2", "dc1", state=Condition.STOPPED))),
        Verdict.NOT_OK,
        "The mirror from dc2 to dc1 is stopped. A forced switch has stopped it: `kafkalert failover reconcile --from",
    ),
    (
        "mirror failed",
        replace(WELL, flows=(flow("dc1", "dc2", state=Condition.FAILED), flow("dc2", "dc1"))),
        Verdict.NOT_OK,
        "The mirror from dc1 to dc2 is failed. `kafkalert mirror status` tells more, `kafkalert mirror apply`",
    ),
    (
        "mirror unknown",
        replace(WELL, flows=(flow("dc1", "dc2", state=Condition.UNREACHABLE), flow("dc2", "dc1"))),
        Verdict.NOT_OK,
        "The mirror from dc1 to dc2 is not known.",
    ),
    (
        "lag unknown",
        replace(WELL, flows=(flow("dc1", "dc2", lag_records=None, lag_reason="too much"), flow("dc2", "dc1"))),
        Verdict.NOT_OK,
        "The lag of the mirror from dc1 to dc2 is not known: too much.",
    ),
    (
        "control log unread",
        replace(WELL, clusters=(WELL.clusters[0], ClusterSeen("dc2", answers=True, control=False))),
        Verdict.NOT_OK,
        "The control log of dc2 could not be read.",
    ),
    (
        "heard on one cluster",
        replace(WELL, instances=(instance("vm-1", unheard=("dc2",)),)),
        Verdict.NOT_OK,
        "alerting vm-1 is not heard on dc2; a planned switch would wait for it and be called off.",
    ),
]


@pytest.mark.parametrize(("found", "verdict", "first"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_worst_comes_first_and_makes_the_verdict(found: Survey, verdict: Verdict, first: str) -> None:
    """An active cluster that is dead before alerts that are not sent, before all else."""
    told = judged(found)
    assert told.verdict is verdict
    assert (told.notes[0] if told.notes else "").startswith(first)
    assert bool(first) == bool(told.notes)


STATES = st.sampled_from(["running", "joining", "loading", "prepared", HELD])
INSTANCES = st.builds(
    instance,
    st.sampled_from(["vm-1", "vm-2", "vm-3"]),
    STATES,
    st.sampled_from(Presence),
    stage=st.sampled_from(["alerting", "bridge"]),
    cluster=st.sampled_from(["dc1", "dc2", ""]),
)
SURVEYS = st.builds(
    replace,
    st.just(WELL),
    clusters=st.sampled_from([clusters(), clusters("dc1"), clusters("dc2")]),
    instances=st.lists(INSTANCES, max_size=4).map(tuple),
)


@given(SURVEYS)
def test_all_is_well_only_where_alerts_are_sent_and_nobody_is_held_or_silent(found: Survey) -> None:
    """Whatever the instances say."""
    if judged(found).verdict is not Verdict.OK:
        return
    there = [one for one in found.instances if one.presence is not Presence.STOPPED]
    assert any((one.stage, one.state, one.cluster) == ("alerting", "running", "dc1") for one in there)
    assert all(one.presence is Presence.ALIVE and one.cluster == "dc1" for one in there)
    assert not any(one.state == HELD for one in there)
    assert all(one.answers for one in found.clusters)


@given(SURVEYS)
def test_what_nobody_knows_is_never_green(found: Survey) -> None:
    """A state or lag of an earlier time, and all that a dead cluster would have to tell, is shown as `?`."""
    _, instances, _, mirror = tables(judged(found))
    for one, row in zip(found.instances, instances.rows, strict=True):
        state, lag = row[3], row[6]
        if one.presence is Presence.SILENT:
            assert (state.plain, lag.plain) == ("?", "?")
        if str(state.style) == "green":
            assert one.state == "running"
            assert one.presence is Presence.ALIVE
    if not all(one.answers for one in found.clusters):
        assert {row[1].plain for row in mirror.rows} == {"?"}


def test_lag_of_a_dead_cluster_and_its_groups_are_unknown() -> None:
    """Of groups there is nothing then; a flow whose worker still calls it running may be or not."""
    blind = replace(
        WELL,
        clusters=clusters("dc1"),
        groups=None,
        instances=(instance("vm-1", known=False),),
        flows=(flow("dc1", "dc2", lag_records=None, lag_seconds=None, lag_reason="dc1 does not answer"),),
    )
    _, instances, groups, mirror = ([[cell.plain for cell in row] for row in one.rows] for one in tables(blind))
    assert instances[0][3:] == ["?", "dc1", "3", "?"]
    assert groups == [["?", "?", "?"]]
    assert [list(one.rows) for one in tables(replace(WELL, groups=()))][2] == []
    assert mirror == [["dc1 -> dc2", "?", "?", "?", "dc1 does not answer"]]


@pytest.mark.parametrize(
    ("state", "style"), [("running", "green"), (HELD, "red"), ("held: anything else", "red"), ("loading", "yellow")]
)
def test_states_are_coloured_by_their_meaning(state: str, style: str) -> None:
    """Not by their exact words, of which there are many."""
    _, instances, *_ = tables(replace(WELL, instances=(instance("vm-1", state),)))
    assert str(instances.rows[0][3].style) == style


def test_the_lag_of_an_instance_that_is_held_is_unknown() -> None:
    """It fetches nothing, and hears of no end: what it says is of before."""
    for state, shown in ((HELD, "?"), ("running", "7")):
        _, instances, *_ = tables(replace(WELL, instances=(instance("vm-1", state, lag=7),)))
        assert instances.rows[0][6].plain == shown


def test_what_a_switch_had_skipped_is_shown_where_there_is_any() -> None:
    """A column more, with a number for each instance; none where nothing was skipped."""
    _, none, *_ = tables(WELL)
    assert "skipped" not in none.names
    _, some, *_ = tables(replace(WELL, instances=(instance("vm-1"), instance("vm-2", skipped_by_switch=12))))
    assert (some.names[-1], [row[-1].plain for row in some.rows]) == ("skipped", ["0", "12"])
    assert {len(row) for row in some.rows} == {len(some.names)}


def test_every_state_of_a_flow_means_something() -> None:
    """Unreachable is as urgent as failed."""
    grades = {one: one.grade for one in Condition}
    assert [one for one in grades if grades[one] is Grade.GOOD] == [Condition.RUNNING]
    assert {one for one in grades if grades[one] is Grade.BAD} == {
        Condition.FAILED,
        Condition.ABSENT,
        Condition.UNREACHABLE,
    }


def test_the_first_line_is_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    """After the word that says so; then which cluster is active. The other sentences follow the tables."""
    show(judged(replace(WELL, instances=(instance("vm-1", HELD), instance("v\x1b[2J", presence=SILENT)))))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"ACT  No alerts are sent: vm-1 is {HELD}, v\\x1b[2J does not respond."
    assert lines[1] == "active: dc1 (never switched)"


def test_a_switched_context_says_by_whom() -> None:
    moved = replace(WELL, epoch=3, mode="forced", by="ann@ops", reason="dc2 burnt")
    assert next(headline(moved)).plain == "active: dc1, epoch 3, forced at an unknown time by ann@ops (dc2 burnt)"


def test_a_dry_run_warns() -> None:
    """That the checks passed says nothing about the alerts that are not sent now."""
    from kafkalert.ops.failover.result import Outcome  # noqa: PLC0415 - only here

    notes = judged(replace(WELL, instances=(BRIDGE,))).notes
    told = result_words(replace(DONE, outcome=Outcome.PLANNED), notes)
    assert told == ["All checks passed; nothing was changed, as --dry-run asks.", f"Mind: {notes[0]}"]


def test_records_that_are_gone_are_told() -> None:
    """What expired before it crossed is no longer on the other cluster; that this is not known is said too."""
    gone = flow("dc1", "dc2", expired=(Expired("accountentry", 20),))
    found = judged(replace(WELL, flows=(gone, WELL.flows[1])))
    assert found.verdict is Verdict.NOT_OK
    assert found.notes[0] == ("Not on dc2: records expired on dc1 before they crossed, at most 20 of accountentry.")
    unknown = judged(replace(WELL, flows=(flow("dc1", "dc2", expired_reason="no right"), WELL.flows[1])))
    assert unknown.notes == ("Whether records of dc1 expired before they crossed is not known: no right.",)
    busy = flow("dc1", "dc2", expired_since=datetime(2026, 1, 31, tzinfo=UTC))
    assert judged(replace(WELL, flows=(busy, WELL.flows[1]))).verdict is Verdict.OK, (
        "it is so for as long as it is busy"
    )
