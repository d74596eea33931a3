"""`kafkalert lag`: how far consumer groups are behind, and whether they get on."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Final

import typer

from kafkalert.commands import complete, invocation
from kafkalert.commands.error_boundary import reader_left
from kafkalert.commands.output import Format, OutputOption, emit, to_json, to_yaml
from kafkalert.commands.seconds import seconds
from kafkalert.commands.signals import end_like_ctrl_c
from kafkalert.errors import ExitCode, UsageError
from kafkalert.views import terminal

if TYPE_CHECKING:
    from kafkalert.ops.lag.picture import Snapshot
    from kafkalert.ops.lag.watching import Watching

app = typer.Typer()
EVERY: Final = 2.0
LONGEST: Final = 6.0
COLUMNS: Final = (
    *("verdict", "group", "topic", "partition", "records", "counted", "lag", "seconds_behind", "rate_in", "rate_out"),
    *("catch_up_seconds", "trend", "committed", "start", "end", "gone", "why"),
)


@app.command()
def lag(
    ctx: typer.Context,
    group: Annotated[
        str, typer.Argument(metavar="[GROUP]", help="Only this group, or that of this stage.", show_default=False)
    ] = "",
    every: Annotated[
        str,
        typer.Argument(
            metavar="[S]", help=f"With -w: seconds between two looks [default: {EVERY:g}].", show_default=False
        ),
    ] = "",
    *,
    topic: Annotated[
        str, typer.Option("--topic", metavar="NAME", help="Only in this topic.", autocompletion=complete.topics)
    ] = "",
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="NAME",
            help="On this cluster [default: the active one].",
            autocompletion=complete.clusters,
        ),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look again and again, until ctrl-c.")] = False,
    longest: Annotated[
        float | None,
        typer.Option(
            "--seconds",
            metavar="S",
            parser=seconds(0.5, 600),
            help=f"How long it looks at most where not all is well [default: {LONGEST:g}].",
        ),
    ] = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Show how far groups are behind, and whether they get on.

    For each group and partition: the records that wait, the age of the oldest, the rates, and a verdict by how
    offsets move, whatever the lag: OK, WARN (it loses ground), REWOUND, STALLED (it commits the same offset again and
    again), STOPPED (it commits nothing). It joins no group and changes nothing.

    Exit status 0 if all are OK, else 3. With -w it goes on until ctrl-c, and ends with 0: as a picture on a terminal,
    elsewhere as a line for each change; `-o json` writes an object a line.

    Example: kafkalert lag alerting -w 2
    """
    if watch and not every and _is_number(group):
        group, every = "", group
    if every and not watch:
        raise UsageError("The seconds between two looks need -w.", hint="Try `kafkalert lag -w 2`.")
    if watch and longest is not None:
        raise UsageError("--seconds does not go with -w, which looks until ctrl-c.", hint="Leave it out.")
    if watch and output is Format.TSV:
        raise UsageError("-w writes no tsv.", hint="Take `-o json`, an object a line.")
    pause = seconds(0.5, 3600)(every) if every else EVERY
    settings = invocation.settings(ctx)
    there = settings.context.clusters
    if cluster is not None and cluster not in there:
        raise UsageError(f"There is no cluster {cluster} in this context.", hint=f"It has {', '.join(there)}.")
    from kafkalert.ops.lag.watching import Watching  # noqa: PLC0415 - Kafka's library, not for --help

    if watch:
        end_like_ctrl_c()
        with (
            suppress(KeyboardInterrupt),
            Watching(settings, group=group, topic=topic, cluster=cluster or "") as watching,
        ):
            _watch(watching, pause, output)
        return
    with Watching(settings, group=group, topic=topic, cluster=cluster or "") as watching:
        found = watching.once(longest or LONGEST)
        _say(watching.notes())
    _write(found, output)
    if found.verdict != "OK":
        raise typer.Exit(ExitCode.DRIFT)


def _write(found: "Snapshot", output: Format) -> None:
    if output is Format.TABLE:
        from kafkalert.views.lag import show  # noqa: PLC0415 - Rich, and only for people

        show(found)
    else:
        emit(found.partitions, output, columns=COLUMNS)


def _watch(watching: "Watching", every: float, output: Format) -> None:
    """Look until ctrl-c, or until nobody reads what is written."""
    said = 0
    with _view(output) as tell:
        for found in watching.follow(every):
            notes = watching.notes()
            _say(notes[said:])
            said = max(said, len(notes))
            tell(found)
            sys.stdout.flush()
            if reader_left():
                return


@contextmanager
def _view(output: Format) -> "Iterator[Callable[[Snapshot], None]]":
    if output is Format.TABLE:
        from kafkalert.views.lag import view  # noqa: PLC0415 - Rich, and only for people

        with view() as tell:
            yield tell
    elif output is Format.JSON:
        yield lambda found: terminal.write(to_json(found) + "\n")
    else:
        yield lambda found: terminal.write(to_yaml(found, document=True))


def _say(notes: list[str]) -> None:
    for note in notes:
        invocation.say(note)


def _is_number(text: str) -> bool:
    """Whether that is how seconds are written, which no group is called."""
    return text[:1].isdigit()
