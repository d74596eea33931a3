"""Where does it stick, and until when?"""

from collections.abc import Callable, Sequence
from typing import Final

from kafkalert.ops.overview.series import PartitionSeen
from kafkalert.ops.overview.snapshot import Snapshot
from kafkalert.ops.wording import counted
from kafkalert.views.canvas import Canvas, sparkline
from kafkalert.views.pictures.frame import TOP
from kafkalert.views.pictures.look import WIDE, Look, number, span
from kafkalert.views.pictures.rows import Column, draw_rows

_SORTS: Final[Sequence[Callable[[PartitionSeen], object]]] = (
    lambda each: (bool(each.reader), -(each.waiting or 0), each.partition),
    lambda each: _by_number(each.partition),
    lambda each: -(each.rate or 0.0),
)
SORTS: Final = ("what waits most", "partition", "pace")
"""By what partitions are sorted, in the order of the key that changes it."""


def _by_number(name: str) -> tuple[str, int, str]:
    """Return by what a partition's name is sorted; anybody may have written one that has no number."""
    topic, _, number = name.rpartition("/")
    return topic, int(number) if number.isascii() and number.isdigit() else -1, name


def chosen(snapshot: Snapshot, look: Look) -> list[PartitionSeen]:
    """Return the partitions that are shown, in their order."""
    found = [one for one in snapshot.partitions if look.filter in f"{one.partition} {one.reader} {one.stage}"]
    return sorted(found, key=_SORTS[look.sort % len(_SORTS)])  # type: ignore[arg-type]  # each key has one type


def draw(canvas: Canvas, snapshot: Snapshot, look: Look) -> None:
    """Draw it: a sentence, and a row for each partition."""
    rows = chosen(snapshot, look)
    canvas.put(1, TOP, _sentence(snapshot, rows, look), "bold")
    if not rows:
        return
    chart = 70 if canvas.width >= WIDE else 17 if canvas.width >= 76 else 10  # noqa: PLR2004 - what the rest leaves
    columns = (
        Column("partition", 22),
        Column("wait", 8, right=True),
        Column("last three minutes", chart),
        Column("/s", 6, right=True, least=76),
        Column("left", 6, right=True, least=70),
        Column("read by", 8 if canvas.width < WIDE else 16),
        Column("stage", 10, least=WIDE),
    )
    draw_rows(canvas, TOP + 1, columns, [_row(one, chart) for one in rows], look.row)


def _sentence(snapshot: Snapshot, rows: Sequence[PartitionSeen], look: Look) -> str:
    if snapshot.survey is None:
        return ""
    if not snapshot.partitions:
        return "No stage tells of partitions that it reads."
    unread = [one for one in rows if not one.reader]
    if unread:
        return f"Nobody reads {counted(len(unread), 'partition')}: what waits there is not known."
    waiting = sum(one.waiting or 0 for one in rows)
    narrowed = f" (only what holds {look.filter!r})" if look.filter else ""
    if not waiting:
        return f"Nothing waits in {len(rows)} partitions.{narrowed}"
    stuck = [one for one in rows if one.waiting and one.left is None]
    lefts = [one.left for one in rows if one.left is not None]
    until = f", caught up in about {span(max(lefts))}" if lefts and not stuck else ""
    where = counted(sum(bool(one.waiting) for one in rows), "partition")
    return f"{counted(waiting, 'record')} wait{'s' * (waiting == 1)} in {where}{until}.{narrowed}"


def _row(one: PartitionSeen, chart: int) -> list[tuple[str, str]]:
    return [
        (one.partition, ""),
        (number(one.waiting), "yellow" if one.waiting else ""),
        (sparkline(one.history, chart), "cyan"),
        (number(one.rate), ""),
        (span(one.left) if one.waiting else "", ""),
        (one.reader or "nobody", "" if one.reader else "bold red"),
        (one.stage, ""),
    ]
