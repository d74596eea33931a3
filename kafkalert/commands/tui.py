"""`kafkalert tui`: the dashboard."""

import os
import sys
from typing import Annotated

import typer

from kafkalert.commands import invocation
from kafkalert.errors import ExitCode, UsageError

app = typer.Typer()


@app.command()
def tui(
    ctx: typer.Context,
    *,
    still: Annotated[bool, typer.Option("--still", help="Move nothing on the screen.")] = False,
    no_mouse: Annotated[bool, typer.Option("--no-mouse", help="Leave the mouse to the terminal.")] = False,
) -> None:
    """Watch the pipeline on one screen, and move its stages from there.

    Everything is live: where stages run, what flows, what waits, who is silent, what a switch would cost. It disturbs
    nothing: it joins no group and commits nothing. Keys: 1 to 7 choose a screen, ? shows all of them, q ends.

    Example: kafkalert tui --read-only
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "The dashboard needs a terminal for input, output and errors.",
            hint="`kafkalert status` prints the same once, anywhere.",
        )
    settings = invocation.settings(ctx)
    from kafkalert.tui.app import Dashboard  # noqa: PLC0415 - Textual, not for --help
    from kafkalert.tui.source import Source  # noqa: PLC0415 - as above

    common = invocation.of(ctx).arguments(context=settings.context.name)
    common += ["--read-only"] * settings.context.read_only
    with Source(settings, common=common) as source:
        dashboard = Dashboard(source, still=still, plain="NO_COLOR" in os.environ)
        dashboard.run(mouse=not no_mouse)
    if dashboard.return_code:
        raise typer.Exit(ExitCode.FAILED)
