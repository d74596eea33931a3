"""What changed from one picture to the next: a table of cases."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import PendingSwitch, Survey
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.overview.changes import changes
from tests.support.data.picture import WELL, clusters, flow, instance

AT = datetime(2026, 11, 28, tzinfo=UTC)
PENDING = PendingSwitch(1, "a", "dc1", "dc2", "ann@ops", None, "")
GONE = instance("x", presence=Presence.SILENT)


def with_first(**more: object) -> Survey:
    """WELL, whose first instance is otherwise."""
    return replace(WELL, instances=(replace(WELL.instances[0], **more), *WELL.instances[1:]))  # type: ignore[arg-type]  # fields


CASES: list[tuple[str, Survey, Survey, list[str]]] = [
    ("nothing", WELL, WELL, []),
    ("a cluster goes", WELL, replace(WELL, clusters=clusters("dc2")), ["dc2 does not answer."]),
    ("a cluster comes", replace(WELL, clusters=clusters("dc2")), WELL, ["dc2 answers again."]),
    ("a switch begins", WELL, replace(WELL, pending=PENDING), ["ann@ops moves stages from dc1 to dc2."]),
    ("a switch is called off", replace(WELL, pending=PENDING), WELL, ["The switch to dc2 was called off."]),
    (
        "a switch is done",
        replace(WELL, pending=PENDING),
        replace(WELL, active="dc2", epoch=1, mode="planned"),
        ["Stages were moved to dc2 as planned."],
    ),
    ("by force", WELL, replace(WELL, active="dc2", epoch=1, mode="forced"), ["Stages were moved to dc2 by force."]),
    ("one comes", WELL, replace(WELL, instances=(*WELL.instances, instance("new"))), ["alerting new has started."]),
    (
        "one that is gone is told of",
        WELL,
        replace(WELL, instances=(*WELL.instances, instance("x", presence=Presence.SILENT))),
        [],
    ),
    ("one goes silent", WELL, with_first(presence=Presence.SILENT), ["alerting vm-1 is silent."]),
    ("one comes back", with_first(presence=Presence.STUCK), WELL, ["alerting vm-1 is alive."]),
    ("one stops", WELL, with_first(presence=Presence.STOPPED), ["alerting vm-1 has stopped."]),
    ("one is held", WELL, with_first(state="held: x"), ["alerting vm-1 is held: x."]),
    ("one goes on", with_first(state="held: x"), WELL, ["alerting vm-1 is running."]),
    ("one was restarted", WELL, with_first(restarts=1), ["alerting vm-1 was started again by its supervisor."]),
    (
        "a flow fails",
        WELL,
        replace(WELL, flows=(replace(WELL.flows[0], state=Condition.FAILED), flow("dc2", "dc1"))),
        ["The mirror from dc1 to dc2 is failed."],
    ),
    (
        "records are refused",
        with_first(dead_letters={"bad-bytes": 2}),
        with_first(dead_letters={"bad-bytes": 5, "schema": 1}),
        ["alerting refused 3 records: bad-bytes.", "alerting refused 1 record: schema."],
    ),
]


@pytest.mark.parametrize(("before", "after", "told"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_difference_is_a_sentence(before: Survey, after: Survey, told: list[str]) -> None:
    """Once, with its time."""
    found = changes(before, after, AT)
    assert [change.text for change in found] == told
    assert {change.at for change in found} <= {AT}
