"""What was refused, and why?"""

from collections import Counter

from kafkalert.ops.overview.snapshot import Snapshot
from kafkalert.views.canvas import Canvas
from kafkalert.views.pictures.frame import TOP
from kafkalert.views.pictures.look import Look, number
from kafkalert.views.pictures.rows import Column, draw_rows

_COLUMNS = (
    Column("stage", 12),
    Column("reason", 32),
    Column("count", 9, right=True),
    Column("instances", 9, right=True),
)


def chosen(snapshot: Snapshot, look: Look) -> list[tuple[str, str, int, int]]:
    """Return stage, reason, count and how many instances tell of it, the most first."""
    counts: Counter[tuple[str, str]] = Counter()
    tellers: Counter[tuple[str, str]] = Counter()
    for one in snapshot.survey.instances if snapshot.survey is not None else ():
        for reason, count in one.dead_letters.items():
            counts[one.stage, reason] += count
            tellers[one.stage, reason] += 1
    return [
        (stage, reason, count, tellers[stage, reason])
        for (stage, reason), count in counts.most_common()
        if look.filter in f"{stage} {reason}"
    ]


def draw(canvas: Canvas, snapshot: Snapshot, look: Look) -> None:
    """Draw it: by stage and reason, as instances tell since their start; and the commands that go on from here."""
    if snapshot.survey is None:
        return
    rows = chosen(snapshot, look)
    total = sum(count for _, _, count, _ in rows)
    if not rows:
        canvas.put(1, TOP, "No instance has refused a record since its start.", "bold green")
        canvas.put(1, TOP + 1, "kafkalert dlq list shows what the topic still holds.", "dim")
        return
    canvas.put(
        1, TOP, f"{number(total)} records were refused since the instances started, by {len(rows)} reasons.", "bold"
    )
    cells = [
        [(stage, ""), (reason, "yellow"), (number(count), ""), (number(told), "")]
        for stage, reason, count, told in rows
    ]
    draw_rows(canvas, TOP + 1, _COLUMNS, cells, look.row, height=len(cells) + 1)
    y = TOP + 3 + len(cells)
    stage, reason, _, _ = rows[min(look.row, len(rows) - 1)]
    for line in (
        "What to do:",
        f"  kafkalert dlq list --stage {stage} --reason {reason}",
        "  kafkalert dlq replay --dry-run",
    ):
        canvas.put(1, y, line, "cyan" if line.startswith(" ") else "bold")
        y += 1
