"""The log files of the sandbox, read to their end or followed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from kafkalert.sandbox.process import wait_until


class LogLine(NamedTuple):
    """One line that a component logged."""

    component: str
    text: str


def read(files: Mapping[str, Path], *, last: int | None, follow: bool) -> Iterator[LogLine]:
    """Yield the lines of the components' logs, one component after the other, only the `last` of each if given.

    With `follow` go on with what is added to any of them, until all of them are gone.
    """
    tails = [_Tail(name, file) for name, file in files.items()]
    for tail in tails:
        lines = list(tail.fresh())
        yield from lines if last is None else lines[len(lines) - min(last, len(lines)) :]
    found: list[LogLine] = []

    def changed() -> bool:
        found.extend(line for tail in tails for line in tail.fresh())
        return bool(found) or all(tail.is_over for tail in tails)

    while follow and not all(tail.is_over for tail in tails):
        wait_until(changed, 3600, every=0.2)
        yield from found
        found.clear()


class _Tail:
    """What of one file has been read; half a line is kept until its rest is there."""

    def __init__(self, name: str, file: Path) -> None:
        self._name = name
        self._file = file
        self._offset = 0
        self._half = b""
        self.is_over = False

    def fresh(self) -> Iterator[LogLine]:
        """Yield the whole lines that were added since the last call."""
        try:
            with self._file.open("rb") as log:
                log.seek(self._offset)
                data = log.read()
        except FileNotFoundError:
            self.is_over = True
            return
        self._offset += len(data)
        *whole, self._half = (self._half + data).split(b"\n")
        for line in whole:
            yield LogLine(self._name, line.decode("utf-8", errors="replace"))
