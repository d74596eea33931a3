"""`kafkalert doctor`: what is not as it should be, and what to do about it."""

from typing import Annotated

import typer

from kafkalert.commands import invocation
from kafkalert.commands.output import Format, OutputOption, emit
from kafkalert.errors import ExitCode, UsageError

app = typer.Typer()
COLUMNS = ("subject", "cluster", "name", "grade", "text", "hint")


@app.command()
def doctor(
    ctx: typer.Context,
    *,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="SUBJECT", help="Only this subject, such as topics; may be given again."),
    ] = None,
    meant_for: Annotated[
        list[str] | None,
        typer.Option(
            "--for", metavar="COMMAND", help="Only the rights that this command or stage needs: 'run alerting'."
        ),
    ] = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Find out what is not as it should be, and what to do about it.

    It looks at configuration, addresses, TLS, SASL, versions, topics, schemas, mirror, permissions, transactions,
    record times, clocks and disk. It changes nothing, joins no group, and ends within ten seconds, also where a
    cluster hangs. With -v it tells in detail what is fine.

    Exit status 3 if anything was found, 4 if a cluster does not answer.

    Example: kafkalert doctor --only topics --only permissions
    """
    from kafkalert.config.loading.load import read  # noqa: PLC0415 - pydantic, not for --help
    from kafkalert.ops.doctor.checkup import Subject  # noqa: PLC0415 - not for --help
    from kafkalert.ops.doctor.examining import examine  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.ops.rights import WHO  # noqa: PLC0415 - as above
    from kafkalert.views.doctor import show  # noqa: PLC0415 - Rich, not for --help

    for one in only or ():
        if one not in list(Subject):
            raise UsageError(f"There is no subject {one!r}.", hint=f"There are: {', '.join(Subject)}.")
    for one in meant_for or ():
        if one not in WHO:
            raise UsageError(f"Nothing is called {one!r} here.", hint=f"There are: {', '.join(WHO)}.")
    run = invocation.of(ctx)
    found = examine(read(run.config, run.context), [Subject(one) for one in only or ()], meant_for or ())
    if output is Format.TABLE:
        show(found, verbose=run.verbosity > 0)
    else:
        emit(found.checkups, output, columns=COLUMNS)
    if found.unreachable:
        raise typer.Exit(ExitCode.UNREACHABLE)
    if not found.is_fine:
        raise typer.Exit(ExitCode.DRIFT)
