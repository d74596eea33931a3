"""The verdict as people read it: a word, which says it without colour too, and a sentence."""

from typing import Final

from rich.text import Text

from kafkalert.ops.overview.verdict import Level
from kafkalert.views.values import printable

STYLES: Final = {
    Level.LOADING: "dim",
    Level.ALL_WELL: "green",
    Level.LOOK: "yellow",
    Level.ACT: "red",
    Level.SWITCH: "cyan",
}


def headline(level: Level, sentence: str) -> Text:
    """Return the first line of whatever shows a verdict."""
    return Text(f"{level}  {printable(sentence)}", f"bold {STYLES[level]}")
