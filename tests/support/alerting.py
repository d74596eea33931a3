"""`kafkalert run alerting` as a process, for tests that do things to it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from kafkalert.sandbox.process import wait_until

SECONDS = 90.0
"""How long anything may take on a crowded machine."""


class Alerting:
    """A `kafkalert run alerting` that runs, or another stage, with its stderr in `log`."""

    def __init__(
        self, config: Path, log: Path, arguments: Sequence[str], env: dict[str, str], *, stage: str = "alerting"
    ) -> None:
        self.log = log
        self.ended = False
        command = [sys.executable, "-m", "kafkalert", "--config", str(config), "run", stage, *arguments]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KAFKALERT_")}
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env=kept | env,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process."""
        return self.process.pid

    def check(self) -> None:
        """Fail if it ended by itself."""
        if not self.ended:
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.stderr()[-3000:]}"

    def stderr(self) -> str:
        """What it said so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def messages(self) -> list[str]:
        """The messages of its log lines so far."""
        lines = self.stderr().splitlines()
        return [json.loads(line)["message"] for line in lines if line.startswith("{") and line.endswith("}")]

    def await_said(self, text: str, times: int = 1) -> None:
        """Wait until it has said something so often."""

        def said() -> bool:
            self.check()
            return sum(text in one for one in self.messages()) >= times

        assert wait_until(said, SECONDS), f"never said {text!r}:\n{self.stderr()[-3000:]}"

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if number in {signal.SIGKILL, signal.SIGTERM, signal.SIGINT}:
            self.ended = True
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, to its children too where it still has any; returns when it is gone."""
        self.ended = True
        children = workers(self.pid) if self.process.poll() is None else []
        self.process.kill()
        self.process.wait(SECONDS)
        for child in children:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """An orderly stop; its exit status. It may take the 10 s that are promised, and not more."""
        self.send(number)
        return self.process.wait(10)

    def anonymous_kilobytes(self) -> int:
        """RssAnon."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))


def workers(pid: int) -> list[int]:
    """The children of a process."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(one) for one in text.split()]
