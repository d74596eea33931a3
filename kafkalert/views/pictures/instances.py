"""Who does not do its part?"""

from typing import Final

from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.findings import instance_grade
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import Instance
from kafkalert.ops.overview.snapshot import Snapshot
from kafkalert.views.canvas import Canvas
from kafkalert.views.pictures.frame import TOP
from kafkalert.views.pictures.look import WIDE, Look, number
from kafkalert.views.pictures.marks import dot
from kafkalert.views.pictures.rows import Column, draw_rows

_COLUMNS: Final = (
    Column("", 1),
    Column("stage", 9),
    Column("instance", 20),
    Column("state", 16),
    Column("on", 6),
    Column("epoch", 5, right=True, least=WIDE),
    Column("wait", 7, right=True),
    Column("/s", 6, right=True),
    Column("alerts/s", 8, right=True, least=WIDE),
    Column("p50 ms", 6, right=True, least=WIDE),
    Column("p99 ms", 6, right=True, least=WIDE),
    Column("done", 12, right=True, least=WIDE),
    Column("dead", 6, right=True, least=WIDE),
    Column("restarts", 8, right=True, least=WIDE),
    Column("heard", 6, right=True, least=78),
    Column("not heard on", 12, least=WIDE),
)
_ILL_FIRST: Final = (Grade.BAD, Grade.UNKNOWN, Grade.WAITING, Grade.GOOD)


def chosen(snapshot: Snapshot, look: Look) -> list[Instance]:
    """Return the instances that are shown, those first that do not do their part."""
    if snapshot.survey is None:
        return []
    found = [one for one in snapshot.survey.instances if look.filter in f"{one.stage} {one.instance} {one.host}"]
    return sorted(found, key=lambda one: (_ILL_FIRST.index(instance_grade(one)), one.stage, one.instance))


def draw(canvas: Canvas, snapshot: Snapshot, look: Look) -> None:
    """Draw it: a row for each instance."""
    rows = chosen(snapshot, look)
    if not rows and snapshot.survey is not None:
        narrowed = f" whose name holds {look.filter!r}" if look.filter else ""
        canvas.put(1, TOP, f"There is no instance of a stage{narrowed}.", "bold")
        canvas.put(1, TOP + 2, "kafkalert run alerting", "cyan")
        return
    draw_rows(canvas, TOP, _COLUMNS, [_row(one, snapshot) for one in rows], look.row)


def _row(one: Instance, snapshot: Snapshot) -> list[tuple[str, str]]:
    character, style, _ = dot(one)
    alive = one.presence in {Presence.ALIVE, Presence.STUCK} and one.known
    active = snapshot.survey.active if snapshot.survey is not None else ""
    state = one.state if one.presence is Presence.ALIVE else str(one.presence)
    held = one.state.startswith("held")
    return [
        (character, style),
        (one.stage, ""),
        (one.instance, ""),
        (state, style if style != "green" else ""),
        (one.cluster, "" if one.cluster == active else "bold red"),
        (str(one.epoch), ""),
        (number(one.lag if alive and not held else None), ""),
        (number(one.entries_per_second if alive else None), ""),
        (number(one.alerts_per_second if alive else None), ""),
        (number(one.p50_ms if alive else None), ""),
        (number(one.p99_ms if alive else None), ""),
        (number(one.entries), ""),
        (number(sum(one.dead_letters.values())), "yellow" if one.dead_letters else ""),
        (number(one.restarts), "yellow" if one.restarts else ""),
        ("–" if one.since_beat is None else f"{one.since_beat:.1f} s", ""),
        (", ".join(one.unheard), "bold red"),
    ]


def detail(one: Instance) -> list[str]:
    """Return all that is known of an instance, in lines."""
    character, _, meaning = dot(one)
    lines = [
        f"{character} {one.stage} {one.instance} {meaning}.",
        f"It runs on host {one.host or '?'}, on cluster {one.cluster or '?'}, in epoch {one.epoch}.",
        f"It says of itself: {one.state}.",
    ]
    lines.append(
        f"Since its start it has processed {one.entries:,} records."
        + (f" Its supervisor has started it again {one.restarts} times." if one.restarts else "")
    )
    if one.p50_ms is not None:
        lines.append(
            f"Half of its alerts of the last second left within {one.p50_ms} ms, 99 of 100 within {one.p99_ms} ms."
        )
    lines += [f"Dead letters: {count:,} {reason}" for reason, count in sorted(one.dead_letters.items())]
    lines += [f"Settings left out: {count:,} {reason}" for reason, count in sorted(one.skipped_settings.items())]
    lines += [f"It is not heard on {name}: a planned switch would wait for it." for name in one.unheard]
    return lines
