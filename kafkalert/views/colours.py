"""Cells that are coloured by what they mean, never by their text."""

from typing import Final

from rich.text import Text

from kafkalert.model.grade import Grade
from kafkalert.views.values import printable

_STYLES: Final = {
    Grade.GOOD: "green",
    Grade.WAITING: "yellow",
    Grade.DOUBTFUL: "yellow",
    Grade.UNKNOWN: "red",
    Grade.BAD: "red",
}


def style(grade: Grade) -> str:
    """How a screen shows it: what is not known is as urgent as what is wrong."""
    return _STYLES[grade]


def cell(value: object) -> Text:
    """Return a value that says nothing good or bad."""
    return Text(printable(value))


def graded(value: object, grade: Grade | None) -> Text:
    """Return a value, in the colour of what it means."""
    return Text(printable(value), style(grade) if grade is not None else "")


UNKNOWN: Final = Text("?", _STYLES[Grade.UNKNOWN])
"""What nobody knows now."""
