"""`kafkalert group`: where consumer groups are, and putting one elsewhere."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kafkalert.commands import complete, invocation
from kafkalert.commands.confirm import ConfirmOption, YesOption, approve
from kafkalert.commands.output import Format, OutputOption, emit
from kafkalert.errors import UsageError

if TYPE_CHECKING:
    from kafkalert.ops.group_offsets import GroupOffsets

app = typer.Typer()
COLUMNS = ("group", "topic", "partition", "offset", "start", "end", "left", "gone", "members", "cluster")
SPARE = ("cluster", "members", "start")
ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster", metavar="NAME", help="On this cluster [default: the active one].", autocompletion=complete.clusters
    ),
]


@app.callback()
def group() -> None:
    """See where consumer groups are, and put one elsewhere."""


@app.command()
def show(
    ctx: typer.Context,
    group: Annotated[str, typer.Argument(metavar="[GROUP]", help="Only this group.", show_default=False)] = "",
    *,
    cluster: ClusterOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Show where groups are, and how many records are left to read.

    That is, of each group in each partition the next offset that it reads.

    Example: kafkalert group show kafkalert.alerting
    """
    emit(_groups(ctx, cluster).show(group), output, columns=COLUMNS, spare=SPARE, empty="There are no groups.")


@app.command(context_settings={"ignore_unknown_options": True})
def seek(
    ctx: typer.Context,
    group: Annotated[str, typer.Argument(metavar="GROUP", help="The group, which must have no members.")],
    position: Annotated[
        str,
        typer.Argument(metavar="POSITION", help="In each partition: next, start, end, N, +N, -N, @TIME or @-1h."),
    ],
    *,
    topic: Annotated[
        str, typer.Option("--topic", metavar="NAME", help="Only in this topic.", autocompletion=complete.topics)
    ] = "",
    cluster: ClusterOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would do, and change nothing.")] = False,
    yes: YesOption = False,
    confirm: ConfirmOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Have a group go on elsewhere, earlier or later.

    Where it goes back, records are processed again; where it goes forward, those between never are.

    Its stage has to be stopped on every machine (exit status 5), or held because records are gone: then `next` has it
    go on with the next ones that are there. It shows what it will do, and asks.

    Example: kafkalert group seek kafkalert.alerting @-1h
    """
    from kafkalert.ops.group_offsets import NEXT  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.ops.offsets import parse_position  # noqa: PLC0415 - not for --help

    def ask(changes: Sequence[str]) -> None:
        if dry_run:
            for change in changes:
                invocation.say(change)
            raise typer.Exit
        approve(ctx, changes, yes=yes, confirm=confirm)

    where = NEXT if position == str(NEXT) else parse_position(position)
    rows = _groups(ctx, cluster).seek(group, where, ask, topic=topic)
    emit(rows, output, columns=COLUMNS, spare=SPARE)


def _groups(ctx: typer.Context, cluster: str | None) -> "GroupOffsets":
    from kafkalert.ops.group_offsets import GroupOffsets  # noqa: PLC0415 - Kafka's library, not for --help

    settings = invocation.settings(ctx)
    there = settings.context.clusters
    if cluster is not None and cluster not in there:
        raise UsageError(f"There is no cluster {cluster} in this context.", hint=f"It has {', '.join(there)}.")
    return GroupOffsets(settings, cluster or "")
