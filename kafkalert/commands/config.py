"""`kafkalert config`: is the configuration right, and what does it say?"""

import typer

from kafkalert.commands import invocation
from kafkalert.commands.output import Format, OutputOption, emit

app = typer.Typer()


@app.callback()
def config() -> None:
    """Check the configuration, or show what is in force."""


@app.command()
def check(ctx: typer.Context) -> None:
    """Report every problem of the configuration, with its place.

    Exit status 2 if there is any.
    """
    from kafkalert.config.loading.find import find  # noqa: PLC0415 - not for --help

    run = invocation.of(ctx)
    settings = invocation.settings(ctx)
    found = find(run.config)
    where = found.path if found else "The environment"
    clusters = ", ".join(settings.clusters)
    invocation.say(f"{where} is right. Context {settings.context.name}, with {clusters}.")


@app.command()
def show(ctx: typer.Context, output: OutputOption = Format.TABLE) -> None:
    """Show what is in force, and where each value came from.

    Secrets are hidden.
    """
    from kafkalert.config.loading.load import read  # noqa: PLC0415 - pydantic, not for --help
    from kafkalert.config.loading.show import in_force  # noqa: PLC0415 - as above

    run = invocation.of(ctx)
    loaded = read(run.config, run.context, read_only=run.read_only)
    for note in loaded.notes:
        invocation.say(note)
    emit(in_force(loaded), output)
