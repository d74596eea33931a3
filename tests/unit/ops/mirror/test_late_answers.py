"""What a worker says of a connector after a change: when it is of now, and when of before."""

from kafkalert.bus.connect.client import Connector, Task
from kafkalert.bus.connect.flow import Flow
from kafkalert.ops.mirror.comparing import Difference, changes, compare
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.mirror.late_answers import Settling

FLOW = Flow("dc1", "dc2", "m")
OLD, NEW = {"name": "m", "tasks.max": "1"}, {"name": "m", "tasks.max": "2"}
FINE = compare(FLOW, (Condition.RUNNING, ""), NEW, NEW)


def running(*states: str, state: str = "RUNNING", reason: str = "") -> Connector:
    return Connector("m", state, reason, tuple(Task(number, one, "") for number, one in enumerate(states)))


def test_tasks_count_once_all_are_there_with_the_new_configuration() -> None:
    """Before that, those that are seen running are the old ones."""
    settling = Settling(running("RUNNING"), NEW, ["tasks.max"], resumed=False)
    late = compare(FLOW, (Condition.RUNNING, ""), OLD, NEW)
    assert late.differences == (Difference("tasks.max", "1", "2"),)
    assert not settling.look(running("RUNNING"), {0: OLD}, late)
    assert not settling.look(running("RUNNING"), {0: OLD}, FINE)
    assert not settling.look(running("RUNNING"), {0: NEW, 1: NEW}, FINE)
    assert not settling.look(None, {}, FINE)
    assert settling.look(running("RUNNING", "RUNNING"), {0: NEW, 1: NEW}, FINE)


def test_a_key_that_was_removed_is_gone_from_the_tasks() -> None:
    settling = Settling(running("RUNNING"), NEW, ["x"], resumed=False)
    assert not settling.look(running("RUNNING"), {0: NEW | {"x": "1"}}, FINE)
    assert settling.look(running("RUNNING"), {0: NEW}, FINE)


def test_a_reference_may_be_shown_resolved() -> None:
    settling = Settling(running("RUNNING"), NEW | {"password": "${env:P}"}, ["password"], resumed=False)
    assert settling.look(running("RUNNING"), {0: NEW | {"password": "geheim"}}, FINE)


def test_a_failure_or_a_stop_has_to_be_gone_once() -> None:
    """Then it counts when it comes back; what was paused and is to stay so is of now at once."""
    failed = Settling(running("FAILED"), NEW, [], resumed=False)
    assert not failed.look(running("FAILED"), {0: NEW}, FINE)
    assert failed.look(running("RUNNING"), {0: NEW}, FINE)
    assert failed.look(running("FAILED"), {0: NEW}, FINE)
    for state in ("STOPPED", "PAUSED"):
        held = running(state=state)
        resumed = Settling(held, NEW, [], resumed=True)
        assert not resumed.look(held, {}, FINE)
        assert resumed.look(running(), {}, FINE)
        assert resumed.look(held, {}, FINE)
        assert Settling(held, NEW, ["tasks.max"], resumed=False).look(held, {0: OLD}, FINE)


def test_another_failure_is_of_now() -> None:
    settling = Settling(running(state="FAILED", reason="old"), NEW, ["tasks.max"], resumed=False)
    assert not settling.look(running(state="FAILED", reason="old"), {}, FINE)
    assert settling.look(running(state="FAILED", reason="new"), {0: OLD}, FINE)


def test_a_connector_that_was_deleted_is_absent_whatever_is_still_said_of_it() -> None:
    """And its tasks are none of the one that is made anew."""
    gone = compare(FLOW, (Condition.RUNNING, ""), None, NEW)
    assert gone.condition is Condition.ABSENT
    assert changes([gone]) == ["create m beside dc2, which carries dc1 into dc2"]
    settling = Settling(running("RUNNING"), NEW, NEW, resumed=False)
    assert not settling.look(running("RUNNING"), {}, FINE)
