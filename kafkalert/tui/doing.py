"""Has a command run in a process of its own, and keeps what it says."""

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from threading import Thread
from typing import IO, Final

_MOST_LINES: Final = 500


class Doing:
    """One command, from its start to its end. `told`: as it is shown; `lines`: what it said.

    `common`: the options by which it finds the same context. `whole`: all that it says is wanted.
    """

    def __init__(self, common: Sequence[str], arguments: Sequence[str], *, whole: bool = False) -> None:
        self.told = ("kafkalert", *(f'"{word}"' if " " in word else word for word in arguments))
        self.whole = whole
        self.lines: deque[str] = deque(maxlen=_MOST_LINES)
        ours, self._pipe = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "kafkalert.tui.child", str(ours), *common, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[ours],
            text=True,
            errors="replace",
            start_new_session=True,  # ctrl-c in the terminal is the dashboard's
        )
        os.close(ours)
        assert self._process.stdout is not None  # noqa: S101 - it is piped
        Thread(target=self._hear, args=(self._process.stdout,), name="command", daemon=True).start()

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def interrupt(self) -> None:
        """Send it ctrl-c."""
        if self.status is None:
            self._process.send_signal(signal.SIGINT)

    def _hear(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))
        os.close(self._pipe)  # it has ended
