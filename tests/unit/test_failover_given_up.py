"""What a forced switch left behind is not brought back by hand, and a step that failed does not look done."""

import pytest

from kafkalert.bus.control.event import Event
from kafkalert.bus.control.state import View
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.errors import ConfigError, RefusedError
from kafkalert.ops import active
from kafkalert.ops.failover.course import Course, Status, Step
from tests.engine_fakes import FakeClock

SETTINGS = Settings(
    context=Context(clusters=("dc1", "dc2")),
    clusters={name: Cluster(name=name, bootstrap="127.0.0.1:1") for name in ("dc1", "dc2")},
)


def test_a_flow_out_of_a_cluster_that_was_left_by_force_is_not_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused with the command that does it; the other flow, and a context that was never switched, are not."""
    commit = Event(1, "x", "COMMIT", "forced", "dc1", "dc2", "ann@ops", 0, "", {})
    view = View(1, "dc2", commit, None, (commit,), 2)
    monkeypatch.setattr(active, "_read", lambda _settings: (view, {"dc1", "dc2"}))
    active.check_not_given_up(SETTINGS, ["dc2"])
    active.check_not_given_up(SETTINGS, [])
    with pytest.raises(RefusedError, match="has left dc1") as refused:
        active.check_not_given_up(SETTINGS, ["dc2", "dc1"])
    assert "failover reconcile --from dc1" in refused.value.hint

    def missing(_settings: Settings) -> None:
        raise ConfigError("There is no control log.")

    monkeypatch.setattr(active, "_read", missing)
    active.check_not_given_up(SETTINGS, ["dc1"])


def test_a_step_that_failed_stays_so_though_the_switch_goes_on() -> None:
    course = Course(FakeClock())
    with course.step(Step.FLOW):
        course.fail(Step.FLOW, "its worker does not take it")
    with course.step(Step.COMMIT):
        course.note(Step.COMMIT, "soon")
    assert [(one.status, one.detail) for one in course._steps.values()] == [
        (Status.FAILED, "its worker does not take it"),
        (Status.DONE, "soon"),
    ]
