"""What happened in a round, as it happened, and what of it must not have."""

from datetime import UTC, datetime
from pathlib import Path
from threading import Lock


class Journal:
    """Lines in `folder`/journal.log; `failures` are also kept, for the end."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.failures: list[str] = []
        self._lock = Lock()
        self._numbers = 0

    def say(self, text: str) -> None:
        """Note something."""
        line = f"{datetime.now(UTC):%H:%M:%S.%f} {text}\n"
        with self._lock, (self.folder / "journal.log").open("a", encoding="utf-8") as out:
            out.write(line)

    def fail(self, text: str) -> None:
        """Note what is wrong."""
        self.failures.append(text)
        self.say(f"FAILED: {text}")

    def file(self, name: str) -> Path:
        """A new file's path without its ending, for what a command writes."""
        with self._lock:
            self._numbers += 1
            folder = self.folder / "commands"
            folder.mkdir(exist_ok=True)
            return folder / f"{self._numbers:03}-{name}"
