"""All keys, from the one table of them, and what the marks and levels mean."""

from collections.abc import Sequence

from kafkalert.ops.overview.verdict import Level
from kafkalert.views.canvas import Canvas
from kafkalert.views.judgement import STYLES
from kafkalert.views.pictures.frame import BOTTOM, TOP
from kafkalert.views.pictures.keys import Key
from kafkalert.views.pictures.look import WIDE
from kafkalert.views.pictures.marks import MEANINGS

_LEVELS = (
    (Level.ALL_WELL, "Nothing is to be done."),
    (Level.LOOK, "Something is not as it should be; alerts go out."),
    (Level.ACT, "Alerts do not go out, or somebody has to act."),
    (Level.SWITCH, "Stages move to the other cluster."),
)


def draw(canvas: Canvas, keys: Sequence[Key]) -> None:
    """Draw them in columns: those of single screens first."""
    rows = [(f"On {key.screen}" if key.screen else "Everywhere", key) for key in keys]
    y, x = TOP, 1
    heading = ""
    column = canvas.width // 2 if canvas.width < WIDE else canvas.width // 3
    for group, key in sorted(rows, key=lambda row: row[0] == "Everywhere"):
        if y >= canvas.height - BOTTOM - 1:
            y, x, heading = TOP, x + column, ""
        if group != heading:
            canvas.put(x, y, group, "bold")
            heading, y = group, y + 1
        canvas.put(x + 1, y, key.shown, "cyan")
        canvas.put(x + 11, y, key.words[: column - 12])
        y += 1
    y += 1
    for mark, style, meaning in [*MEANINGS, *((level.value, STYLES[level], words) for level, words in _LEVELS)]:
        if y >= canvas.height - BOTTOM:
            y, x = TOP, x + column
        if x < canvas.width:
            canvas.put(x + 1, y, mark, style)
            canvas.put(x + 11, y, meaning[: column - 12])
        y += 1


def draw_lines(canvas: Canvas, lines: Sequence[tuple[str, str]], first: int) -> None:
    """Draw text in lines, from one of them on, but never less than fits: what changed, or what a command said."""
    room = canvas.height - TOP - BOTTOM
    for y, (text, style) in enumerate(lines[min(first, max(0, len(lines) - room)) :][:room], TOP):
        canvas.put(1, y, text, style)
