"""What mends control logs: copies of what one lacks, and an epoch above those that the logs have lost."""

from kafkalert.bus.control.plausible import REACH
from kafkalert.bus.control.state import View, duty, lacking, resolve
from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord
from kafkalert.ops.failover.status.instances import WatchedInstance
from kafkalert.ops.failover.switch.repair import Plan, plan, sentences
from tests.support.fakes.control import forced

NOW = 100.0


def at_work(instance: str, epoch: int, heard: float = NOW - 1) -> WatchedInstance:
    """An instance that worked in an epoch."""
    return WatchedInstance(
        HeartbeatRecord(instance, "alerting", "dc1", "held: the control log has lost it", 1, epoch=epoch),
        {"dc1": heard},
    )


def test_where_all_is_well_nothing_is_written() -> None:
    view = resolve({"dc1": [forced(3, "dc1")], "dc2": [forced(3, "dc1")]}, "dc1")
    assert plan(view, {}, [at_work("a-1", 3), at_work("b-2", 1)], NOW) == Plan({})
    assert sentences(Plan({}), view) == []


def test_what_a_log_lacks_is_copied() -> None:
    logs = {"dc1": [forced(3, "dc1")], "dc2": []}
    view = resolve(logs, "dc1")
    what = plan(view, lacking(logs, view), [], NOW)
    assert what.copies == {"dc2": [forced(3, "dc1")]}
    assert sentences(what, view) == ["write to the control log of dc2 1 event that it lacks"]


def test_an_epoch_that_the_logs_have_lost_is_passed() -> None:
    """Who worked in it holds until the logs say a higher one; then all go on."""
    view = View(1, "dc2", None, None, (), 2)
    assert duty(view, settled=True, fresh=True, epoch=5).why == "the control log has lost epoch 5"
    what = plan(view, {}, [at_work("a-1", 5), at_work("b-2", 4), at_work("dead-3", 9, NOW - 60)], NOW)
    assert (what.epoch, what.ahead) == (6, ("alerting a-1", "alerting b-2"))
    mended = resolve({"dc2": [forced(1, "dc2"), forced(what.epoch, "dc2", "r", stays=True)], "dc1": []}, "dc1")
    assert duty(mended, settled=True, fresh=True, epoch=5).do == "process"


def test_an_epoch_that_nobody_can_have_worked_in_is_not_believed() -> None:
    view = View(1, "dc2", None, None, (), 2)
    assert plan(view, {}, [at_work("ghost-1", 2**53), at_work("ghost-2", 1 + REACH)], NOW).epoch == 0
