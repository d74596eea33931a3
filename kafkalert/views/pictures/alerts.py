"""What goes out?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kafkalert.views.canvas import Canvas
from kafkalert.views.pictures.frame import BOTTOM, TOP
from kafkalert.views.pictures.look import WIDE, Look
from kafkalert.views.pictures.rows import Column, draw_rows


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """One alert as people read it, masked: when, on which channel, to whom, what it says, and its id."""

    at: datetime | None
    channel: str
    to: str
    words: str
    id: str


@dataclass(frozen=True, slots=True)
class AlertsSeen:
    """Those on the screen, the newest last.

    `total`: how many came since the screen was opened; `kept`: how many can be looked back at. `newer`: how
    many came since it was frozen, None while it follows. `passed_over`: how many are not kept. `problem`: why none come
    """

    shown: Sequence[AlertSeen]
    total: int
    kept: int
    newer: int | None
    passed_over: int
    problem: str = ""


def draw(canvas: Canvas, seen: AlertsSeen, look: Look, active: str) -> None:
    """Draw the newest that fit."""
    state = "following" if seen.newer is None else f"frozen, {seen.newer:,} newer: space goes on"
    narrowed = f" · {look.filter}" if look.filter else ""
    lost = f" · {seen.passed_over:,} are no longer kept" if seen.passed_over else ""
    canvas.put(1, TOP, f"{seen.total:,} since this was opened, on {active}{narrowed} · {state}{lost}", "bold")
    if seen.problem:
        canvas.put(1, TOP + 1, seen.problem, "bold red")
        return
    if not seen.shown:
        words = "No alert came since this screen was opened." if not look.filter else "No alert that was kept matches."
        canvas.put(1, TOP + 2, words, "dim")
        return
    columns = (
        Column("time", 12),
        Column("channel", 7),
        Column("to", 18),
        Column("what", max(20, canvas.width - (47 if canvas.width < WIDE else 88))),
        Column("ka-id", 36, least=WIDE),
    )
    rows = [
        [
            ("?" if one.at is None else f"{one.at:%H:%M:%S}.{one.at.microsecond // 1000:03}", ""),
            (one.channel, {"email": "cyan", "sms": "yellow", "push": "magenta"}.get(one.channel, "")),
            (one.to, ""),
            (one.words, ""),
            (one.id, "dim"),
        ]
        for one in seen.shown
    ]
    room = canvas.height - TOP - BOTTOM - 2
    draw_rows(canvas, TOP + 1, columns, rows[-room:], look.row if seen.newer is not None else -1)
