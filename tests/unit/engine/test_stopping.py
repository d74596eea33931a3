"""How a stage is told to stop."""

import os
import signal
import subprocess
import sys

import pytest

from kafkalert.engine.stopping import ORDERLY_SECONDS, PARENT, InterruptedStopError, Stopping
from kafkalert.errors import KafkalertError
from tests.support.fakes.engine import FakeClock


def test_the_first_reason_counts() -> None:
    """What follows from a stop is not its cause."""
    stopping = Stopping(FakeClock())
    first = KafkalertError("first")
    assert not stopping
    stopping.stop(first)
    stopping.stop(KafkalertError("second"))
    assert stopping
    assert stopping.reason is first
    assert stopping.wait(60)


def test_an_orderly_stop_has_a_bound() -> None:
    """Counted from the stop, by the clock that is passed in; before it there is none."""
    clock = FakeClock()
    stopping = Stopping(clock)
    clock.pass_by(1000)
    stopping.check_deadline()
    stopping.stop()
    clock.pass_by(ORDERLY_SECONDS)
    stopping.check_deadline()
    stopping.stop()  # again: the bound does not move
    clock.pass_by(0.1)
    with pytest.raises(InterruptedStopError):
        stopping.check_deadline()


# A process that takes signals ends some seconds after one, whatever else it does: never the tests' own.
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_whatever_it_interrupts(number: signal.Signals) -> None:
    """Even the very code that holds the event's lock."""
    script = f"""
import signal
from kafkalert.engine.clock import SystemClock
from kafkalert.engine.stopping import Stopping
stopping = Stopping(SystemClock())
stopping.on_signals()
with stopping.event._cond:
    signal.raise_signal({int(number)})
print(stopping.wait(30), stopping.reason)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "True None\n"), done.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_ends_the_process_at_once(number: signal.Signals, status: int) -> None:
    """Though it would wait for ever."""
    script = f"""
import signal
from kafkalert.engine.clock import SystemClock
from kafkalert.engine.stopping import Stopping
stopping = Stopping(SystemClock())
stopping.on_signals()
signal.raise_signal({int(number)})
stopping.event.wait()
print("stopping", flush=True)
signal.raise_signal({int(number)})
signal.pause()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (status, "stopping\n"), done.stderr


def test_a_worker_stops_when_its_parent_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its supervisor is gone, and nobody would ever stop it; one that has no supervisor goes on."""
    stopping = Stopping(FakeClock())
    monkeypatch.delenv(PARENT, raising=False)
    stopping.with_parent()
    monkeypatch.setenv(PARENT, str(os.getppid()))
    stopping.with_parent()
    assert not stopping
    monkeypatch.setenv(PARENT, str(os.getpid()))
    stopping.with_parent()
    assert stopping
    assert stopping.reason is None
