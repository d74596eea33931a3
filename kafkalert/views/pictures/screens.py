"""Which picture a screen shows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from kafkalert.ops.overview.snapshot import Snapshot
from kafkalert.views.canvas import Canvas
from kafkalert.views.colours import style
from kafkalert.views.pictures import alerts, deadletters, failover, help, instances, lag, mirror, pipeline  # noqa: A004 - a picture, not the function
from kafkalert.views.pictures.frame import draw_frame
from kafkalert.views.pictures.keys import Key
from kafkalert.views.pictures.look import (
    ALERTS,
    CHANGES,
    DEAD_LETTERS,
    FAILOVER,
    HELP,
    INSTANCES,
    LAG,
    MIRROR,
    PIPELINE,
    Look,
    clock,
)

_PICTURES: Final[Mapping[str, Callable[[Canvas, Snapshot, Look], None]]] = {
    PIPELINE: pipeline.draw,
    LAG: lag.draw,
    INSTANCES: instances.draw,
    DEAD_LETTERS: deadletters.draw,
    FAILOVER: failover.draw,
    MIRROR: mirror.draw,
}
NO_ALERTS: Final = alerts.AlertsSeen((), 0, 0, None, 0)


def picture(
    snapshot: Snapshot,
    look: Look,
    width: int,
    height: int,
    *,
    keys: Sequence[Key] = (),
    seen: alerts.AlertsSeen = NO_ALERTS,
    lines: Sequence[tuple[str, str]] = (),
) -> Canvas:
    """Draw one screen; `lines`, where given, are shown instead of it: the detail of what was chosen."""
    canvas = Canvas(width, height)
    draw_frame(canvas, snapshot, look)
    if lines:
        help.draw_lines(canvas, lines, len(lines))
    elif look.screen == HELP:
        help.draw(canvas, keys)
    elif look.screen == CHANGES:
        told = [(f"{clock(change.at)} {change.text}", style(change.grade)) for change in snapshot.changes]
        help.draw_lines(canvas, told or [("Nothing has changed since this began.", "dim")], look.row)
    elif look.screen == ALERTS:
        active = snapshot.survey.active if snapshot.survey is not None else "?"
        alerts.draw(canvas, seen, look, active)
    else:
        _PICTURES[look.screen](canvas, snapshot, look)
    return canvas
