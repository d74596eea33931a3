"""What a reconcile leaves in the control log, however it ends."""

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from kafkalert.bus.connect.flow import Flow
from kafkalert.bus.control.event import Event
from kafkalert.bus.control.state import resolve
from kafkalert.errors import KafkalertError, OutcomeUnknownError
from kafkalert.ops import topic_admin
from kafkalert.ops.failover.reconcile import reconciling
from kafkalert.ops.failover.reconcile.order import Audience, Order
from kafkalert.ops.failover.reconcile.result import Outcome, Reconciliation
from tests.support.fakes.control import OTHER, SETTINGS, forced
from tests.support.fakes.engine import FakeClock

ENDS = [KeyboardInterrupt(), KafkalertError("dc2 refused."), OutcomeUnknownError("dc2 did not say.")]


class FakeTail:
    """As `Tail`: carries so many records before `end` is raised, if there is one."""

    def __init__(self, flow: Flow, count: int, end: BaseException | None) -> None:
        self.flow = flow
        self.carried: Counter[str] = Counter()
        self.tables: tuple[Any, ...] = ()
        self.put = self.vanished = 0
        self._count, self._end = count, end

    def look_again(self) -> None:
        """Nothing has come."""

    def carry(self, *_: object) -> None:
        """As told."""
        self.carried["accountentry"] += self._count
        if self._end is not None:
            raise self._end

    def settle(self, *_: object) -> None:
        """Tables are equal."""

    def go_on(self) -> None:
        """The flow goes on."""

    def stranded(self) -> list[Any]:
        """Nobody asks in detail."""
        return []

    superseded = stranded


@pytest.fixture
def written() -> list[tuple[str, Event]]:
    """What is written to which cluster's control log."""
    return []


@pytest.fixture
def reconcile(monkeypatch: pytest.MonkeyPatch, written: list[tuple[str, Event]]) -> Callable[..., Reconciliation]:
    """A reconcile of dc1 after a forced switch to dc2, with these flows stopped, which carries so many and ends so."""
    view = resolve({"dc2": [forced(3, "dc2")]}, "dc1")

    def write(name: str, event: Event, _timeout: float) -> bool:
        written.append((name, event))
        return True

    watch = SimpleNamespace(control=SimpleNamespace(view=lambda: view, write=write))
    nothing = ("check_stopped", "check_topics", "await_back", "await_rows", "await_out")
    for name in nothing:
        monkeypatch.setattr(reconciling, name, lambda *_, **__: None)
    monkeypatch.setattr(reconciling, "Watch", lambda *_: nullcontext(watch))
    monkeypatch.setattr(reconciling, "check_control", lambda *_: "dc2")
    monkeypatch.setattr(reconciling, "flow_of", lambda _, source: Flow(source, OTHER[source], "mirror"))
    monkeypatch.setattr(reconciling, "topics_of", lambda _: {})
    monkeypatch.setattr(topic_admin, "plan", lambda _: ())

    def run(counts: dict[str, int], end: BaseException | None = None) -> Reconciliation:
        def tail(_settings: object, flow: Flow, *_: object) -> FakeTail:
            return FakeTail(flow, counts[flow.source], end if flow.source == "dc1" else None)

        monkeypatch.setattr(reconciling, "is_stopped", lambda _settings, flow, _note: flow.source in counts)
        monkeypatch.setattr(reconciling, "Tail", tail)
        audience = Audience(lambda _: None, lambda _: None, lambda _: nullcontext(lambda _: None))
        return reconciling.reconcile(SETTINGS, Order("dc1", 60.0, dry_run=False), audience, FakeClock())

    return run


@pytest.mark.parametrize("end", ENDS, ids=lambda one: type(one).__name__)
def test_what_was_carried_before_it_ended_is_told(
    reconcile: Callable[..., Reconciliation], written: list[tuple[str, Event]], end: BaseException
) -> None:
    """Ctrl-c, and with it SIGTERM and a terminal that closes, is an end like any other; each way is told by itself."""
    with pytest.raises(type(end)):
        reconcile({"dc2": 4, "dc1": 3}, end)
    assert [name for name, _ in written] == ["dc2", "dc1"]
    ways = [{"from": "dc2", "to": "dc1", "records": 4}, {"from": "dc1", "to": "dc2", "records": 3}]
    assert [one.detail for _, one in written] == [{"reconciled": ways, "complete": False}] * 2


@pytest.mark.parametrize("end", [None, *ENDS], ids=lambda one: type(one).__name__)
def test_nothing_is_told_of_nothing(
    reconcile: Callable[..., Reconciliation], written: list[tuple[str, Event]], end: BaseException | None
) -> None:
    """Whether it came to its end or not: a history of 0 records reconciled says no more than none."""
    with nullcontext() if end is None else pytest.raises(type(end)):
        assert reconcile({"dc1": 0}, end).outcome is Outcome.RECONCILED
    assert written == []


def test_only_the_way_that_anything_was_carried_is_told(
    reconcile: Callable[..., Reconciliation], written: list[tuple[str, Event]]
) -> None:
    assert reconcile({"dc2": 0, "dc1": 3}).problems == ()
    assert written[0][1].detail == {"reconciled": [{"from": "dc1", "to": "dc2", "records": 3}], "complete": True}
