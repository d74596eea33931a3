"""A picture that is followed: each answer by itself, and none for longer than it is good for."""

from collections.abc import Callable, Iterator
from threading import Condition, Event
from threading import enumerate as threads
from types import SimpleNamespace
from typing import Any

import pytest

from kafkalert.bus.control.state import View
from kafkalert.errors import ConfigError, UnreachableError
from kafkalert.ops.failover.status import feed as module
from kafkalert.ops.failover.status.feed import STALE_SECONDS, Feed
from kafkalert.ops.failover.status.instances import InstanceWatcher
from kafkalert.ops.failover.status.picture import GroupLag, Survey
from kafkalert.ops.failover.status.survey import ANSWER_SECONDS, WATCH_SECONDS
from tests.support.fakes.engine import FakeClock
from tests.unit.ops.failover.status.test_survey import SETTINGS

PATIENCE = 30.0
LAG = GroupLag("kafkalert.alerting", 1, 7)


class Context:
    """Two clusters, what they answer, and a feed that follows them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = FakeClock()
        self.read = {"dc1", "dc2"}
        self.problem: Exception | None = None
        self.listened = WATCH_SECONDS
        self.hanging: set[str] = set()
        self.released = Event()
        self.failing: dict[tuple[str, str], Exception] = {}
        self.asked: dict[tuple[str, str], int] = {}
        self._news = Condition()
        watcher = InstanceWatcher([], "status", clock=self.clock)
        monkeypatch.setattr(watcher, "watched", lambda *_: self.listened)
        control = SimpleNamespace(
            reachable=lambda: set(self.read),
            view=lambda: View(0, "dc1", None, None, (), 1),
            skipped=lambda: 0,
            problem=lambda: self.problem,
        )
        self.open = False
        watch = SimpleNamespace(control=control, watcher=watcher, __enter__=self._enter, __exit__=self._exit)
        monkeypatch.setattr(module, "Watch", lambda *_: watch)
        told: dict[tuple[str, str], Any] = {("mirror", ""): ()}
        told |= {("answers", name): {} for name in SETTINGS.clusters}
        told |= {("groups", name): (LAG,) for name in SETTINGS.clusters}
        calls = {key: self._call(key, answer) for key, answer in told.items()}
        monkeypatch.setattr(module, "Questions", lambda *_, **_most: SimpleNamespace(calls=calls))
        for name in ("PERIOD_SECONDS", "MIRROR_SECONDS"):
            monkeypatch.setattr(module, name, 0.001)
        self.feed = Feed(SETTINGS, self.clock)

    def _enter(self) -> None:
        self.open = True

    def _exit(self) -> None:
        self.open = False

    def _call(self, key: tuple[str, str], answer: object) -> Callable[[], object]:
        def call() -> object:
            if key[1] in self.hanging:
                assert self.released.wait(PATIENCE)
            with self._news:
                self.asked[key] = self.asked.get(key, 0) + 1
                self._news.notify_all()
            if key in self.failing:
                raise self.failing[key]
            return answer

        return call

    def await_asked(self, *clusters: str) -> None:
        """Return once all that was told before these are asked again is in the picture."""
        keys = [key for key in self.feed._calls if not clusters or key[1] in clusters]
        with self._news:
            before = {key: self.asked.get(key, 0) for key in keys}
            wanted = {key: count + 2 for key, count in before.items()}
            assert self._news.wait_for(lambda: all(self.asked.get(key, 0) >= wanted[key] for key in keys), PATIENCE)


def seen(feed: Feed) -> Survey:
    """The picture, which is there."""
    found = feed.picture()
    assert found is not None
    return found


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    one = Context(monkeypatch)
    yield one
    one.released.set()
    one.feed._closed.set()


def test_a_picture_is_there_once_all_have_answered_and_is_not_waited_for(context: Context) -> None:
    """Nor once it is known that some do not: what they would say is not known then."""
    context.hanging.add("dc2")
    with context.feed as feed:
        context.await_asked("dc1", "")
        assert feed.picture() is None
        context.clock.pass_by(ANSWER_SECONDS)
        context.await_asked("dc1", "")
        found = seen(feed)
        assert found.groups == (LAG,)
        assert [one.answers for one in found.clusters] == [True, True], "its control log is read"
        context.read.discard("dc2")
        found = seen(feed)
        assert [one.answers for one in found.clusters] == [True, False]


def test_nobody_is_called_silent_before_he_was_listened_to(context: Context) -> None:
    context.listened = WATCH_SECONDS / 2
    with context.feed as feed:
        context.await_asked()
        assert feed.picture() is None
        context.listened = WATCH_SECONDS
        assert feed.picture() is not None


def test_an_answer_that_is_old_is_none(context: Context) -> None:
    """A question that hangs says so after a while, and those beside it are as new as ever."""
    with context.feed as feed:
        context.await_asked()
        context.hanging.add("dc1")
        context.await_asked("dc2")
        context.clock.pass_by(STALE_SECONDS - 0.5)
        context.await_asked("dc2")
        found = seen(feed)
        assert found.groups == (LAG,)
        context.clock.pass_by(0.5)
        found = seen(feed)
        assert found.groups is None
        assert "The lag of groups on dc1 could not be read." in found.notes
        context.hanging.clear()
        context.released.set()
        context.await_asked()
        found = seen(feed)
        assert found.groups == (LAG,)


def test_what_fails_is_told_and_asked_again(context: Context) -> None:
    with context.feed as feed:
        for failing, groups in ({}, (LAG,)), ({("groups", "dc1"): UnreachableError("Away.")}, None), ({}, (LAG,)):
            context.failing = dict(failing)
            context.await_asked()
            assert seen(feed).groups == groups


def test_without_any_cluster_there_is_no_picture(context: Context) -> None:
    """As long as it lasts."""
    away = UnreachableError("It does not answer.")
    with context.feed as feed:
        context.clock.pass_by(ANSWER_SECONDS)
        context.read.clear()
        context.failing |= {("answers", name): away for name in SETTINGS.clusters}
        context.await_asked()
        with pytest.raises(UnreachableError, match="Neither dc1"):
            feed.picture()
        context.failing.clear()
        context.await_asked()
        found = seen(feed)
        assert [(one.answers, one.control) for one in found.clusters] == [(True, False)] * 2
        context.problem = ConfigError("There is no such topic.")
        with pytest.raises(ConfigError):
            feed.picture()


def test_nothing_is_asked_once_it_is_closed(context: Context) -> None:
    before = {*threads()}
    with context.feed:
        assert context.open
        context.await_asked()
        asking = {*threads()} - before
        assert len(asking) == len(context.asked)
    assert not context.open
    for one in asking:
        one.join(PATIENCE)
        assert not one.is_alive()
