"""kafkalert's command line with two commands more, for tests of the frame that all commands share."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Annotated

import typer

from kafkalert import cli
from kafkalert.commands import complete, invocation
from kafkalert.commands.confirm import ConfirmOption, YesOption, approve
from kafkalert.commands.output import to_json
from kafkalert.commands.unmask import UnmaskOption, allowed
from kafkalert.errors import (
    KafkalertError,
    OutcomeUnknownError,
    RefusedError,
    UnreachableError,
    UsageError,
)

FAMILY = {
    error.__name__: error for error in (KafkalertError, UsageError, UnreachableError, RefusedError, OutcomeUnknownError)
}
app = typer.Typer()
group = typer.Typer(help="A group.")


def _break() -> None:
    raise KeyError("0034617140ANBA19LN"[::-1])


class _Broken:
    def __del__(self) -> None:
        _break()


STRAY: dict[str, Callable[[], object]] = {
    "thread": lambda: threading.Thread(target=_break, name="worker").start(),
    "callback": _Broken,  # gone at once
}


@app.command()
def probe(
    ctx: typer.Context,
    *,
    number: int = 0,
    change: bool = False,
    fail: str = "",
    on: Annotated[str, typer.Option(autocompletion=complete.clusters)] = "",
    by: Annotated[str, typer.Option(autocompletion=complete.words)] = "",
    topic: Annotated[str, typer.Option(autocompletion=complete.topics)] = "",
    flood: bool = False,
    yes: YesOption = False,
    confirm: ConfirmOption = None,
    unmask: UnmaskOption = False,
) -> int:
    """Do what the options say."""
    del on, by, topic  # there to be completed
    run = invocation.of(ctx)
    if change:
        approve(ctx, ["create topic accountentry"], yes=yes, confirm=confirm)
        invocation.say("CHANGED")
    if unmask:
        invocation.say(f"UNMASKED {allowed(ctx, unmask=unmask)}")
    if fail in FAMILY:
        raise FAMILY[fail]("It broke.", hint="Mend it.")
    if fail == "bug":
        raise KeyError("0034617140ANBA19LN"[::-1])  # so that no line of source shows it
    if fail in STRAY:
        STRAY[fail]()
    if fail == "connection":
        raise BrokenPipeError(32, "Broken pipe")
    if fail == "interrupt":
        os.kill(os.getpid(), signal.SIGINT)
        signal.pause()
    if fail == "interrupt in a class":
        raise RuntimeError("Error calling __set_name__") from KeyboardInterrupt()
    while flood:
        sys.stdout.write("x" * 1000 + "\n")
    said = {"config": str(run.config), "context": run.context, "read_only": run.read_only}
    typer.echo(to_json(said | {"no_input": run.no_input, "verbosity": run.verbosity, "number": number}))
    return 7


@group.command()
def one(ctx: typer.Context) -> None:
    """The one subcommand."""
    typer.echo(str(invocation.of(ctx).verbosity))


@group.command()
def two() -> None:
    """The other."""


def add(name: str, module_app: typer.Typer) -> None:
    """Make `name` a command whose module has `module_app`."""
    module = ModuleType(f"kafkalert.commands.{name}")
    module.__spec__ = ModuleSpec(module.__name__, None)
    module.app = module_app  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    cli.COMMANDS[name] = cli.Entry(name, f"Help of {name}.")


if __name__ == "__main__":
    add("probe", app)
    add("group", group)
    cli.COMMANDS["absent"] = cli.Entry("absent", "A command whose module is not there.")
    cli.main()
