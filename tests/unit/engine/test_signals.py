"""Signals are heard though the main thread is inside a library's call that does not return."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

# hashlib works for minutes on this and lets other threads run, as librdkafka does while it waits.
PROGRAM = """
import hashlib, sys, threading
from kafkalert.engine.clock import SystemClock
from kafkalert.engine.stopping import Stopping
one = Stopping(SystemClock())
one.on_signals(within=float(sys.argv[1]))
threading.Thread(target=lambda: one.wait(60) and print("stopping", flush=True), daemon=True).start()
print("inside", flush=True)
hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000_000)
"""


@pytest.fixture
def inside(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """A process inside such a call; the parameter is how long it may take to stop."""
    command = [sys.executable, "-c", PROGRAM, str(request.param)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        yield process
        process.kill()


@pytest.mark.parametrize("inside", [0.1], indirect=True)
def test_what_does_not_return_is_ended(inside: subprocess.Popen[str]) -> None:
    """SIGTERM ends the process with status 0 when the time for an orderly end is over."""
    inside.send_signal(signal.SIGTERM)
    assert inside.wait(30) == 0


@pytest.mark.parametrize(("inside", "number", "status"), [(60, 15, 143), (60, 2, 130)], indirect=["inside"])
def test_second_signal_ends_it_at_once(inside: subprocess.Popen[str], number: int, status: int) -> None:
    """The first signal stops in order, and a second one does not wait for it."""
    inside.send_signal(number)
    assert inside.stdout is not None
    assert inside.stdout.readline() == "stopping\n"
    inside.send_signal(number)
    assert inside.wait(30) == status
