"""Heartbeats of a stage that does not exist: `failover` names them, and nothing is wrong by them."""

from dataclasses import replace
from typing import Any

import pytest

from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import Verdict
from kafkalert.ops.failover.status.strangers import judged_with_strangers
from kafkalert.ops.failover.switch.order import Order
from kafkalert.ops.failover.switch.switching import _planned_changes
from kafkalert.views.failover_survey import show, tables
from tests.support.data.picture import WELL, instance
from tests.unit.ops.failover.status.test_survey import surveyed

GHOST = instance("ghost", stage="zzz", cluster="dc2")
NAMED = (
    "zzz ghost is no stage of kafkalert. Its package is not installed on this machine, or another program "
    "writes its heartbeats; a planned switch waits for it at "
    "most 11 s."
)


@pytest.mark.parametrize("more", [{}, {"presence": Presence.SILENT}, {"unheard": ("dc2",)}, {"state": "held: x"}])
def test_a_stage_that_does_not_exist_is_named(more: dict[str, Any]) -> None:
    """Whatever it says of itself; who watches the status alone hears nothing of it, as anybody can write a beat."""
    found = judged_with_strangers(replace(WELL, instances=(*WELL.instances, replace(GHOST, **more))))
    assert (found.notes, found.verdict) == ((NAMED,), Verdict.OK)
    assert found.instances[-1].instance == "ghost"


def test_a_ghost_does_not_cover_what_is_wrong() -> None:
    """It comes last, and does no work of the pipeline's."""
    found = judged_with_strangers(replace(WELL, instances=(instance("ghost", stage="zzz"),)))
    assert found.notes[0].startswith("No alerts are sent: alerting does not run.")
    assert found.notes[1].startswith("zzz ghost is no stage")
    assert found.verdict is Verdict.NOT_OK


def test_many_are_one_sentence() -> None:
    """And nothing in it steers a terminal."""
    ghosts = tuple(instance(f"g\x1b{number}", stage="zzz") for number in range(5))
    (said,) = judged_with_strangers(replace(WELL, instances=(*WELL.instances, *ghosts))).notes
    assert said == (
        "zzz g\\x1b0, zzz g\\x1b1, zzz g\\x1b2 and 2 others are no stages of kafkalert. Their package is not "
        "installed on this machine, or another program writes their "
        "heartbeats; a planned switch waits for them at most 11 s."
    )


def test_the_screen_shows_them_apart(capsys: pytest.CaptureFixture[str]) -> None:
    found = judged_with_strangers(replace(WELL, instances=(*WELL.instances, GHOST)))
    show(found)
    assert "no stage of kafkalert" in " ".join(capsys.readouterr().out.split())
    _, instances, *_ = tables(found)
    assert [str(row[0].style) for row in instances.rows] == ["", "", "", "yellow"]


def test_they_are_not_moved() -> None:
    """What a switch would do is told of the pipeline's instances."""
    told = _planned_changes(replace(WELL, instances=(*WELL.instances, GHOST)), Order("dc2", 30.0, "", "ann@ops"))
    assert told[0] == "move 3 instances (2 alerting, 1 bridge) and 1 group from dc1 to dc2"


def test_the_command_finds_them_by_their_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    found = surveyed(monkeypatch, beats=[HeartbeatRecord("ghost", "zzz", "dc1", "running", 1)])
    assert found.notes[-1] == NAMED
