"""What stands around every screen: where stages run and how fresh that is, the verdict, what changed, and the tabs."""

from typing import Final

from rich.cells import cell_len

from kafkalert.ops.overview.snapshot import Snapshot
from kafkalert.ops.overview.verdict import Level
from kafkalert.views.canvas import Canvas, folded
from kafkalert.views.judgement import STYLES
from kafkalert.views.pictures.look import SCREENS, WIDE, Look, clock, span

STALE_SECONDS: Final = 3.0
"""A snapshot that is older is called so."""
TOP: Final = 4
"""Rows above a screen's own."""
BOTTOM: Final = 2
"""Rows below it."""
_SHORT: Final = {"Instances": "Inst", "Dead letters": "Dead"}


def draw_frame(canvas: Canvas, snapshot: Snapshot, look: Look) -> None:
    """Draw the first four rows and the last two."""
    _title(canvas, snapshot, look)
    _verdict(canvas, snapshot)
    canvas.put(0, TOP - 1, "─" * canvas.width, "red" if snapshot.context.production else "dim")
    _news(canvas, snapshot, look)
    _tabs(canvas, look)


def _title(canvas: Canvas, snapshot: Snapshot, look: Look) -> None:
    context = snapshot.context
    x = canvas.put(1, 0, "kafkalert", "bold") + 2
    x = canvas.put(x, 0, context.name, "bold") + 2
    if context.production:
        x = canvas.put(x, 0, " PRODUCTION ", "bold white on red") + 1
    if context.read_only:
        x = canvas.put(x, 0, "read-only", "yellow") + 2
    stale = look.age > STALE_SECONDS
    fresh = f"{span(look.age)} old" if stale else "●"
    right = f"{clock(snapshot.at)} UTC "
    end = canvas.width - cell_len(right) - cell_len(fresh) - 1
    canvas.put(end, 0, right, "yellow" if stale else "")
    canvas.put(end + cell_len(right), 0, fresh, "bold yellow" if stale else "green")
    survey = snapshot.survey
    if survey is None:
        return
    # A narrow terminal drops the epoch, never the cluster.
    for where in (
        f"Stages run on {survey.active}, epoch {survey.epoch}",
        f"Stages run on {survey.active}",
        survey.active,
    ):
        start = max(x, (canvas.width - cell_len(where)) // 2)
        if start + cell_len(where) < end:
            canvas.put(start, 0, where)
            return


def _verdict(canvas: Canvas, snapshot: Snapshot) -> None:
    level, sentence = snapshot.judgement.level, snapshot.judgement.sentence
    word = "..." if level is Level.LOADING else level.value
    x = canvas.put(1, 1, f" {word} ", f"bold {STYLES[level]}{' reverse' * (level is Level.ACT)}") + 1
    for y, line in enumerate(folded(sentence, canvas.width - x - 1, 2), 1):
        canvas.put(x, y, line, "bold" if y == 1 else "")


def _news(canvas: Canvas, snapshot: Snapshot, look: Look) -> None:
    y = canvas.height - BOTTOM
    if look.note:
        canvas.put(1, y, look.note, "bold")
    elif snapshot.changes:
        newest = snapshot.changes[0]
        canvas.put(1, y, f"{clock(newest.at)} {newest.text}")
    else:
        canvas.put(1, y, "Nothing has changed since this began.", "dim")


def _tabs(canvas: Canvas, look: Look) -> None:
    y, wide = canvas.height - 1, canvas.width >= WIDE
    names = SCREENS if wide else [_SHORT.get(name, name) for name in SCREENS]
    keys = "y note  : do  ? help  q end" if wide else "? help"
    room = canvas.width - cell_len(keys) - 2
    gap = 2 if wide else 1
    if sum(len(name) + 2 + gap for name in names) > room:
        names = [name[:4] for name in names]
    x = 1
    for place, (screen, name) in enumerate(zip(SCREENS, names, strict=True), 1):
        chosen = screen == look.screen
        word = f"[{place} {name}]" if chosen and look.plain else f"{place} {name}"
        x = canvas.put(x, y, word, "bold reverse" if chosen else "") + gap
    canvas.put_right(canvas.width - 1, y, keys, "dim")
