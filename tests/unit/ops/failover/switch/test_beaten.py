"""What an operator is told where another switch was first: who made it, when, and where stages run by it."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kafkalert.bus.control.event import Event, Mode
from kafkalert.bus.control.state import View
from kafkalert.errors import RefusedError
from kafkalert.ops.failover.drill import drilling
from kafkalert.ops.failover.drill.order import DrillAudience, DrillOrder
from kafkalert.ops.failover.result import BeatenError, CalledOffError, Outcome
from kafkalert.ops.failover.status.instances import InstanceWatcher
from kafkalert.ops.failover.status.watch import Watch
from kafkalert.ops.failover.switch.context import SwitchContext
from kafkalert.ops.failover.switch.order import Order
from kafkalert.ops.failover.switch.planned import Planned
from kafkalert.ops.failover.switch.progress_log import ProgressLog
from kafkalert.ops.failover.switch.switching import look_again
from tests.support.data.picture import SURVEY
from tests.support.fakes.control import SETTINGS
from tests.support.fakes.engine import FakeClock

AT = 1_769_846_412_345
"""2026-01-31 08:00:12 UTC, in milliseconds."""
ORDER = Order("dc2", 30.0, "", "ann@ops")


def commit(epoch: int, to: str, mode: Mode = "forced") -> Event:
    """Somebody else's switch, whose name would steer a terminal."""
    source = "dc1" if to == "dc2" else "dc2"
    return Event(epoch, "other", "COMMIT", mode, source, to, "bob@ops\x1b[2J", AT, "", {})


def seen(epoch: int, active: str, made: Event | None = None, pending: Event | None = None) -> View:
    """What the control logs say, of which `made` is the last switch."""
    return View(epoch, active, made, pending, () if made is None else (made,), epoch + 1)


def watching(view: View) -> Watch:
    """The control log says that; whatever is written to it is confirmed."""
    control = SimpleNamespace(view=lambda: view, write=lambda *_: True, await_event=lambda *_: True)
    return cast("Watch", SimpleNamespace(control=control, watcher=InstanceWatcher([], "status", clock=FakeClock())))


def planned(view: View, epoch: int = 4) -> Planned:
    """A switch from dc1 to dc2 that is under way, in that epoch."""
    clock = FakeClock()
    context = SwitchContext(SETTINGS, watching(view), ProgressLog(clock), clock)
    made = Planned(context, ORDER, cast("Any", None), source="dc1", gone=())
    made._epoch = epoch
    return made


WHO = r"bob@ops\\x1b\[2J moved them to dc2 at 08:00:12 UTC"


@pytest.mark.parametrize(("active", "epoch"), [("dc1", 4), ("dc2", 3)])
@pytest.mark.parametrize("made", [commit(4, "dc2"), None])
def test_a_switch_that_came_while_the_operator_thought_is_in_the_way(
    active: str, epoch: int, made: Event | None
) -> None:
    """Of two forced switches, the one that counts may have the other one's epoch. It is said who made it, and when."""
    order = Order("dc2", 30.0, "", "ann@ops", forced=True)
    look_again(watching(seen(3, "dc1")), order, ("dc1", 3))
    who = f": {WHO}" if made else ""
    with pytest.raises(RefusedError, match=f"^Stages run on {active}, in epoch {epoch}, and not as shown above{who}.$"):
        look_again(watching(seen(epoch, active, made)), order, ("dc1", 3))


def test_a_forced_switch_that_came_in_the_middle_is_named() -> None:
    """By whom and when; one of an earlier epoch, however short ago, is no reason."""
    with pytest.raises(CalledOffError, match=f"^A forced switch was first: {WHO}.$"):
        planned(seen(4, "dc2", commit(4, "dc2")))._look()
    planned(seen(3, "dc1", commit(3, "dc1", "planned")))._look()


def test_who_was_first_is_named_at_prepare() -> None:
    """Where his switch is under way, and where it was decided as this one began."""
    pending = Event(5, "other", "PREPARE", "planned", "dc1", "dc2", "bob@ops\x1b[2J", AT, "", {})
    with pytest.raises(BeatenError, match=r"^Another switch is under way: bob@ops\\x1b\[2J was first\."):
        planned(seen(4, "dc1", pending=pending))._prepare()
    late = planned(View(5, "dc2", commit(5, "dc2"), None, (), 6))
    own = Event(6, late._id, "PREPARE", "planned", "dc1", "dc2", "ann@ops", AT, "", {})
    late._control.view = lambda: View(5, "dc2", commit(5, "dc2"), own, (), 6)  # type: ignore[method-assign]  # a fake
    with pytest.raises(BeatenError, match=f"^Stages run on dc2 meanwhile, not on dc1: {WHO}. This one did nothing.$"):
        late._prepare()


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (seen(4, "dc2", commit(4, "dc2")), "^Stages run on dc2 already, in epoch 4.$"),
        (seen(4, "dc1", commit(4, "dc1")), f"not as shown above: {WHO.replace('dc2', 'dc1')}.$"),
    ],
    ids=["away", "there and back"],
)
def test_a_drill_is_told_the_same(monkeypatch: pytest.MonkeyPatch, view: View, said: str) -> None:
    """Nothing is written then."""
    monkeypatch.setattr(drilling, "Watch", lambda *_: nullcontext(watching(view)))
    monkeypatch.setattr(drilling, "patient_survey", lambda *_: SURVEY)
    monkeypatch.setattr(drilling, "check_planned", lambda *_: None)
    audience = DrillAudience(lambda _: None, lambda _: None, cast("Any", None), lambda _: None)
    with pytest.raises(RefusedError, match=said):
        drilling.drill(SETTINGS, DrillOrder("dc2", 30.0, "", "ann@ops"), audience)


@pytest.mark.parametrize(("error", "told"), [(KeyboardInterrupt(), True), (CalledOffError("It took too long."), False)])
def test_a_ctrl_c_that_came_too_late_to_call_it_off_is_told_all_the_same(
    error: BaseException, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The switch stands; who goes on behind it, as a drill does, has to know that somebody wanted to stop."""
    made = planned(seen(4, "dc2"))
    monkeypatch.setattr(made, "_outcome", lambda: commit(4, "dc2", "planned"))
    made._call_off(error)
    assert made._result(Outcome.SWITCHED).interrupted == told
