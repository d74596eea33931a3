"""Whether to act: a table of cases, and what is so of every survey."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.findings import judged
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import ClusterSeen, GroupLag, Instance, PendingSwitch, Survey, Verdict
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.overview.verdict import Judgement, Level, Trend, verdict
from tests.support.data.picture import HEALTH, SURVEY, clusters, flow

HELD = "held: the customer tables are 8 s out of date"


def instance(name: str, state: str = "running", presence: Presence = Presence.ALIVE, **more: Any) -> Instance:  # noqa: ANN401 - any field
    """An instance of alerting on dc1, which has 500 bookings a second."""
    made = Instance("alerting", name, "vm", presence, state, "dc1", 3, 6, 0.5, known=presence is Presence.ALIVE)
    return replace(
        made, **({"entries_per_second": 502.0, "alerts_per_second": 498.0, "p50_ms": 7, "p99_ms": 19} | more)
    )


BUSY = (instance("vm-1"), instance("vm-2", p50_ms=5, p99_ms=25))
BLIND = tuple(replace(one, known=False) for one in BUSY)
WELL = replace(SURVEY, instances=BUSY, groups=(GroupLag("kafkalert.alerting", 2, 12),))
ALONE = replace(WELL, clusters=clusters()[:1], flows=())


def sick(**wrong: int) -> tuple[ClusterSeen, ...]:
    """Both clusters, of which dc1 is not well."""
    return (replace(WELL.clusters[0], health=replace(HEALTH, **wrong)), WELL.clusters[1])


MOVING = PendingSwitch(4, "x", "dc1", "dc2", "ann@ops", None, "")
STOPPED = (flow("dc1", "dc2", state=Condition.STOPPED), flow("dc2", "dc1"))
STARTING = (flow("dc1", "dc2", state=Condition.STARTING), flow("dc2", "dc1"))
LATE = replace(WELL, instances=(instance("vm-1", lag=48_210), instance("vm-2", lag=0)))
REFUSED = replace(WELL, instances=(BUSY[0], replace(BUSY[1], new_dead_letters={"bad-bytes": 2, "unknown-schema": 12})))
FLOWING = "1,004 bookings a second become 996 alerts, half of them within 7 ms, 99 of 100 within 25 ms."
MOVED = Trend(switched_seconds=12.4, source="dc2", target="dc1")

CASES: list[tuple[str, Survey | None, Trend | None, Level, str]] = [
    ("loading", None, None, Level.LOADING, "Asking the clusters ..."),
    (
        "no cluster answers",
        replace(WELL, clusters=clusters("dc1", "dc2"), pending=MOVING),
        None,
        Level.ACT,
        "Neither dc1 nor dc2 answers from here. Look at your network first.",
    ),
    (
        "the only cluster does not answer",
        replace(ALONE, clusters=clusters("dc1")[:1]),
        None,
        Level.ACT,
        "dc1 does not answer from here. Look at your network first.",
    ),
    (
        "a switch is under way",
        replace(WELL, pending=MOVING, instances=(instance("vm-1", "prepared"),)),
        None,
        Level.SWITCH,
        "ann@ops moves all stages from dc1 to dc2. Alerts wait meanwhile.",
    ),
    (
        "a switch is under way, and its target died",
        replace(WELL, pending=MOVING, clusters=clusters("dc2")),
        None,
        Level.SWITCH,
        "ann@ops moves all stages from dc1 to dc2. Alerts wait meanwhile. dc2 does not answer.",
    ),
    ("a switch is just over", WELL, MOVED, Level.SWITCH, "Stages moved from dc2 to dc1 12 s ago."),
    (
        "a switch is just over, and alerting did not come along",
        replace(WELL, instances=()),
        MOVED,
        Level.SWITCH,
        "Stages moved from dc2 to dc1 12 s ago. No alerts are sent: alerting does not run. Start it: ",
    ),
    (
        "a switch is over for longer",
        WELL,
        replace(MOVED, switched_seconds=31.0),
        Level.ALL_WELL,
        "1,004 bookings a second become 996 alerts",
    ),
    (
        "the active cluster is away",
        replace(WELL, clusters=clusters("dc1"), instances=(), flows=STOPPED),
        None,
        Level.ACT,
        "dc1 is the active cluster and does not answer. `kafkalert failover --to dc2 --force",
    ),
    (
        "no alerting is alive",
        replace(WELL, instances=(), clusters=clusters("dc2")),
        None,
        Level.ACT,
        "No alerts are sent: alerting does not run. Start it: `kafkalert run alerting`.",
    ),
    (
        "the only alerting was killed",
        replace(WELL, instances=(instance("vm-1", presence=Presence.SILENT),)),
        None,
        Level.ACT,
        "No alerts are sent: vm-1 does not respond. Alerting ended without a word, or hangs. Start it again: `kafka",
    ),
    (
        "the only alerting was killed, and another one starts",
        replace(WELL, instances=(instance("vm-1", presence=Presence.SILENT), instance("vm-2", "loading"))),
        None,
        Level.ACT,
        "No alerts are sent yet: alerting is loading.",
    ),
    (
        "another cluster's instances say that they run, but nobody knows whether they do",
        replace(WELL, clusters=clusters("dc1"), instances=(instance("vm-1", presence=Presence.SILENT), *BLIND)),
        None,
        Level.ACT,
        "dc1 is the active cluster and does not answer.",
    ),
    (
        "partitions are offline",
        replace(WELL, clusters=sick(offline=2), instances=(instance("vm-1", HELD),)),
        None,
        Level.ACT,
        "2 partitions of 60 on dc1 are offline: nothing can be read from them or written to them.",
    ),
    (
        "replicas are behind",
        replace(WELL, clusters=sick(under_replicated=1)),
        None,
        Level.LOOK,
        "1 partition of 60 on dc1 has fewer replicas in sync than they should: a broker is down or slow;",
    ),
    ("topics of others are offline", replace(WELL, clusters=sick(other_offline=9)), None, Level.ALL_WELL, "1,004 book"),
    (
        "nobody knows whether partitions are offline",
        replace(WELL, clusters=(replace(WELL.clusters[0], health=None), WELL.clusters[1])),
        None,
        Level.LOOK,
        "Whether partitions of dc1 are offline is not known.",
    ),
    (
        "held",
        replace(WELL, instances=(instance("vm-1", HELD), BUSY[1])),
        None,
        Level.ACT,
        f"Some alerts wait: vm-1 is {HELD}; 1 other instance of alerting runs.",
    ),
    (
        "silent, and others take its part",
        replace(WELL, instances=(instance("vm-1", presence=Presence.SILENT), BUSY[1])),
        None,
        Level.LOOK,
        "alerting vm-1 does not respond; 1 other instance of alerting runs, and takes over what it read.",
    ),
    (
        "silent, and the passive cluster is away: what is worse comes first",
        replace(WELL, instances=(instance("vm-1", presence=Presence.SILENT), BUSY[1]), clusters=clusters("dc2")),
        None,
        Level.ACT,
        "dc2 does not answer. Stages stay on dc1; none can start.",
    ),
    (
        "much waits",
        LATE,
        None,
        Level.LOOK,
        "48,210 bookings wait for alerting, which is work for 48 s at the present rate.",
    ),
    (
        "much waits, and nothing is processed",
        replace(WELL, instances=(instance("vm-1", lag=48_210, entries_per_second=0.0),)),
        None,
        Level.LOOK,
        "48,210 bookings wait for alerting.",
    ),
    (
        "the backlog grows",
        LATE,
        Trend(backlog_per_second=260.2),
        Level.LOOK,
        "48,210 bookings wait, and each second there are 260 more: alerting does not keep up. Start another instance:",
    ),
    (
        "the backlog has grown for long",
        replace(LATE, instances=(instance("vm-1", lag=100_000),)),
        Trend(backlog_per_second=260.2),
        Level.ACT,
        "100,000 bookings wait, and each second there are 260 more: alerting does not keep up.",
    ),
    (
        "the backlog shrinks",
        LATE,
        Trend(backlog_per_second=-260.0),
        Level.LOOK,
        "48,210 bookings wait. Alerting catches up in about 3 min.",
    ),
    (
        "the backlog stays",
        LATE,
        Trend(backlog_per_second=0.2),
        Level.LOOK,
        "48,210 bookings wait, and they do not get fewer.",
    ),
    ("what grows and is little is as usual", WELL, Trend(backlog_per_second=12.0), Level.ALL_WELL, "1,004 bookings"),
    (
        "the passive cluster is away",
        replace(WELL, clusters=clusters("dc2")),
        None,
        Level.ACT,
        "dc2 does not answer. Stages stay on dc1; none can start.",
    ),
    ("a flow is stopped", replace(WELL, flows=STOPPED), None, Level.ACT, "The mirror from dc1 to dc2 is stopped."),
    ("a flow starts", replace(WELL, flows=STARTING), None, Level.LOOK, "The mirror from dc1 to dc2 is starting."),
    (
        "dead letters came lately",
        REFUSED,
        None,
        Level.LOOK,
        "14 records became dead letters lately: 12 unknown-schema, 2 bad-bytes. No alert comes of what is put away.",
    ),
    (
        "one dead letter came, as is known by watching for longer",
        REFUSED,
        Trend(dead_letters={"bad-bytes": 1}),
        Level.LOOK,
        "1 record became a dead letter lately: 1 bad-bytes.",
    ),
    ("dead letters came, but not lately", REFUSED, Trend(dead_letters={}), Level.ALL_WELL, "1,004 bookings a second"),
    (
        "all is well",
        WELL,
        None,
        Level.ALL_WELL,
        f"{FLOWING}  A planned switch would work.",
    ),
    (
        "all is well on one cluster, and no alert came of what was booked",
        replace(ALONE, instances=(instance("vm-1", entries_per_second=1.2, alerts_per_second=0.0, p50_ms=None),)),
        None,
        Level.ALL_WELL,
        "1 booking a second becomes 0 alerts.",
    ),
    (
        "all is well, and nothing happens",
        replace(WELL, instances=(instance("vm-1", entries_per_second=0.0, alerts_per_second=0.0, p50_ms=None),)),
        None,
        Level.ALL_WELL,
        "Alerting waits for bookings; none comes in now.  A planned switch would work.",
    ),
]


@pytest.mark.parametrize(
    ("found", "trend", "level", "sentence"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_matters_most_is_the_verdict(
    found: Survey | None, trend: Trend | None, level: Level, sentence: str
) -> None:
    """In the order in which they stand here, unless something that is worse is so too."""
    told = verdict(None if found is None else judged(found), trend)
    assert told.level is level
    assert told.sentence.startswith(sentence)
    assert level is not Level.ALL_WELL or "." not in sentence or told.sentence == sentence


STATES = st.sampled_from(["running", "running", "joining", "loading", "prepared", HELD, "\x1b[2J"])
COUNTS = st.integers(0, 2**63 - 1)
RATES = st.floats(0, 1e12)
INSTANCES = st.builds(
    instance,
    st.sampled_from(["vm-1", "vm-2", "vm-3"]),
    STATES,
    st.sampled_from(Presence),
    stage=st.sampled_from(["alerting", "alerting", "bridge"]),
    cluster=st.sampled_from(["dc1", "dc1", "dc2", ""]),
    lag=COUNTS,
    entries_per_second=RATES,
    alerts_per_second=RATES,
    p50_ms=st.none() | COUNTS,
    p99_ms=st.none() | COUNTS,
    new_dead_letters=st.dictionaries(st.text(max_size=9), COUNTS, max_size=5),
    unheard=st.sampled_from([(), (), ("dc2",)]),
)
FLOWS = st.builds(
    lambda state, lag: flow("dc1", "dc2", state=state, lag_records=lag), st.sampled_from(Condition), st.none() | COUNTS
)
SURVEYS = st.builds(
    replace,
    st.just(WELL),
    clusters=st.sampled_from([clusters(), clusters(), clusters("dc1"), clusters("dc2"), clusters("dc1", "dc2")]),
    instances=st.lists(INSTANCES, max_size=4).map(tuple),
    flows=st.tuples(FLOWS, st.just(flow("dc2", "dc1"))),
    groups=st.none() | st.just(WELL.groups),
    pending=st.none() | st.just(MOVING),
)
NUMBERS = st.floats(-1e15, 1e15)
TRENDS = st.none() | st.builds(
    Trend,
    st.none() | NUMBERS,
    st.none() | st.dictionaries(st.text(max_size=9), COUNTS, max_size=5),
    st.none() | st.floats(0, 1e9),
    st.just("dc2"),
    st.just("dc1"),
)


@given(SURVEYS, TRENDS)
def test_all_is_well_only_where_all_that_is_needed_for_it_was_seen(found: Survey, trend: Trend | None) -> None:
    """By a statement of it that knows nothing of findings; whatever was found there is a sentence."""
    told = verdict(judged(found), trend)
    assert told.sentence
    if told.level is not Level.ALL_WELL:
        return
    assert all(one.answers for one in found.clusters)
    assert found.pending is None
    assert {one.state for one in found.flows} == {Condition.RUNNING}
    assert all(one.lag_records is not None for one in found.flows)
    there = [one for one in found.instances if one.presence is not Presence.STOPPED]
    assert any((one.stage, one.state) == ("alerting", "running") for one in there)
    assert all(one.presence is Presence.ALIVE and one.cluster == "dc1" and not one.unheard for one in there)
    assert not any(one.state == HELD for one in there)


@given(SURVEYS)
def test_a_single_look_has_the_same_verdict_for_people_and_for_programs(found: Survey) -> None:
    """ALL WELL is `ok`, and nothing else is."""
    seen = judged(found)
    assert (verdict(seen).level is Level.ALL_WELL) == (seen.verdict is Verdict.OK)


@given(SURVEYS, st.sampled_from(["dc1", "dc2"]), TRENDS)
def test_a_cluster_that_is_dead_is_never_beside_green(found: Survey, dead: str, trend: Trend | None) -> None:
    told = verdict(judged(replace(found, clusters=clusters(dead))), trend)
    assert told.level in {Level.ACT, Level.SWITCH}


@given(SURVEYS)
def test_what_is_unknown_is_not_told_as_a_number(found: Survey) -> None:
    """A silent instance, or one that is told of no more, adds nothing to what alerting does: it is left out."""
    silent = tuple(replace(one, presence=Presence.SILENT, known=False) for one in found.instances)
    told = verdict(judged(replace(found, instances=(*silent, BUSY[0]))))
    if told.level is Level.ALL_WELL:
        assert told.sentence.startswith("502 bookings a second become 498 alerts")
    assert told.level is not Level.ALL_WELL or not silent


def test_a_judgement_is_a_word_and_a_sentence() -> None:
    """Words, as not everybody sees colours."""
    assert [str(one) for one in Level] == ["LOADING", "ALL WELL", "LOOK", "ACT", "SWITCH"]
    assert verdict(None) == Judgement(Level.LOADING, "Asking the clusters ...")
    assert {one.grade for one in judged(WELL).findings} <= {Grade.WAITING}


def test_nobody_is_said_to_run_on_a_cluster_that_does_not_answer() -> None:
    """Not in any finding: what they say of it is of before."""
    late = replace(BLIND[0], lag=1_000_000)
    found = replace(WELL, clusters=clusters("dc1"), instances=(instance("vm-1", presence=Presence.SILENT), late))
    said = [one.text for one in judged(found).findings]
    assert not [one for one in said if "instance of alerting" in one or "bookings" in one]
