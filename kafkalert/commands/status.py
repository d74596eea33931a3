"""`kafkalert status`: whether to act, and how; then everything at a glance."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from kafkalert.commands import invocation
from kafkalert.commands.output import Format, OutputOption, emit, emit_object, to_json, to_yaml
from kafkalert.commands.seconds import seconds
from kafkalert.commands.verdict_status import end_by_verdict
from kafkalert.errors import UsageError
from kafkalert.views import terminal

if TYPE_CHECKING:
    from kafkalert.config.sections import Settings
    from kafkalert.ops.overview.status import Status

app = typer.Typer()
EVERY: Final = 1.0
_SOON: Final = 0.1
_LOADING: Final = "LOADING"


@app.command()
def status(
    ctx: typer.Context,
    every: Annotated[
        float | None,
        typer.Argument(
            metavar="S",
            parser=seconds(0.5, 3600),
            help=f"With -w: seconds between two looks [default: {EVERY:g}].",
            show_default=False,
        ),
    ] = None,
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look again and again, until ctrl-c.")] = False,
    output: OutputOption = Format.TABLE,
) -> None:
    """See in one sentence whether to act and how, then everything at a glance.

    Exit status 0 only if all is well, 4 if a cluster does not answer, else 3. With -w it goes on until ctrl-c, and ends
    with 0: as a picture on a terminal, elsewhere as a line for each change; `-o json` writes an object a line.

    Example: kafkalert status -w 2
    """
    if every is not None and not watch:
        raise UsageError("The seconds between two looks need -w.", hint="Try `kafkalert status -w 2`.")
    if watch and output is Format.TSV:
        raise UsageError("-w writes no tsv.", hint="Take `-o json`, an object a line.")
    settings = invocation.settings(ctx)
    if watch:
        try:
            _watch(settings, every or EVERY, output)
        except KeyboardInterrupt:
            return
    else:
        _once(settings, output)


def _once(settings: "Settings", output: Format) -> None:
    from kafkalert.ops.overview.status import look_at  # noqa: PLC0415 - Kafka's library, not for --help

    found = look_at(settings)
    if output is Format.TABLE:
        from kafkalert.views.overview import show  # noqa: PLC0415 - Rich, and only for people

        show(found)
    elif output is Format.TSV:
        emit(found.instances or (), output)
    else:
        emit_object(found, output)
    end_by_verdict(found.verdict)


def _watch(settings: "Settings", every: float, output: Format) -> None:
    """Look until ctrl-c."""
    from time import sleep  # noqa: PLC0415 - with -w alone

    from kafkalert.ops.overview.watching import Watching  # noqa: PLC0415 - Kafka's library, not for --help

    with Watching(settings) as watching, _view(output) as tell:
        while True:
            found = watching.now()
            tell(found)
            sleep(min(every, _SOON) if found.level == _LOADING else every)


@contextmanager
def _view(output: Format) -> Iterator[Callable[["Status"], None]]:
    if output is Format.TABLE:
        from kafkalert.views.overview_live import view  # noqa: PLC0415 - Rich, and only for people

        with view() as tell:
            yield tell
    else:
        yield _json if output is Format.JSON else _yaml


def _json(found: "Status") -> None:
    """Write an object a line, once something is known."""
    if found.level != _LOADING:
        terminal.write(to_json(found) + "\n")
        sys.stdout.flush()


def _yaml(found: "Status") -> None:
    """Write a document, once something is known."""
    if found.level != _LOADING:
        terminal.write(to_yaml(found, document=True))
        sys.stdout.flush()
