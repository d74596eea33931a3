"""`kafkalert context`: which environments there are, and in which one commands work."""

import os
from typing import Annotated

import typer

from kafkalert.commands import complete, invocation
from kafkalert.commands.output import Format, OutputOption, emit
from kafkalert.errors import ConfigError, UsageError

app = typer.Typer()
COLUMNS = ("name", "clusters", "prefix", "production", "read_only", "chosen", "by")
SPARE = ("prefix", "read_only")
_VARIABLE = "KAFKALERT_CONTEXT"


@app.callback()
def context() -> None:
    """See the contexts of the configuration, and choose one.

    Commands work in the first of these: -C NAME, the variable KAFKALERT_CONTEXT, what `context use` has kept for this
    user and this file, the file's `context`.
    """


@app.command("list")
def list_(ctx: typer.Context, output: OutputOption = Format.TABLE) -> None:
    """List the contexts, and say which one is in force.

    Exit status 2 if none of them is.

    Example: kafkalert context list -o json
    """
    from kafkalert.config.loading.contexts import contexts  # noqa: PLC0415 - pydantic, not for --help

    run = invocation.of(ctx)
    found = contexts(run.config, run.context)
    emit(found.choices, output, columns=COLUMNS, spare=SPARE, empty="There are no contexts.")
    if found.problem:
        raise ConfigError(found.problem, hint=found.hint)


@app.command()
def use(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The context.", autocompletion=complete.contexts, show_default=False)
    ] = "",
    *,
    clear: Annotated[bool, typer.Option("--clear", help="Forget the choice; the file's own context counts.")] = False,
) -> None:
    """Choose the context in which commands work from now on.

    The choice is kept for this user and this configuration file. It changes no cluster and no stage that runs.

    Example: kafkalert context use test
    """
    from kafkalert.config.loading.contexts import use as keep  # noqa: PLC0415 - pydantic, not for --help

    if bool(name) is clear:
        raise UsageError(
            "Name a context, or forget the choice with --clear.", hint="`kafkalert context list` shows what there is."
        )
    done = keep(invocation.of(ctx).config, name or None)
    if done.context is not None:
        production = " It is PRODUCTION: a change asks for its name." if done.context.production else ""
        invocation.say(f"Context {name} of {done.file} is used from now on.{production}")
    else:
        invocation.say(f"{'Forgotten.' if done.changed else 'Nothing was chosen.'} {_now(done.now, str(done.file))}")
    if done.by == _VARIABLE and done.now != (name or None):
        invocation.say(f"In this shell {_VARIABLE} is set to {os.environ[_VARIABLE]}, which comes before it.")


def _now(name: str | None, file: str) -> str:
    return f"Context {name} of {file} is used." if name else f"{file} names no context that is used without -C."
