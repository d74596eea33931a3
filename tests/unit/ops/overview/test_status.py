"""A context at a glance: what is not known is None for programs and `?` for people, and never what it was."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from kafkalert.commands.output import to_plain
from kafkalert.ops.failover.status.findings import judged
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import ClusterSeen, Health, Survey
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.overview.status import DeadLetters, Status, status
from kafkalert.ops.overview.verdict import Level
from kafkalert.views.overview import line, show, tables
from tests.support.data.picture import clusters, flow
from tests.unit.ops.overview.test_verdict import BUSY, FLOWING, HELD, SURVEYS, WELL, instance

AT = datetime(2026, 11, 26, 3, 12, 44, tzinfo=UTC)
SAID = ("state", "waiting", "entries_per_second", "alerts_per_second", "p50_ms", "p99_ms", "entries", "dead_letters")


def told(found: Survey) -> Status:
    return status(judged(found), AT)


def rows(found: Survey) -> dict[str, list[dict[str, str]]]:
    """The tables by the name of their first column; each row by the names of its columns."""
    return {
        one.names[0]: [dict(zip(one.names, (cell.plain for cell in row), strict=True)) for row in one.rows]
        for one in tables(told(found))
    }


def test_an_instance_is_shown_with_its_rates_its_latency_and_what_waits() -> None:
    shown = rows(replace(WELL, instances=(instance("vm-1", dead_letters={"bad-bytes": 1_200}, restarts=2),)))["stage"]
    assert shown[0] == {
        "stage": "alerting",
        "instance": "vm-1",
        "is": "alive",
        "state": "running",
        "on": "dc1",
        "epoch": "3",
        "waits": "6",
        "/s": "502",
        "alerts/s": "498",
        "p50 ms": "7",
        "p99 ms": "19",
        "dead": "1,200",
        "restarts": "2",
    }


def test_of_a_source_it_is_not_said_what_waits_and_of_an_instance_that_sends_none_no_latency() -> None:
    """That does not apply; it is not unknown, nor 0."""
    bridge = instance("vm-9", stage="bridge", p50_ms=None, p99_ms=None)
    shown = rows(replace(WELL, instances=(*BUSY, bridge)))["stage"]
    assert [one["instance"] for one in shown] == ["vm-1", "vm-2", "vm-9"]
    assert [shown[-1][name] for name in ("waits", "alerts/s", "p50 ms", "/s")] == ["-", "-", "-", "502"]


def test_a_stage_without_an_instance_is_there_too() -> None:
    """Somebody might look for it in vain."""
    assert [(one["stage"], one["instance"], one["/s"]) for one in rows(WELL)["stage"]][-1] == ("bridge", "none", "-")
    assert told(WELL).absent == ("bridge",)
    over = replace(WELL, instances=(*BUSY, instance("vm-9", "stopped", Presence.STOPPED, stage="bridge")))
    assert told(over).absent == ("bridge",)


def test_what_a_held_instance_has_to_do_is_unknown() -> None:
    """It fetches nothing, and hears of no end."""
    held, other = rows(replace(WELL, instances=(instance("vm-1", HELD), BUSY[1])))["stage"][:2]
    assert (held["state"], held["waits"], other["waits"]) == (HELD, "?", "6")


def test_partitions_are_counted_and_those_of_others_apart() -> None:
    sick = replace(WELL.clusters[0], health=Health(2, 60, 3, 7, 4, 1))
    unseen = replace(WELL.clusters[1], health=Health(3, 0))
    first, second = rows(replace(WELL, clusters=(sick, unseen)))["cluster"]
    assert [first[name] for name in ("brokers", "offline", "under-replicated", "other topics")] == ["2", "3", "7", "5"]
    assert [second[name] for name in ("brokers", "offline", "under-replicated", "disk")] == ["3", "?", "?", "?"]


def test_dead_letters_are_told_by_stage_and_reason_most_first() -> None:
    """Of all instances together; not of one that is silent, whose counts are of before."""
    found = replace(
        WELL,
        instances=(
            instance("vm-1", dead_letters={"bad-bytes": 2, "unknown-schema": 9}, new_dead_letters={"bad-bytes": 1}),
            instance("vm-2", dead_letters={"bad-bytes": 30}),
            instance("vm-3", dead_letters={"bad-bytes": 700}, presence=Presence.SILENT),
        ),
    )
    assert told(found).dead_letters == (
        DeadLetters("alerting", "bad-bytes", 32, 1),
        DeadLetters("alerting", "unknown-schema", 9, 0),
    )


def blind(found: Survey) -> Survey:
    """The same with dc1, on which all runs, dead: as a survey has it."""
    return replace(
        found,
        clusters=clusters("dc1"),
        instances=tuple(replace(one, known=one.known and one.cluster != "dc1") for one in found.instances),
        groups=None,
    )


def test_beside_a_dead_cluster_nothing_is_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither what its instances said, nor that its flows run."""
    found = blind(replace(WELL, flows=(flow("dc1", "dc2", lag_records=None), flow("dc2", "dc1", lag_records=None))))
    seen = told(found)
    assert (seen.level, seen.verdict) == (Level.ACT, "unreachable")
    assert {one.state for one in seen.flows or ()} == {None}
    for one in seen.instances or ():
        assert [getattr(one, name) for name in SAID] == [None] * len(SAID)
    show(seen)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ACT  dc1 is the active cluster and does not answer.")
    assert lines[1] == "test: stages run on dc1, epoch 3; 2026-11-26 03:12:44 UTC"
    assert next(one for one in lines if one.startswith("alerting")).split()[2:] == [
        "alive",
        "?",
        "dc1",
        "3",
        *"????????"[1:],
    ]


def test_the_verdict_comes_first_and_is_not_said_twice(capsys: pytest.CaptureFixture[str]) -> None:
    show(told(replace(WELL, instances=(instance("vm-1", HELD), BUSY[1]), clusters=clusters("dc2"))))
    lines = capsys.readouterr().out.splitlines()
    sentence = f"Some alerts wait: vm-1 is {HELD}; 1 other instance of alerting runs."
    assert lines[0] == f"ACT  {sentence}"
    assert [one for one in lines if one.startswith("!")] == [
        "! dc2 does not answer. Stages stay on dc1; none can start.",
    ]


def test_a_line_has_the_time_and_the_verdict() -> None:
    assert line(told(WELL)) == f"03:12:44 UTC  ALL WELL  {FLOWING}  A planned switch would work."


def test_programs_get_every_key_and_null_for_what_is_not_known() -> None:
    """Also where nearly all is unknown, as before the first answer."""
    full = to_plain(told(WELL))
    empty = to_plain(Status(1, "test", AT, Level.LOADING, "Asking dc1 ...", None))
    assert list(full) == list(empty)
    assert {name for name, value in empty.items() if value is None} >= {"active", "clusters", "instances", "flows"}
    assert full["clusters"][0]["disk_bytes"] is None
    assert full["clusters"][0]["health"]["offline"] == 0


@given(SURVEYS)
def test_what_is_unknown_is_neither_a_number_nor_green(found: Survey) -> None:
    """Whatever was found; and everything found is shown."""
    if not any(one.answers for one in found.clusters):
        return  # no survey is made of that
    seen = told(found)
    assert len(seen.instances or ()) == len(found.instances)
    for one in seen.instances or ():
        if not one.known and one.presence is not Presence.STOPPED:
            assert [getattr(one, name) for name in SAID] == [None] * len(SAID)
    for each, cluster in zip(_table(seen, "cluster"), seen.clusters or (), strict=True):
        if not cluster.answers:
            assert [each[name][0] for name in ("brokers", "offline", "under-replicated")] == ["?"] * 3
            assert "green" not in {style for _, style in each.values()}
    for each, instant in zip(_table(seen, "stage"), seen.instances or (), strict=False):
        if each["state"][1] == "green":
            assert (instant.presence, instant.state) == (Presence.ALIVE, "running")
    for each, flowing in zip(_table(seen, "mirror"), found.flows, strict=True):
        if each["state"][1] == "green":
            assert flowing.state is Condition.RUNNING
            assert all(one.answers for one in found.clusters)


def _table(seen: Status, first: str) -> list[dict[str, tuple[str, str]]]:
    """The rows of the table whose first column is called so, each cell with its style."""
    table: Any = next((one for one in tables(seen) if one.names[0] == first), None)
    found = [] if table is None else table.rows
    return [{name: (cell.plain, str(cell.style)) for name, cell in zip(table.names, row, strict=True)} for row in found]


def test_a_cluster_seen_without_its_metadata_is_not_called_healthy() -> None:
    """It answered something else in time."""
    seen = ClusterSeen("dc1", answers=True, control=True)
    found = replace(WELL, clusters=(seen, WELL.clusters[1]))
    assert [rows(found)["cluster"][0][name] for name in ("answers", "offline")] == ["yes", "?"]
    assert told(found).level is Level.LOOK
