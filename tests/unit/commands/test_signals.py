"""SIGTERM, and a terminal that closes, are a ctrl-c to a command that acts."""

import os
import pty
import signal
import subprocess
import sys

import pytest

ACTS = """
import signal, sys
from kafkalert.commands.signals import end_like_ctrl_c
end_like_ctrl_c()
try:
    print("acts", flush=True)
    signal.pause()
except KeyboardInterrupt:
    print("called off", flush=True)
    print("said", file=sys.stderr, flush=True)
    sys.exit(130)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_each_ends_it_in_order(number: signal.Signals) -> None:
    """So whatever it has begun is called off."""
    with subprocess.Popen([sys.executable, "-c", ACTS], stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        assert command.stdout.readline() == "acts\n"
        command.send_signal(number)
        assert command.stdout.read() == "called off\n"
        assert command.wait(30) == 130


def test_nothing_fails_on_the_terminal_that_is_gone() -> None:
    """Its session's leader gets SIGHUP, and whatever it writes to the terminal from then on goes nowhere."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", ACTS])  # noqa: S606 - the command is the one above
    read = b""
    while b"acts" not in read:
        read += os.read(terminal, 100)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 130


def test_nohup_stays_what_it_is() -> None:
    """Who has a closing terminal ignored wants the command to go on."""
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + ACTS
    with subprocess.Popen([sys.executable, "-c", ignoring], stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        assert command.stdout.readline() == "acts\n"
        command.send_signal(signal.SIGHUP)
        command.send_signal(signal.SIGTERM)
        assert command.stdout.read() == "called off\n"
        assert command.wait(30) == 130
