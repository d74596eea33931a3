"""Where things run, as people read it: a headline, and a table each of instances, groups and mirror."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich import box
from rich.table import Table
from rich.text import Text

from kafkalert.commands.output import printable
from kafkalert.commands.screen import Screen
from kafkalert.ops.failover.survey import Survey

_STYLES = {"alive": "green", "running": "green", "silent": "red", "failed": "red", "stopped": "yellow"}
Rows = Sequence[Sequence[object]]


def show(found: Survey, *, on_stderr: bool = False) -> None:
    """Write the whole picture, to stdout unless it only precedes a question."""
    console = Screen(stderr=on_stderr)
    for line in headline(found):
        console.show(line)
    for names, rows in tables(found):
        if rows:
            console.show(_table(names, rows, boxed=console.is_terminal))
    for note in found.notes:
        console.show(Text(f"! {printable(note)}", "yellow" if console.is_terminal else ""))


def tables(found: Survey) -> Sequence[tuple[Sequence[str], Rows]]:
    """The names of columns and the rows of each table."""
    return (
        (
            ("cluster", "answers", "control log", ""),
            [
                (one.name, one.answers, "read" if one.control else "not read", "active" * (one.name == found.active))
                for one in found.clusters
            ],
        ),
        (
            ("stage", "instance", "is", "state", "on", "epoch", "lag"),
            [
                (one.stage, one.instance, one.presence, one.state, one.cluster, one.epoch, one.lag)
                for one in found.instances
            ],
        ),
        (("group", "members", f"lag on {found.active}"), [(one.group, one.members, one.lag) for one in found.groups]),
        (
            ("mirror", "state", "to carry", "s behind", "why"),
            [
                (f"{one.source} -> {one.target}", one.state, one.lag_records, one.lag_seconds, why)
                for one in found.flows
                for why in [one.reason or one.lag_reason]
            ],
        ),
    )


def headline(found: Survey) -> list[Text]:
    """Which cluster is active, since when and by whom; what is pending."""
    if found.mode:
        who = f" by {printable(found.by)}" if found.by else ""
        why = f" ({printable(found.reason)})" if found.reason else ""
        since = f", {found.mode} {ago(found.since)}{who}{why}"
    else:
        since = ", as from the beginning"
    lines = [Text.assemble("Stages run on ", (found.active, "bold"), f", epoch {found.epoch}{since}.")]
    if pending := found.pending:
        lines.append(
            Text(
                f"A switch from {printable(pending.source)} to {printable(pending.target)} is under way: "
                f"{printable(pending.by)}, {ago(pending.at)}.",
                "yellow",
            )
        )
    return lines


def ago(moment: datetime | None) -> str:
    """A moment with how long ago it was: "at 2026-01-31 08:00:12 UTC, 3 min ago"."""
    if moment is None:
        return "at an unknown time"
    seconds = max(0, round((datetime.now(UTC) - moment).total_seconds()))
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"at {moment:%Y-%m-%d %H:%M:%S} UTC, {seconds // size} {name} ago"
    return f"at {moment:%Y-%m-%d %H:%M:%S} UTC, {seconds} s ago"


def _table(names: Sequence[str], rows: Rows, *, boxed: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD if boxed else None, pad_edge=False, header_style="bold")
    for place, name in enumerate(names):
        numeric = all(type(row[place]) in (int, float, type(None)) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        texts = [printable(cell) for cell in row]
        table.add_row(*(Text(text, _STYLES.get(text, "")) for text in texts))
    return table
