"""The boundary at which every error of a command becomes one line of what, one of what to do, and an exit status."""

import errno
import logging
import os
import select
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from kafkalert.commands.invocation import Invocation, report, say
from kafkalert.commands.unhandled import hear, place
from kafkalert.engine.observe.logs import Sentences
from kafkalert.errors import ConfigError, ExitCode, KafkalertError


@contextmanager
def error_boundary(run: Invocation) -> Iterator[None]:
    """Turn every error that leaves a command into one line of what, one of what to do, and an exit status."""
    try:
        start_logging(run.verbosity)
        hear()
        yield
        sys.stdout.flush()
    except (typer.Exit, typer.Abort, typer.TyperException):
        raise
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except KafkalertError as error:
        report(str(error), error.hint, listed=isinstance(error, ConfigError))
        show_traceback(error, run)
        raise typer.Exit(error.exit_code) from None
    except Exception as error:  # noqa: BLE001 - the one place where an unforeseen error ends, as a sentence
        if interrupted(error):
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        if isinstance(error, BrokenPipeError) and reader_left():
            mute_stdout()
            raise typer.Exit(ExitCode.FAILED if run.changing else ExitCode.DONE) from None
        if disk_is_full(error):
            mute_stdout()
            report("Nothing more can be written: the disk is full.", "Make room, then run it again.")
            raise typer.Exit(ExitCode.FAILED) from None
        report(f"This is a bug in kafkalert: {where(error)}.", "Run it again with -vv and report what it prints.")
        show_traceback(error, run)
        raise typer.Exit(ExitCode.FAILED) from None


def start_logging(verbosity: int) -> None:
    """Send log lines to stderr: warnings, with `-v` what happens, with `-vv` everything, librdkafka's lines too."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)]
    target = logging.StreamHandler(sys.stderr)
    target.setFormatter(Sentences("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[target])
    logging.getLogger("kafkalert.librdkafka").setLevel(logging.DEBUG if verbosity > 1 else logging.CRITICAL)


def interrupted(error: BaseException | None) -> bool:
    """Whether ctrl-c is what led to an error: Python 3.11 puts a RuntimeError around one in the middle of a class."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def where(error: Exception) -> str:
    """Return the kind of an unforeseen error and its place; never its message, which may hold a customer's data."""
    kind = type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        kind += f" ({error.strerror})"
    return place(kind, error.__traceback__)


def show_traceback(error: Exception, run: Invocation) -> None:
    """With `-vv`, print the calls that led to an error; messages are left out, as in `where`."""
    seen: BaseException | None = error
    while seen is not None and run.verbosity > 1:
        say(f"Traceback of {type(seen).__name__} (most recent call last):")
        for line in "".join(traceback.format_tb(seen.__traceback__)).rstrip().split("\n"):
            say(line)
        seen = seen.__cause__ or seen.__context__


def disk_is_full(error: Exception) -> bool:
    """Whether the trouble is the machine's: nothing more can be written, to stdout or elsewhere."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def reader_left() -> bool:
    """Whether the pipe at stdout is closed; a broken connection to somewhere else is another matter."""
    poller = select.poll()
    poller.register(sys.stdout.fileno(), 0)  # a closed reader is told unasked
    return bool(poller.poll(0))


def mute_stdout() -> None:
    """Write to nowhere from now on, so that the interpreter's last flush is quiet too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
