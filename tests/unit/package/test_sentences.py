"""Sentences that operators did not understand at once when they were longer; each says now what it means."""

from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest

from kafkalert.bus.connect.flow import Flow
from kafkalert.bus.control.state import View, duty
from kafkalert.bus.records.partitions import Partition
from kafkalert.commands.failover_drill import drill
from kafkalert.engine.consuming.progress import Place
from kafkalert.engine.loop import Loop
from kafkalert.errors import RefusedError
from kafkalert.ops.failover.positions import planned_positions as module
from kafkalert.ops.failover.positions.forced_estimate import ForcedEstimate, _loss
from kafkalert.ops.failover.positions.planned_positions import PlannedPositions
from kafkalert.ops.failover.reconcile.reconciling import _changes
from kafkalert.ops.failover.reconcile.result import Reconciliation, Stranded
from kafkalert.ops.failover.switch.order import Order
from kafkalert.ops.failover.switch.switching import _forced_changes
from tests.support.data.picture import SURVEY
from tests.support.fakes.control import SETTINGS
from tests.support.fakes.engine import FakeClock

VIEW = View(3, "dc1", None, None, (), 4)
ORDER = Order("dc2", 30.0, "", "ann@ops", forced=True)


def test_a_control_log_that_is_not_read_in_time_cannot_be_reached() -> None:
    """An instance is held by it, and says which cluster's; so does its loop, which sees it first."""
    assert duty(VIEW, settled=True, fresh=False).why == "dc1's control log cannot be reached"
    loop = Loop.__new__(Loop)
    loop._member, loop._stale, loop._held = Mock(cluster=SETTINGS.clusters["dc2"]), True, "something else"
    assert loop.held == "dc2's control log cannot be reached"


@pytest.mark.parametrize("assumed", [set(), {"dc2"}, {"dc1", "dc2"}])
def test_records_that_are_not_looked_for_are_not_verified(monkeypatch: pytest.MonkeyPatch, assumed: set[str]) -> None:
    """It is said only of clusters that have such records, with how many are looked at in a partition."""

    def window(name: str) -> SimpleNamespace:
        return SimpleNamespace(name=name, open_transactions=dict, assumed=[1] if name in assumed else [], most=10_416)

    ledger = SimpleNamespace(start=lambda _: None, window=window)
    monkeypatch.setattr(module, "Ledger", lambda *_, **__: ledger)
    monkeypatch.setattr(module, "topics_of", lambda _: {})
    monkeypatch.setattr(module, "_crossed", lambda *_: {})
    told = PlannedPositions(SETTINGS, VIEW, "dc1", "dc2", FakeClock()).begin({})
    assert told == [
        f"not verified: records of {name} before the last 10,416 offsets of each partition" for name in sorted(assumed)
    ]


def test_a_log_that_could_not_be_looked_into_is_not_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it was cut is not known; a place that is known to stand is not named."""
    places = {("a", number): Place(5, "00" * 8, adjacent=True) for number in range(3)}
    there: dict[Partition, bool | None] = {("a", 0): True, ("a", 1): None, ("a", 2): None}
    monkeypatch.setattr(module, "topics_of", lambda _: {})
    monkeypatch.setattr(module, "_crossed", lambda *_: {})
    monkeypatch.setattr(module, "topic_ids", lambda *_: {})
    monkeypatch.setattr(module, "still_there", lambda *_: there)
    groups = Mock(places=lambda *_: {"g": places})
    window: Any = Mock(begin={}, high_watermarks=lambda asked: dict.fromkeys(asked, 9))
    window.places = Mock(starts=lambda asked: dict.fromkeys(asked, 0), high_watermarks=window.high_watermarks)
    monkeypatch.setattr(module, "Ledger", lambda *_, **__: Mock(window=lambda _: window))
    positions = PlannedPositions(SETTINGS, VIEW, "dc1", "dc2", FakeClock())
    said = ["not verified: that a[1] and 1 other partition on dc1 still has what g has processed"]
    assert positions.check_uncut(groups) == said
    there["a", 0] = False
    with pytest.raises(RefusedError, match=r"a\[0\] was cut before the group's offset 5"):
        positions.check_uncut(groups)


def test_what_a_source_can_send_again_is_not_lost() -> None:
    """Told before anybody agrees to a loss; what of it is done twice is told as well."""
    words = _loss((), 1, "dc1", "dc2", healthy=True, late=1).words
    assert "Not mirrored: 0 known, plus up to 1 s." in words
    (said,) = [one for one in words if one.startswith("Lost only")]
    assert said.split(". ")[0] == "Lost only where the source cannot send again"
    assert "sends its last 60 s again" in said


def test_the_flow_is_stopped_so_that_old_records_do_not_overwrite_newer_ones() -> None:
    """Why a forced switch stops it."""
    told = _forced_changes(SURVEY, ORDER, ForcedEstimate((), None, _loss((), 1, "dc1", "dc2", healthy=True, late=1)))
    assert told[1] == "stop the flow from dc1 to dc2, so that old records do not overwrite newer ones"


def test_the_mirror_is_restarted_behind_what_was_carried() -> None:
    """Of each flow that stands still, after what is carried."""
    stranded = Stranded("accountentry", "records", 2, 0, None, None, source="dc1")
    found = cast("Reconciliation", SimpleNamespace(topics=(stranded,)))
    flows = [Flow("dc1", "dc2", "out"), Flow("dc2", "dc1", "back")]
    assert _changes(found, flows, "accountentry") == [
        "carry from dc1 to dc2: 2 bookings are alerted now, late",
        "restart the mirror dc1 to dc2 behind these records",
        "restart the mirror dc2 to dc1 behind these records",
    ]


def test_a_drill_promises_to_say_where_stages_are() -> None:
    assert "If a step fails, it says where stages are." in " ".join((drill.__doc__ or "").split())
