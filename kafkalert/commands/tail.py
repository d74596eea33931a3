"""`kafkalert tail`: alerts and bookings as they pass."""

from typing import TYPE_CHECKING, Annotated

import typer

from kafkalert.commands import complete, invocation, unmask
from kafkalert.commands.error_boundary import reader_left
from kafkalert.commands.output import Format
from kafkalert.commands.unmask import UnmaskOption
from kafkalert.errors import ExitCode, KafkalertError

if TYPE_CHECKING:
    from kafkalert.ops.tail import Tail

app = typer.Typer()
MOST = 1_000_000_000
"""The most records that may be asked for; more than any screen shows."""


@app.command()
def tail(
    ctx: typer.Context,
    channels: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="email|sms|push|devices|entries",
            help="Which records [default: email sms push].",
            autocompletion=complete.words,
        ),
    ] = None,
    *,
    topic: Annotated[
        list[str] | None,
        typer.Option("--topic", metavar="NAME", help="Any topic.", autocompletion=complete.topics),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option("-n", min=0, max=MOST, metavar="N", help="The last N that match [default: 10; all of --since]."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="From there: 1h, @2026-01-31T08:00, start, -100.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Up to there, exclusive.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    grep: Annotated[
        list[str] | None,
        typer.Option("--grep", metavar="FIELD=VALUE", help="Only what has this value there; * stands for anything."),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="NAME", help="Not the active one.", autocompletion=complete.clusters),
    ] = None,
    output: Annotated[
        Format,
        typer.Option("--output", "-o", help="json is an object a line.", case_sensitive=False),
    ] = Format.TABLE,
    unmask_: UnmaskOption = False,
) -> None:
    """Show alerts and bookings as they pass: the last ten e-mails, texts and push messages, or what you name.

    It ends at the end that it finds at start, unless -f follows. It joins no group and commits nothing.

    Example: kafkalert tail email -f --grep account='*4300'
    """
    from kafkalert.commands.tail_output import writer  # noqa: PLC0415 - not for --help
    from kafkalert.ops.active import with_active_first  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.ops.tail import Request, Tail  # noqa: PLC0415 - Kafka's library, not for --help

    settings = invocation.settings(ctx)
    if cluster is None:
        settings = with_active_first(settings)
    request = Request.parse(
        settings,
        channels=channels or (),
        topics=topic or (),
        count=count,
        since=since,
        until=until,
        following=follow,
        grep=grep or (),
        cluster=cluster,
    )
    write = writer(output, unmask=unmask.allowed(ctx, unmask=unmask_), at_once=follow)
    tailing = Tail(settings, request, note=invocation.say, gone=reader_left)
    try:
        for record in tailing.records():
            write(record)
    except (KafkalertError, KeyboardInterrupt):
        if tailing.report.shown:
            account_for(tailing)
        raise
    account_for(tailing)
    if not tailing.report.whole:
        raise typer.Exit(ExitCode.FAILED)


def account_for(tailing: "Tail") -> None:
    """Say what was not shown, after what was."""
    import sys  # noqa: PLC0415 - not for --help

    sys.stdout.flush()
    for sentence in tailing.report.sentences():
        invocation.say(sentence)
    if not tailing.report.shown and not tailing.report.sentences():
        invocation.say("Nothing there.")
