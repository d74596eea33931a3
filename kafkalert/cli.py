"""The command line: common options, commands found lazily, and errors turned into exit statuses, once."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from kafkalert.commands import complete
from kafkalert.commands.invocation import Invocation, of, say
from kafkalert.errors import ExitCode, KafkalertError

HEAVY = ("confluent_kafka", "fastavro", "lmdb", "msgspec", "pydantic", "rich", "textual", "yaml")
"""Libraries that `--help` and completion never load."""


class Entry(NamedTuple):
    """Where a command lives, and the line that `kafkalert --help` shows without importing it."""

    module: str
    help: str


COMMANDS = {
    "init": Entry("init", "Write a commented kafkalert.toml."),
    "config": Entry("config", "Check the configuration, or show what is in force."),
    "sandbox": Entry("sandbox", "Local Kafka clusters to try things on."),
    "topics": Entry("topics", "Compare the pipeline's topics with what should be, and correct them."),
    "schemas": Entry("schemas", "List, check and register the Avro schemas."),
    "seed": Entry("seed", "Fill a compacted topic from a file."),
    "run": Entry("run", "Run a stage of the pipeline."),
    "tail": Entry("tail", "Show alerts and bookings as they pass."),
    "failover": Entry("failover", "Show where things run, or move them to the other cluster."),
    "lag": Entry("lag", "Show how far each stage is behind."),
    "status": Entry("status", "Show the instances that run, and how they do."),
    "doctor": Entry("doctor", "Look for what is wrong, and say what to do."),
    "demo": Entry("demo", "See the whole pipeline work, in a minute."),
    "tui": Entry("tui", "The dashboard."),
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


class LazyGroup(TyperGroup):
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

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - the signature is Typer's
        """The command itself; while commands are only listed, a stand-in that carries its help."""
        if self._summaries or cmd_name not in self.commands:
            return super().get_command(ctx, cmd_name)
        return load_command(cmd_name, [param for param in self.params if isinstance(param, CommonOption)])

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - the signature is Typer's
        """List options and commands, importing none of them."""
        with self._listing():
            super().format_options(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:  # noqa: ANN401 - the signature is Typer's
        """Complete a command's name, importing none of them."""
        with self._listing():
            return list(super().shell_complete(ctx, incomplete))

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - the signature is Typer's
        """Run the command inside the border that turns errors into exit statuses."""
        with border(of(ctx)):
            return super().invoke(ctx)

    @contextmanager
    def _listing(self) -> Iterator[None]:
        self._summaries = True
        try:
            yield
        finally:
            self._summaries = False


def load_command(name: str, common: list[CommonOption]) -> Any:  # noqa: ANN401 - Typer's commands share no public type
    """Import the command `name` and add the common options to it and to its subcommands."""
    holder = typer.Typer(add_completion=False, rich_markup_mode=None)
    module = import_module(f"kafkalert.commands.{COMMANDS[name].module}")
    holder.add_typer(module.app, name=name)
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
        pending.extend(getattr(current, "commands", {}).values())
    return command


@contextmanager
def border(run: Invocation) -> Iterator[None]:
    """Turn every error that leaves a command into one line of what, one of what to do, and an exit status."""
    try:
        start_logging(run.verbosity)
        yield
        sys.stdout.flush()
    except (typer.Exit, typer.Abort, typer.TyperException):
        raise
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except KafkalertError as error:
        report(str(error), error.hint)
        show_traceback(error, run)
        raise typer.Exit(error.exit_code) from None
    except BrokenPipeError:
        mute_stdout()
        raise typer.Exit(ExitCode.FAILED if run.changing else ExitCode.DONE) from None
    except Exception as error:  # noqa: BLE001 - the one place where an unforeseen error ends, as a sentence
        report(f"This is a bug in kafkalert: {where(error)}.", "Run it again with -vv and report what it prints.")
        show_traceback(error, run)
        raise typer.Exit(ExitCode.FAILED) from None


def start_logging(verbosity: int) -> None:
    """Send log lines to stderr: warnings, with `-v` what happens, with `-vv` everything."""
    import logging  # noqa: PLC0415 - not for --help and completion

    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)]
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)


def report(what: str, hint: str) -> None:
    """Say what went wrong and what to do about it, on stderr."""
    say(f"Error: {what}")
    if hint:
        say(f"Hint: {hint}")


def where(error: Exception) -> str:
    """The kind of an unforeseen error and its place; never its message, which may hold a customer's data."""
    import traceback  # noqa: PLC0415 - only when something broke

    kind = type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        kind += f" ({error.strerror})"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "kafkalert" in frame.filename]
    if not frames:
        return kind
    module = frames[-1].filename.rpartition("kafkalert/")[2]
    return f"{kind} at kafkalert/{module}:{frames[-1].lineno}"


def show_traceback(error: Exception, run: Invocation) -> None:
    """With `-vv`, print the calls that led to an error; messages are left out, as in `where`."""
    import traceback  # noqa: PLC0415 - only when something broke

    seen: BaseException | None = error
    while seen is not None and run.verbosity > 1:
        say(f"Traceback of {type(seen).__name__} (most recent call last):")
        say("".join(traceback.format_tb(seen.__traceback__)).rstrip())
        seen = seen.__cause__ or seen.__context__


def mute_stdout() -> None:
    """Stop writing to a pipe that nobody reads, so that the interpreter's last flush is quiet too."""
    import os  # noqa: PLC0415 - only when a pipe broke

    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - not for every start

        typer.echo(f"kafkalert {version('kafkalert')}")
        raise typer.Exit


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(
    config: Annotated[str | None, typer.Option("--config", metavar="FILE", help="The configuration.")] = None,
    context: Annotated[
        str | None,
        typer.Option("--context", "-C", metavar="NAME", help="The environment.", autocompletion=complete.contexts),
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Refuse to change anything.")] = False,
    no_input: Annotated[bool, typer.Option("--no-input", help="Never ask.")] = False,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say more; -vv adds tracebacks.")] = 0,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Operate a bank's alert pipeline on Kafka: bookings in, e-mail, SMS and push alerts out."""


def main() -> None:
    """Run the command line; the console script `kafkalert`."""
    import os  # noqa: PLC0415

    completing = "_KAFKALERT_COMPLETE" in os.environ
    if completing:
        # Typer converts parameters by pydantic and strips help texts by rich, also while it completes. Neither is
        # needed: conversion may fail while completing, and our help texts hold no markup.
        sys.modules.update(dict.fromkeys(HEAVY))  # type: ignore[arg-type]  # None means "cannot be imported"
    try:
        app(prog_name="kafkalert")
    finally:
        if completing:
            for name in HEAVY:
                sys.modules.pop(name, None)
