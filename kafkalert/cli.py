"""The command line: common options, commands found lazily, and errors turned into exit statuses, once."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperOption
from typer.main import get_command

from kafkalert.commands import complete
from kafkalert.commands.groups import Group
from kafkalert.commands.invocation import of
from kafkalert.errors import ExitCode
from kafkalert.views.terminal import prepare, report, write

HEAVY = ("confluent_kafka", "fastavro", "lmdb", "msgspec", "prometheus_client", "pydantic", "rich", "textual", "yaml")
"""Libraries that `--help` and completion never load."""


class Entry(NamedTuple):
    """Where a command lives, and the line that `kafkalert --help` shows without importing it."""

    module: str
    help: str


COMMANDS = {
    "init": Entry("init", "Write a commented kafkalert.toml."),
    "config": Entry("config", "Check the configuration, or show what is in force."),
    "context": Entry("context", "See the contexts of the configuration, and choose one."),
    "sandbox": Entry("sandbox", "Local Kafka clusters to try things on."),
    "topics": Entry("topics", "Compare topics with what should be, and correct them."),
    "schemas": Entry("schemas", "List, check and register the Avro schemas."),
    "seed": Entry("seed", "Fill a compacted topic from a file."),
    "mirror": Entry("mirror", "The flows between the two clusters: their state and lag."),
    "run": Entry("run", "Run a stage of the pipeline."),
    "status": Entry("status", "See in one sentence whether to act, then all at a glance."),
    "tail": Entry("tail", "Show alerts and bookings as they pass."),
    "explain": Entry("explain", "Say why an alert did or did not go out."),
    "trace": Entry("trace", "Show the path of a booking or an alert, with the time of each hop."),
    "dlq": Entry("dlq", "See dead letters, and put them back or done with."),
    "group": Entry("group", "See where consumer groups are, and put one elsewhere."),
    "lag": Entry("lag", "See how far consumer groups are behind, and whether they get on."),
    "failover": Entry("failover", "See where stages run, and move them to the other cluster."),
    "tui": Entry("tui", "Watch the pipeline on one screen, and move its stages from there."),
    "doctor": Entry("doctor", "Find out what is not as it should be, and what to do."),
    "demo": Entry("demo", "See the whole pipeline work, in a minute."),
    "version": Entry("version", "Show the versions that run here."),
    "help": Entry("help", "Show what a command does, and its options."),
}
COMMON = ("config", "context", "read_only", "no_input", "verbose")


class CommonOption(TyperOption):
    """An option that every command takes at any place; its value goes to the `Invocation`, not to the command.

    Typer's own conversion would import pydantic, on `kafkalert tail --help` too.
    """

    def __init__(self, option: TyperOption) -> None:
        vars(self).update(vars(option))
        self.expose_value = False

    def process_value(self, ctx: Any, value: Any) -> Any:  # noqa: ANN401 - the signature is Typer's
        """Record the value as it was written."""
        of(ctx).record(self.name, value)
        return value


class LazyGroup(Group):
    """The group of all commands of `COMMANDS` whose module is there; a module is imported when its command is used."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - passed on as they are
        super().__init__(**attributes)
        self.params = [
            CommonOption(param) if isinstance(param, TyperOption) and param.name in COMMON else param
            for param in self.params
        ]
        self._summaries = False
        for name, entry in COMMANDS.items():
            if find_spec(f"kafkalert.commands.{entry.module}"):
                self.commands[name] = TyperCommand(name, help=entry.help, short_help=entry.help)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - the signature is Typer's
        """Parse, without pydantic."""
        spare_conversion(self, ctx)
        with naming(ctx):
            return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - the signature is Typer's
        """Return the command itself; while commands are only listed, a stand-in that carries its help."""
        if self._summaries or cmd_name not in self.commands:
            return super().get_command(ctx, cmd_name)
        return load_command(cmd_name, [param for param in self.params if isinstance(param, CommonOption)], ctx)

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - the signature is Typer's
        """List options and commands, importing none of them."""
        with self._listing():
            super().format_options(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:  # noqa: ANN401 - the signature is Typer's
        """Complete a command's name, importing none of them."""
        with self._listing():
            return list(super().shell_complete(ctx, incomplete))

    def invoke(self, ctx: Any) -> None:  # noqa: ANN401 - the signature is Typer's
        """Run the command; the error boundary turns its errors into exit statuses. What it returns is dropped."""
        from kafkalert.commands.error_boundary import error_boundary  # noqa: PLC0415 - logging, not for --help

        with error_boundary(of(ctx)):
            super().invoke(ctx)

    @contextmanager
    def _listing(self) -> Iterator[None]:
        self._summaries = True
        try:
            yield
        finally:
            self._summaries = False


def spare_conversion(command: Any, ctx: Any) -> None:  # noqa: ANN401 - Typer's commands share no public type
    """Default Typer's own flags (--help among them) to False: their None would be converted, by pydantic."""
    for param in command.get_params(ctx):
        if isinstance(param, TyperOption) and not param.expose_value and param.is_bool_flag and param.default is None:
            param.default = False


def load_command(name: str, common: list[CommonOption], ctx: Any) -> Any:  # noqa: ANN401 - as above
    """Import the command `name` and add the common options to it and to its subcommands."""
    holder = typer.Typer(add_completion=False, rich_markup_mode=None)
    module = import_module(f"kafkalert.commands.{COMMANDS[name].module}")
    holder.add_typer(module.app, name=name, cls=Group)
    holder.callback()(lambda: None)
    command: Any = get_command(holder)
    command = command.commands[name]
    if len(command.commands) == 1 and module.app.registered_callback is None:
        (command,) = command.commands.values()
        command.name = name
    pending = [command]
    while pending:
        current = pending.pop()
        current.params.extend(common)
        current.parse_args = partial(parse, current.parse_args)
        spare_conversion(current, ctx)
        pending.extend(getattr(current, "commands", {}).values())
    return command


def parse(parser: Any, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - as above
    """Parse by a command's own `parser`; what is wrong names the command."""
    with naming(ctx):
        return parser(ctx, args)


@contextmanager
def naming(ctx: Any) -> Iterator[None]:  # noqa: ANN401 - as above
    """Let wrong usage name the command of `ctx`, where the parser did not: its help is what the user needs."""
    try:
        yield
    except typer.TyperException as error:
        wrong: Any = error  # Typer's own kinds have a context, and share no public type
        if getattr(wrong, "ctx", None) is None:
            wrong.ctx = ctx
        raise


def show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - not for every start

        write(f"kafkalert {version('kafkalert')}\n")
        raise typer.Exit


app = typer.Typer(
    cls=LazyGroup,
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(
    ctx: typer.Context,
    config: Annotated[str | None, typer.Option("--config", metavar="FILE", help="The configuration.")] = None,
    context: Annotated[
        str | None,
        typer.Option("--context", "-C", metavar="NAME", help="The environment.", autocompletion=complete.contexts),
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Refuse to change anything.")] = False,
    no_input: Annotated[bool, typer.Option("--no-input", help="Never ask.")] = False,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, show_default=False, help="Say more; -vv adds tracebacks.")
    ] = 0,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Operate a bank's alert pipeline on Kafka: bookings in, e-mail, SMS and push alerts out."""
    del config, context, read_only, no_input, verbose, version  # CommonOption and show_version took them
    if ctx.invoked_subcommand is None:
        write(f"{ctx.get_help()}\n")


def check_arguments(arguments: Sequence[str]) -> None:
    """End with status 2 where an argument is no text: a client library may crash by a name in broken UTF-8."""
    for argument in arguments:
        if not argument.isascii() and any("\ud800" <= char <= "\udfff" for char in argument):
            report(f"The argument {argument} is not text.", "Write it in the encoding of the terminal, mostly UTF-8.")
            sys.exit(ExitCode.USAGE)


def quiet_end() -> None:
    """Flush what an error left behind; the interpreter would complain about a closed pipe on its way out."""
    try:
        sys.stdout.flush()
    except OSError:
        from kafkalert.commands.error_boundary import mute_stdout  # noqa: PLC0415 - only when a pipe broke

        mute_stdout()


def main() -> None:
    """Run the command line, and end with its status."""
    completing = "_KAFKALERT_COMPLETE" in os.environ
    prepare()
    check_arguments(sys.argv[1:])
    if completing:
        # Typer converts parameters by pydantic and strips help texts by rich, also while it completes. Neither is
        # needed: conversion may fail while completing, and our help texts hold no markup.
        sys.modules.update(dict.fromkeys(HEAVY))  # type: ignore[arg-type]  # None means "cannot be imported"
    try:
        sys.exit(app(prog_name="kafkalert", standalone_mode=False))
    except typer.TyperException as error:  # wrong usage
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "kafkalert"
        report(error.format_message().replace("Value error, ", ""), f"See `{path} --help`.")
        sys.exit(ExitCode.USAGE)
    except (typer.Abort, KeyboardInterrupt):  # ctrl-c, also before a command began, or the end of input at a question
        sys.exit(ExitCode.INTERRUPTED)
    except Exception as error:  # before a command began: --help onto a full disk, or anything while completing
        if not completing and not isinstance(error, OSError):
            raise
        if not completing:
            report("The output cannot be written.", "Make room, or send it somewhere else.")
        sys.exit(ExitCode.FAILED)
    finally:
        quiet_end()
        if completing:
            for name in HEAVY:
                sys.modules.pop(name, None)
