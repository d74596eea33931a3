"""A table on a canvas: a header, rows of which one is chosen, and a window that follows it."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from kafkalert.views.canvas import Canvas
from kafkalert.views.pictures.frame import BOTTOM


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, its width, whether it holds numbers, and from which width of the canvas on it is shown."""

    title: str
    width: int
    right: bool = False
    least: int = 0


Row = Sequence[tuple[str, str]]
"""Cells: text and style, one for each column."""


def draw_rows(
    canvas: Canvas, y: int, columns: Sequence[Column], rows: Sequence[Row], chosen: int, *, height: int = 0
) -> int:
    """Draw the table from row `y` on, at most `height` rows of it; returns the first row of `rows` that is seen."""
    x = 1
    places: list[tuple[int, Column, int]] = []
    for number, column in enumerate(columns):
        if canvas.width >= column.least and x + column.width <= canvas.width:
            places.append((x, column, number))
            _cell(canvas, x, y, column, column.title, "bold")
            x += column.width + 2
    room = max(0, min(height or canvas.height, canvas.height - BOTTOM - y - 1))
    first = max(0, min(chosen - room + 1, len(rows) - room)) if chosen >= room else 0
    for line, row in enumerate(rows[first : first + room], y + 1):
        for start, column, number in places:
            text, style = row[number]
            _cell(canvas, start, line, column, text, style)
        if first + line - y - 1 == chosen:
            canvas.fill(line, "reverse")
            canvas.put(0, line, "▸", "reverse")
    return first


def _cell(canvas: Canvas, x: int, y: int, column: Column, text: str, style: str) -> None:
    if cell_len(text) > column.width:
        text = f"{text[: column.width - 1]}…"
    if column.right:
        canvas.put_right(x + column.width, y, text, style)
    else:
        canvas.put(x, y, text, style)
