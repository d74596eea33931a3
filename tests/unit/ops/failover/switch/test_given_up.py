"""Who asks the control logs from outside takes no silence for an answer; a step that failed does not look done."""

from time import monotonic

import pytest
from pydantic import SecretStr

from kafkalert.bus.connect.flow import flows
from kafkalert.bus.control.event import Event, encode
from kafkalert.bus.control.state import View
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.errors import ConfigError, RefusedError, UnreachableError
from kafkalert.ops import active
from kafkalert.ops.failover.switch.progress_log import ProgressLog, Status, Step
from tests.support.fakes.control import FakeConsumer, forced, planned
from tests.support.fakes.engine import FakeClock

SETTINGS = Settings(
    context=Context(clusters=("dc1", "dc2")),
    clusters={name: Cluster(name=name, bootstrap="127.0.0.1:1") for name in ("dc1", "dc2")},
)


OUT, BACK = flows(SETTINGS)
"""The flow from dc1 to dc2, and the one from dc2 to dc1."""


def test_a_flow_out_of_a_cluster_that_was_left_by_force_is_not_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused with the command that does it; the other flow is not, nor is none."""
    commit = Event(1, "x", "COMMIT", "forced", "dc1", "dc2", "ann@ops", 0, "", {})
    view = View(1, "dc2", commit, None, (commit,), 2)
    monkeypatch.setattr(active, "_read", lambda *_: (view, {"dc1", "dc2"}, {}))
    active.check_not_given_up(SETTINGS, [BACK])
    active.check_not_given_up(SETTINGS, [])
    with pytest.raises(RefusedError, match="has left dc1") as refused:
        active.check_not_given_up(SETTINGS, [BACK, OUT])
    assert "failover reconcile --from dc1" in refused.value.hint


def test_where_both_clusters_were_left_by_force_the_passive_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is told the cluster that returns, and carries from the other one too."""
    there = Event(1, "x", "COMMIT", "forced", "dc1", "dc2", "ann@ops", 0, "", {})
    back = Event(2, "y", "COMMIT", "forced", "dc2", "dc1", "ann@ops", 0, "", {})
    monkeypatch.setattr(active, "_read", lambda *_: (View(2, "dc1", back, None, (there, back), 3), {"dc1", "dc2"}, {}))
    for one in (OUT, BACK):
        with pytest.raises(RefusedError, match=f"has left {one.source}") as refused:
            active.check_not_given_up(SETTINGS, [one])
        assert "failover reconcile --from dc2" in refused.value.hint


@pytest.mark.parametrize("reachable", [set(), {"dc1"}])
def test_who_does_not_know_does_not_resume(monkeypatch: pytest.MonkeyPatch, reachable: set[str]) -> None:
    """A forced switch to dc2 stands in dc2's control log; dc1 may not have heard of it."""
    monkeypatch.setattr(active, "_read", lambda *_: (View(0, "dc1", None, None, (), 1), reachable, {}))
    with pytest.raises(UnreachableError, match="dc2 does not answer"):
        active.check_not_given_up(SETTINGS, [OUT])


def test_nothing_is_resumed_without_a_control_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two, one may be missing: the other's events are not known then."""
    FakeConsumer.instead(monkeypatch, dc1=FakeConsumer([]), dc2=FakeConsumer(None))
    with pytest.raises(ConfigError, match="does not exist on dc2"):
        active.check_not_given_up(SETTINGS, [OUT])


def test_a_client_that_cannot_be_made_is_not_taken_for_a_context_that_was_never_switched() -> None:
    """`seed` and `tail` would work on the wrong cluster."""
    tls = {name: SecretStr(value) for name, value in (("security.protocol", "ssl"), ("ssl.ca.location", "/nowhere"))}
    bad = SETTINGS.clusters["dc2"].model_copy(update={"kafka": tls})
    with pytest.raises(ConfigError, match="No client of cluster dc2"):
        active.with_active_first(SETTINGS.model_copy(update={"clusters": {**SETTINGS.clusters, "dc2": bad}}))


@pytest.mark.parametrize("late", ["dc1", "dc2"])
def test_a_cluster_without_a_control_log_does_not_say_where_stages_run(
    monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    """It was made anew: the other one's log counts, whichever answers first."""
    logs = {"dc1": None, "dc2": [encode(forced(4, "dc2"))]}
    slow = {name: FakeConsumer(log, 0.1 * (name == late)) for name, log in logs.items()}
    FakeConsumer.instead(monkeypatch, **slow)
    view = active.standing(SETTINGS)
    assert (view.epoch, view.active) == (4, "dc2")
    assert active.with_active_first(SETTINGS).context.clusters == ("dc2", "dc1")


def test_one_log_is_enough_to_know_of_a_planned_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The new cluster has a copy; that the old one has no log any more is not mended by waiting."""
    copies = [encode(planned(1, "dc2", step)) for step in ("PREPARE", "COMMIT")]
    FakeConsumer.instead(monkeypatch, dc1=FakeConsumer(None), dc2=FakeConsumer(copies))
    began = monotonic()
    assert active.with_active_first(SETTINGS).context.clusters == ("dc2", "dc1")
    assert monotonic() - began < 2


def test_where_no_cluster_has_a_control_log_there_was_no_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeConsumer.instead(monkeypatch, dc1=FakeConsumer(None), dc2=FakeConsumer(None))
    assert (active.standing(SETTINGS).epoch, active.standing(SETTINGS).active) == (0, "dc1")
    assert active.with_active_first(SETTINGS) == SETTINGS


def test_a_silent_cluster_may_be_the_one_that_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its log may hold a switch of which the others, made anew, know nothing."""
    monkeypatch.setattr(active, "_SECONDS", 0.3)
    FakeConsumer.instead(monkeypatch, dc1=FakeConsumer(None), dc2=FakeConsumer([], 1.0))
    for ask in (active.standing, active.with_active_first):
        with pytest.raises(UnreachableError, match="dc1 has no control log, and dc2 does not answer"):
            ask(SETTINGS)
    FakeConsumer.instead(monkeypatch, dc1=FakeConsumer([], 1.0), dc2=FakeConsumer([], 1.0))
    with pytest.raises(UnreachableError, match="Neither dc1"):
        active.standing(SETTINGS)


def test_a_step_that_failed_stays_so_though_the_switch_goes_on() -> None:
    progress_log = ProgressLog(FakeClock())
    with progress_log.step(Step.FLOW):
        progress_log.fail(Step.FLOW, "its worker does not take it")
    with progress_log.step(Step.COMMIT):
        progress_log.note(Step.COMMIT, "soon")
    assert [(one.status, one.detail) for one in progress_log._steps.values()] == [
        (Status.FAILED, "its worker does not take it"),
        (Status.DONE, "soon"),
    ]
