"""A context at a glance, again and again: a picture on a terminal, a line for each change elsewhere."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.live import Live

from kafkalert.ops.overview.status import Status
from kafkalert.ops.overview.verdict import Level
from kafkalert.views import terminal
from kafkalert.views.overview import line, picture
from kafkalert.views.screen import Screen

Tell = Callable[[Status], None]
_NUMBER: Final = re.compile(r"[0-9][0-9,.]*")


@contextmanager
def view() -> Iterator[Tell]:
    """Show what it is told on stdout, as suits it; the last picture stays."""
    console = Screen()
    if not console.is_terminal:
        yield Lines(_say).tell
        return
    with Live(console=console, auto_refresh=False, transient=False) as live:
        yield lambda found: live.update(picture(found, console), refresh=True)


def _say(text: str) -> None:
    terminal.write(f"{text}\n")
    sys.stdout.flush()


class Lines:
    """A line whenever the verdict is another one; that a number in it changes is no change, nor is what is well."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._told = (Level.LOADING, "")

    def tell(self, found: Status) -> None:
        """Say what is new."""
        sentence = "" if found.level in {Level.ALL_WELL, Level.LOADING} else _NUMBER.sub("N", found.sentence)
        if (found.level, sentence) != self._told:
            self._told = (found.level, sentence)
            self._say(line(found))
