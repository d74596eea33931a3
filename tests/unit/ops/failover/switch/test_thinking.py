"""What a planned switch has read while the operator thought about the question."""

from collections.abc import Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, Self

import pytest

from kafkalert.bus.control.state import View
from kafkalert.ops.failover.switch import switching
from kafkalert.ops.failover.switch.order import Order
from tests.support.data.picture import SURVEY
from tests.support.fakes.control import SETTINGS
from tests.support.fakes.engine import FakeClock

VIEW = View(3, "dc1", None, None, (), 4)


class FakePositions:
    """As `PlannedPositions`; tells what becomes of each that is made."""

    def __init__(self, told: list[str]) -> None:
        self._told = told
        self.number = sum(one.startswith("begin") for one in told) + 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._told.append(f"close {self.number}")

    def begin(self, committed: dict[str, int]) -> list[str]:
        """From what groups have committed by now."""
        self._told.append(f"begin {self.number} at {committed['group']}")
        return ["as it was read"]

    def check_uncut(self, _: object) -> list[str]:
        """No log was cut."""
        return []


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What crossings and switches do, in their order; groups go on by one at each look."""
    told: list[str] = []
    offsets = iter(range(5, 99))
    groups = SimpleNamespace(check_seen=list, names=list, committed=lambda _: {"group": next(offsets)})

    def planned(_parts: object, _order: object, crossing: FakePositions, **_: object) -> SimpleNamespace:
        return SimpleNamespace(run=lambda: told.append(f"switch by {crossing.number}"))

    monkeypatch.setattr(switching, "check_planned", lambda *_: None)
    monkeypatch.setattr(switching, "Groups", lambda *_: groups)
    monkeypatch.setattr(switching, "PlannedPositions", lambda *_: FakePositions(told))
    monkeypatch.setattr(switching, "Planned", planned)
    return told


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (60, ["begin 1 at 5", "switch by 1", "close 1"]),
        (61, ["begin 1 at 5", "close 1", "begin 2 at 6", "switch by 2", "close 2"]),
    ],
)
def test_what_was_read_while_the_operator_thought_for_long_is_begun_anew(
    told: list[str], seconds: float, expected: list[str]
) -> None:
    """All that came meanwhile would be kept, and looked through while stages stand still."""
    clock = FakeClock()
    asked: list[Sequence[str]] = []

    def approve(changes: Sequence[str]) -> None:
        asked.append(changes)
        clock.pass_by(seconds)

    audience = switching.Audience(lambda _: None, approve, lambda: nullcontext(lambda _: None), lambda _: None)
    watch: Any = SimpleNamespace(control=SimpleNamespace(view=lambda: VIEW))
    switching._plan(SETTINGS, Order("dc2", 30.0, "", "ann@ops"), audience, SURVEY, watch, clock)
    assert told == expected
    assert [changes[-1] for changes in asked] == ["as it was read"]
