"""A stay on one cluster, as its runner sees it."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, Mock

import pytest

from kafkalert.config.sections import Cluster
from kafkalert.engine.attempt import Attempt
from tests.engine_fakes import FakeClock

DC1 = Cluster(name="dc1", bootstrap="127.0.0.1:1")
WAITED = 11.0


class FakeLoop:
    """One that notes whether anybody could see it when its time was set."""

    def __init__(self, clock: FakeClock) -> None:
        self.consumer, self.busy = Mock(), False
        self.stays: list[Attempt] = []
        self.set: list[tuple[float, bool]] = []
        self._ticked = clock.monotonic()

    @property
    def ticked(self) -> float:
        """When it last turned."""
        return self._ticked

    @ticked.setter
    def ticked(self, now: float) -> None:
        self._ticked = now
        self.set.append((now, self.stays[0].loop is None))

    def join(self, *_: object) -> None:
        """Become a member."""

    def run(self) -> bool:
        """End at once, as at a stop."""
        return False

    def close(self) -> None:
        """Leave."""


def test_a_loop_that_waited_counts_as_turning_from_its_first_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made when a switch is prepared; a beat that saw that time would show it as stuck."""
    clock = FakeClock()
    loop = FakeLoop(clock)
    for name, value in (("Loop", loop), ("Delivery", Mock()), ("Inputs", Mock())):
        monkeypatch.setattr(f"kafkalert.engine.attempt.{name}", Mock(return_value=value))
    monkeypatch.setattr("kafkalert.engine.attempt.topic_ids", lambda *_: {})
    settings, stopping = Mock(), MagicMock()
    settings.engine.linger.total_seconds.return_value = 0.05
    stopping.__bool__.return_value = False

    def ready(_: object) -> bool:
        clock.pass_by(WAITED)
        return True

    stage = SimpleNamespace(inputs=[], tables=[], outputs=[], name="alerting")
    work: Any = Mock(settings=settings, stage=stage, metrics=Mock(entries=1, gone={}), clock=clock, stopping=stopping)
    work.prepare.return_value = ready
    made = clock.monotonic()
    stay = Attempt(work, DC1)
    loop.stays.append(stay)
    stay.go(1, {}, None)
    stay.join(10)
    assert stay.error is None
    assert loop.set == [(made + WAITED, True)]
