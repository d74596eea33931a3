"""Does everything cross?"""

from typing import Final

from kafkalert.ops.failover.status.findings import flow_hint
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.mirror.status import FlowStatus
from kafkalert.ops.overview.snapshot import Snapshot
from kafkalert.views.canvas import Canvas, folded
from kafkalert.views.colours import style
from kafkalert.views.pictures.flows import is_seen
from kafkalert.views.pictures.frame import TOP
from kafkalert.views.pictures.look import WIDE, Look, span
from kafkalert.views.pictures.rows import Column, draw_rows

_COLUMNS: Final = (
    Column("flow", 14),
    Column("state", 11),
    Column("tasks", 6, right=True),
    Column("to carry", 16, right=True),
    Column("oldest", 7, right=True),
    Column("connector", 30, least=WIDE),
    Column("why", 50, least=WIDE),
)


def draw(canvas: Canvas, snapshot: Snapshot, look: Look) -> None:
    """Draw it: a row for each flow, and what mends the chosen one."""
    survey = snapshot.survey
    if survey is None:
        return
    if len(snapshot.context.clusters) == 1:
        canvas.put(1, TOP, "This context has one cluster; nothing has to cross.", "bold")
        return
    if not survey.flows:
        canvas.put(1, TOP, "The mirror's state is not known.", "bold red")
        canvas.put(1, TOP + 2, "kafkalert mirror status", "cyan")
        return
    draw_rows(
        canvas, TOP, _COLUMNS, [_row(flow, snapshot) for flow in survey.flows], look.row, height=len(survey.flows) + 1
    )
    y = TOP + 2 + len(survey.flows)
    for flow in survey.flows:
        if flow.state is not Condition.RUNNING:
            text = f"{flow.source} → {flow.target}: {flow.reason or flow.state}. {flow_hint(flow, survey.given_up)}"
            for line in folded(text, canvas.width - 2, 4):
                canvas.put(1, y, line)
                y += 1


def _row(flow: FlowStatus, snapshot: Snapshot) -> list[tuple[str, str]]:
    blind = flow.state is Condition.RUNNING and not is_seen(flow, snapshot)
    least = "" if flow.lag_complete else "at least "
    known = None if blind else flow.lag_records
    carry = "–" if known is None else f"{least}{known:,}" if known or least else "nothing"
    return [
        (f"{flow.source} → {flow.target}", ""),
        ("?", "red") if blind else (str(flow.state), style(flow.state.grade)),
        ("–", "") if blind else (f"{flow.running}/{flow.tasks}", "" if flow.running == flow.tasks else "bold red"),
        (carry, ""),
        (span(flow.lag_seconds) if known else "–", ""),
        (flow.connector, "dim"),
        (flow.reason or flow.lag_reason, ""),
    ]
