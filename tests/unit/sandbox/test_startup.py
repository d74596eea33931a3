"""How long a component of the sandbox may take to answer: a slow machine is none that fails."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kafkalert.errors import KafkalertError
from kafkalert.sandbox import startup
from kafkalert.sandbox.cleanup import data_folder
from kafkalert.sandbox.process import Identity
from kafkalert.sandbox.state import Component

DC1 = Component("dc1", "broker", "dc1", 17001, 17002, 1)
PROCESS = Identity(1, "1")


@pytest.fixture
def awaited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., float]:
    """Awaits a broker that logs until a second of a clock, and answers at one; returns how long that took."""
    log = data_folder(tmp_path) / "dc1" / "log"
    log.parent.mkdir(parents=True)
    log.touch()
    now = 0.0

    def awaited(*, logs: float, answers: float) -> float:
        def until(condition: Callable[[], bool], seconds: float, *, every: float) -> bool:
            nonlocal now
            assert every < 1
            while now < seconds:
                now += 1
                if now <= logs:
                    log.write_bytes(b"x" * int(now))
                if condition():
                    return True
            return False

        monkeypatch.setattr(startup, "wait_until", until)
        monkeypatch.setattr(startup, "monotonic", lambda: now)
        monkeypatch.setattr(startup, "state_of", lambda _: "S")
        monkeypatch.setattr(startup, "answers", lambda _: now >= answers)
        startup.await_ready(tmp_path, DC1, PROCESS)
        return now

    return awaited


@pytest.mark.parametrize("seconds", [3, 80, 200])
def test_one_that_logs_what_it_does_is_waited_for(awaited: Callable[..., float], seconds: float) -> None:
    assert awaited(logs=seconds, answers=seconds) == seconds


@pytest.mark.parametrize(("logs", "ends"), [(0, 92), (100, 191), (1_000, 300)])
def test_one_that_is_silent_or_never_comes_is_given_up(awaited: Callable[..., float], logs: float, ends: float) -> None:
    """After 90 s without a word, or 300 s in all."""
    with pytest.raises(KafkalertError, match=f"dc1 did not answer within {ends} s"):
        awaited(logs=logs, answers=10_000)
