"""What a switch refuses to begin with, and that it says what to do."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

import pytest

from kafkalert.bus.control.event import Event
from kafkalert.bus.control.state import View
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.errors import RefusedError, UnreachableError
from kafkalert.ops.failover.positions.forced_estimate import staying
from kafkalert.ops.failover.result import CalledOffError
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import ClusterSeen, GroupLag, Instance, PendingSwitch
from kafkalert.ops.failover.switch.checks import (
    check_flows,
    check_forced,
    check_idle,
    check_size,
    check_topics,
    is_there,
)
from kafkalert.ops.failover.switch.order import Order
from kafkalert.ops.failover.switch.switching import _planned_changes
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.topics import compare, wanted
from tests.support.data.picture import SURVEY, clusters, flow

SETTINGS = Settings(
    context=Context(clusters=("dc1", "dc2")),
    clusters={name: Cluster(name=name, bootstrap="127.0.0.1:1") for name in ("dc1", "dc2")},
)
PENDING = PendingSwitch(4, "x", "dc1", "dc2", "ann@ops", datetime(2026, 1, 31, 8, tzinfo=UTC), "")


FLOWS = SURVEY.flows
DEAD = clusters("dc1")


def test_already_there_and_already_under_way() -> None:
    """Both name what is; the second names who, and how to call it off."""
    check_idle("dc1", 3, None, "dc2")
    with pytest.raises(RefusedError, match="run on dc1 already, in epoch 3"):
        check_idle("dc1", 3, None, "dc1")
    with pytest.raises(RefusedError, match=r"under way: ann@ops, at 08:00:00 UTC\.") as refused:
        check_idle("dc1", 3, PENDING, "dc2")
    assert "failover cancel" in refused.value.hint


def test_an_order_that_was_carried_out_can_be_repeated() -> None:
    """Where both clusters say so, and nobody is at it; with a dead cluster nobody knows, and force may have to stay."""
    assert is_there(SURVEY, "dc1")
    assert not is_there(SURVEY, "dc2")
    assert not is_there(replace(SURVEY, pending=PENDING), "dc1")
    passive = ClusterSeen("dc2", answers=False, control=False)
    assert not is_there(replace(SURVEY, clusters=(SURVEY.clusters[0], passive)), "dc1")


@pytest.mark.parametrize("state", [one for one in Condition if one not in {Condition.RUNNING, Condition.UNREACHABLE}])
def test_a_planned_switch_needs_both_flows(state: Condition) -> None:
    broken = flow("dc2", "dc1", state, "a task broke")
    with pytest.raises(RefusedError, match=rf"from dc2 to dc1 is not running: {state} \(a task broke\)"):
        check_flows(replace(SURVEY, flows=(FLOWS[0], broken)))
    with pytest.raises(RefusedError, match="not known"):
        check_flows(replace(SURVEY, flows=()))
    check_flows(SURVEY)


@pytest.mark.parametrize("other", [one for one in Condition if not one.name.endswith(("STOPPED", "PAUSED"))])
def test_a_flow_that_was_stopped_is_named_before_one_that_starts(other: Condition) -> None:
    """After a forced switch there and back one worker may still start: only to reconcile mends it, not to wait."""
    both = (flow("dc1", "dc2", other), flow("dc2", "dc1", Condition.STOPPED))
    for flows in (both, both[::-1]):
        with pytest.raises(RefusedError, match="from dc2 to dc1 is not running: stopped") as refused:
            check_flows(replace(SURVEY, flows=flows, given_up="dc2"))
        assert "`kafkalert failover reconcile --from dc2`" in refused.value.hint


def test_a_worker_that_does_not_answer_has_to_be_started() -> None:
    """Whether its flow runs is not known, and `mirror apply` needs it too; a flow that starts is waited for."""
    silent = replace(flow("dc1", "dc2", Condition.UNREACHABLE, "The worker is away"), hint="Start it.")
    with pytest.raises(
        RefusedError, match=r"the mirror from dc1 to dc2 runs is not known: The worker is away\."
    ) as told:
        check_flows(replace(SURVEY, flows=(silent, FLOWS[1])))
    assert told.value.hint == "Start it."
    with pytest.raises(RefusedError) as waits:
        check_flows(replace(SURVEY, flows=(flow("dc1", "dc2", Condition.STARTING), FLOWS[1])))
    assert waits.value.hint.startswith("Wait until it runs")


def test_topics_have_to_be_alike() -> None:
    """A missing topic, or other numbers of partitions; how many there should be does not matter, nor control's."""
    topics = wanted(SETTINGS)
    fine = [compare(name, one, one) for name in ("dc1", "dc2") for one in topics]
    check_topics(fine, SETTINGS, "dc1")
    both = [compare(name, one, replace(one, partitions=7)) for name in ("dc1", "dc2") for one in topics]
    check_topics(both, SETTINGS, "dc1")
    entries = next(one for one in topics if one.name == "accountentry")
    with pytest.raises(RefusedError, match="accountentry has not the same partitions on both clusters") as refused:
        check_topics([*fine, compare("dc2", entries, replace(entries, partitions=9))], SETTINGS, "dc1")
    assert "topics plan" in refused.value.hint
    with pytest.raises(RefusedError, match="accountentry is missing on dc2"):
        check_topics([*fine, compare("dc2", entries, None)], SETTINGS, "dc1")


def test_force_is_refused_where_it_is_not_needed() -> None:
    """With a dead cluster, or a broken mirror, there is no other way; with neither there is."""
    with pytest.raises(RefusedError, match="nothing has to be lost") as refused:
        check_forced(SURVEY, "dc2")
    assert "failover --to dc2" in refused.value.hint
    check_forced(replace(SURVEY, clusters=DEAD), "dc2")
    check_forced(replace(SURVEY, flows=(FLOWS[0], flow("dc2", "dc1", Condition.FAILED))), "dc2")
    check_forced(replace(SURVEY, clusters=DEAD, pending=PENDING), "dc2")


def test_force_does_not_go_where_nothing_answers() -> None:
    gone = (SURVEY.clusters[0], ClusterSeen("dc2", answers=False, control=False))
    with pytest.raises(UnreachableError, match="Cluster dc2 does not answer"):
        check_forced(replace(SURVEY, clusters=gone), "dc2")
    with pytest.raises(RefusedError, match="already"):
        check_forced(replace(SURVEY, clusters=DEAD), "dc1")


def test_force_may_stay_where_the_other_cluster_is_dead() -> None:
    """So that stages can start, which wait for the other log; while it answers there is no need."""
    passive = ClusterSeen("dc2", answers=False, control=False)
    check_forced(replace(SURVEY, clusters=(SURVEY.clusters[0], passive)), "dc1")
    with pytest.raises(RefusedError, match="run on dc1 already"):
        check_forced(SURVEY, "dc1")


def test_to_stay_keeps_what_the_last_switch_said_of_groups() -> None:
    """Groups that have not come so far yet still skip it; no offset is moved."""
    groups = {"kafkalert.alerting": {"accountentry/0": {"offset": 5, "skip": [[7, 9]]}}}
    detail = {"groups": groups, "ends": {"dc2": {"accountentry/0": 3}}, "seconds": 1.0, "lost": {}}
    commit = Event(3, "x", "COMMIT", "planned", "dc2", "dc1", "ann@ops", 0, "", detail)
    look = staying(View(3, "dc1", commit, None, (commit,), 4), "dc2")
    told = look.detail()
    assert (told["groups"], told["ends"], look.offsets()) == (groups, detail["ends"], {})
    assert staying(View(0, "dc1", None, None, (), 1), "dc2").detail()["groups"] == {}


@pytest.mark.parametrize(("mode", "stops"), [("planned", False), ("forced", True)])
def test_to_stay_stops_the_flow_that_a_forced_switch_may_have_left_running(
    mode: Literal["planned", "forced"], stops: bool
) -> None:
    """So a repeated command mends it; after a planned one the flow goes on, and the operator is told which."""
    commit = Event(3, "x", "COMMIT", mode, "dc2", "dc1", "ann@ops", 0, "", {})
    look = staying(View(3, "dc1", commit, None, (commit,), 4), "dc2")
    assert (look.stops_flow, look.detail()["stays"]) == (stops, True)
    assert any("reconcile --from dc2" in words for words in look.loss.words) == stops
    assert any("goes on once dc2 is back" in words for words in look.loss.words) != stops


def test_a_flow_that_a_forced_switch_stopped_is_not_to_be_resumed_by_hand() -> None:
    """What mends any other flow would bring stranded rows over newer ones."""
    stopped = (flow("dc1", "dc2", Condition.STOPPED), FLOWS[1])
    for given_up, mends in (
        ("", "mirror apply"),
        ("dc2", "failover reconcile --from dc2"),
        ("dc1", "failover reconcile --from dc1"),
    ):
        with pytest.raises(RefusedError, match="not running: stopped") as refused:
            check_flows(replace(SURVEY, flows=stopped, given_up=given_up))
        assert mends in refused.value.hint


def test_where_both_flows_are_stopped_the_passive_cluster_is_named() -> None:
    """Stages were forced there and back: the flow out of the cluster in use goes on by the same command."""
    both = (flow("dc1", "dc2", Condition.STOPPED), flow("dc2", "dc1", Condition.STOPPED))
    with pytest.raises(RefusedError, match="from dc1 to dc2 is not running: stopped") as refused:
        check_flows(replace(SURVEY, flows=both, given_up="dc2"))
    assert "failover reconcile --from dc2" in refused.value.hint
    paused = (flow("dc1", "dc2", Condition.PAUSED), both[1])
    with pytest.raises(RefusedError, match="from dc1 to dc2 is not running: paused") as refused:
        check_flows(replace(SURVEY, flows=paused, given_up="dc2"))
    assert "mirror apply" in refused.value.hint


def test_who_is_asked_hears_what_a_silent_instance_means() -> None:
    """It may have died with work that it had not committed; one that is alive, or ended in order, has none."""

    def last(*presences: Presence) -> str:
        there = tuple(
            Instance("alerting", f"vm-{number}", "vm", each, "running", "dc1", 3, 0, None)
            for number, each in enumerate(presences)
        )
        return _planned_changes(replace(SURVEY, instances=there), Order("dc2", 30.0, "", "ann@ops"))[-1]

    assert last(Presence.ALIVE, Presence.STOPPED) == (
        "nothing is lost and nothing done twice; if it takes longer than 30 s, it is called off"
    )
    assert last(Presence.ALIVE, Presence.SILENT) == (
        "nothing is lost; what vm-1 had not committed, about a second, may be processed again, with the same ids; "
        "if it takes longer than 30 s, it is called off"
    )


def test_a_commit_that_no_log_would_take_is_called_off() -> None:
    """With the reason and what to do; one that is merely large passes."""

    def commit(runs: int) -> Event:
        skip = [[1_000_000_000 + 2 * each, 1_000_000_001 + 2 * each] for each in range(runs)]
        groups = {"kafkalert.alerting": {"accountentry/0": {"offset": 1, "skip": skip}}}
        return Event(1, "x", "COMMIT", "planned", "dc1", "dc2", "ann@ops", 0, "", {"groups": groups, "ends": {}})

    check_size(commit(30_000))
    with pytest.raises(CalledOffError, match=r"40,000 runs of records"):
        check_size(commit(40_000))


def test_before_it_asks_a_planned_switch_says_what_waits() -> None:
    """In short sentences: what is unprocessed, what has yet to cross, and for how long alerts pause."""
    order = Order("dc2", 30.0, "", "ann@ops")
    still = _planned_changes(SURVEY, order)
    assert still[1:3] == ["unprocessed: 0", "mirror backlog: none"]
    behind = replace(flow("dc1", "dc2"), lag_records=1200, lag_complete=False)
    unknown = replace(flow("dc2", "dc1"), lag_records=None, lag_complete=False)
    groups = (GroupLag("kafkalert.alerting", 1, 12_345),)
    silent = Instance("alerting", "vm-1", "vm", Presence.SILENT, "running", "dc1", 3, 0, None, known=False)
    told = _planned_changes(replace(SURVEY, flows=(behind, unknown), groups=groups, instances=(silent,)), order)
    assert told[1:4] == [
        "unprocessed: 12,345; processed on dc2",
        "mirror backlog: dc1 to dc2 1,200 or more, dc2 to dc1 ?",
        "vm-1 does not respond; alerts pause for 11 s",
    ]
