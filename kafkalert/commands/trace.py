"""`kafkalert trace`: the path of a booking or an alert."""

from typing import Annotated

import typer

from kafkalert.commands import complete, invocation, unmask
from kafkalert.commands.output import Format, OutputOption
from kafkalert.commands.unmask import UnmaskOption

app = typer.Typer()
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="WHEN", help="Look for the id from there: 1h, @2026-01-31T08:00.")
]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Up to there, exclusive.")]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster", metavar="NAME", help="Look there first, not on the active one.", autocompletion=complete.clusters
    ),
]


@app.command()
def trace(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="ID|PLACE", help="An alert's id, an entry's, or TOPIC[P]@OFFSET.")],
    *,
    since: SinceOption = None,
    until: UntilOption = None,
    cluster: ClusterOption = None,
    output: OutputOption = Format.TABLE,
    unmask_: UnmaskOption = False,
) -> None:
    """Show the path of a booking over all hops and both clusters, with the ms of each hop.

    An id is searched for from the end of the topics backwards; --since and --until bound that. It joins no group and
    commits nothing.

    Example: kafkalert trace 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """
    from kafkalert.commands.trace_output import write_path  # noqa: PLC0415 - not for --help
    from kafkalert.ops.trace.path import path  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.ops.trace.where import bounds, with_first  # noqa: PLC0415 - as above

    settings = with_first(invocation.settings(ctx), cluster)
    first, last = bounds(since, until)
    shown = unmask.allowed(ctx, unmask=unmask_)
    found = path(settings, what, since=first, until=last, note=invocation.say)
    write_path(found, output, unmask=shown)
