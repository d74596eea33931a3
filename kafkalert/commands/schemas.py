"""`kafkalert schemas`: the Avro schemas, here and in the registry."""

import typer

from kafkalert.commands import invocation
from kafkalert.commands.confirm import ConfirmOption, YesOption, approve
from kafkalert.commands.output import Format, OutputOption, emit
from kafkalert.errors import ExitCode, RefusedError

app = typer.Typer()


@app.callback()
def schemas() -> None:
    """List, check and register the Avro schemas."""


@app.command("list")
def list_(output: OutputOption = Format.TABLE) -> None:
    """Show the schemas of keys and values, with their fingerprints.

    Example: kafkalert schemas list -o json
    """
    from kafkalert.ops.schemas import listed  # noqa: PLC0415 - Avro, not for --help

    emit(listed(), output)


@app.command()
def check(ctx: typer.Context, output: OutputOption = Format.TABLE) -> None:
    """Look each schema up in the registry.

    Exit status 3 if any is missing or does not fit.

    Example: kafkalert schemas check
    """
    from kafkalert.ops.schemas import State  # noqa: PLC0415 - Avro, not for --help
    from kafkalert.ops.schemas import check as look_up  # noqa: PLC0415 - as above

    found = look_up(invocation.settings(ctx).serde)
    emit(found, output)
    if any(schema.state is not State.REGISTERED for schema in found):
        raise typer.Exit(ExitCode.DRIFT)


@app.command()
def register(
    ctx: typer.Context, *, yes: YesOption = False, confirm: ConfirmOption = None, output: OutputOption = Format.TABLE
) -> None:
    """Register the schemas that the registry lacks.

    Exit status 5 if one does not fit what is there.

    Example: kafkalert schemas register --yes
    """
    from kafkalert.ops import schemas as ops  # noqa: PLC0415 - Avro, not for --help

    serde = invocation.settings(ctx).serde
    found = ops.check(serde)
    unfit = [schema.subject for schema in found if schema.state is ops.State.INCOMPATIBLE]
    if unfit:
        raise RefusedError(
            f"The registry has an incompatible schema for {', '.join(unfit)}; nothing was registered.",
            hint="See what was registered there, and by whom. Records of both cannot be read by one reader.",
        )
    missing = [schema for schema in found if schema.state is ops.State.MISSING]
    if missing:
        changes = [f"register {schema.name} as {schema.subject} in the schema registry" for schema in missing]
        approve(ctx, changes, yes=yes, confirm=confirm)
        ops.register(serde, [schema.name for schema in missing])
        found = ops.check(serde)
    else:
        invocation.say("All schemas are registered.")
    emit(found, output)
