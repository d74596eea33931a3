"""`kafkalert` as operators run it: with an end, a bound, and its words kept."""

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final

from kafkalert.sandbox.process import wait_until
from tests.support.running import COMMAND
from torture.journal import Journal

BOUND_SECONDS: Final = 180.0
"""No command takes longer, whatever is broken."""


@dataclass(frozen=True, slots=True)
class Told:
    """A command that has ended: its status, and what it wrote."""

    arguments: tuple[str, ...]
    code: int
    out: str
    said: str

    @property
    def shape(self) -> dict[str, Any]:
        """Its JSON; empty where there is none."""
        return dict(json.loads(self.out)) if self.out.startswith("{") else {}


class Running:
    """A command that has begun; its output is kept in files of the journal."""

    def __init__(self, journal: Journal, config: Path, arguments: tuple[str, ...]) -> None:
        self.arguments = arguments
        self._journal = journal
        name = "-".join(one.strip("-") for one in arguments[:3] if "/" not in one)
        self._path = journal.file(name)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KAFKALERT_")}
        with self._path.with_suffix(".out").open("wb") as out, self._path.with_suffix(".err").open("wb") as said:
            self.process = subprocess.Popen(
                [str(COMMAND), "--config", str(config), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=said,
                env=kept,
                start_new_session=True,
            )
        self._begun = monotonic()
        journal.say(f"{self._path.name}: kafkalert {' '.join(arguments)}")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._journal.say(f"{self._path.name}: {number.name}")
        self.process.send_signal(number)

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within so many seconds."""
        return wait_until(lambda: self.process.poll() is not None, seconds)

    def told(self) -> Told:
        """Its end. One that takes too long is a failure, and is ended with a dump of its threads."""
        if not self.wait(BOUND_SECONDS):
            self._journal.fail(f"kafkalert {' '.join(self.arguments)} hangs; see {self._path.name}.err")
            self.process.send_signal(signal.SIGABRT)
            if not self.wait(10):
                self.process.kill()
        code = self.process.wait(10)
        out, said = (
            self._path.with_suffix(ending).read_text(encoding="utf-8", errors="replace") for ending in (".out", ".err")
        )
        self._journal.say(f"{self._path.name}: status {code} after {monotonic() - self._begun:.1f} s")
        return Told(self.arguments, code, out, said)
