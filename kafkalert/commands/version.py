"""`kafkalert version`: what is installed here."""

import typer

from kafkalert.commands.output import Format, OutputOption, emit, emit_object

app = typer.Typer()


@app.command()
def version(output: OutputOption = Format.TABLE) -> None:
    """Show the versions that run here, and whether the hot path is compiled.

    Example: kafkalert version -o json
    """
    from kafkalert.ops.versions import versions  # noqa: PLC0415 - Kafka's library, not for --help

    found = versions()
    if not emit_object(found, output):
        emit([found], output)
