"""`kafkalert dlq`: dead letters, seen, replayed and dropped."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kafkalert.commands import complete, invocation
from kafkalert.commands import unmask as unmasking
from kafkalert.commands.confirm import ConfirmOption, YesOption, approve
from kafkalert.commands.output import Format, OutputOption, emit
from kafkalert.commands.unmask import UnmaskOption
from kafkalert.errors import ExitCode, KafkalertError, UsageError
from kafkalert.views.terminal import write_all

if TYPE_CHECKING:
    from kafkalert.config.sections import Settings
    from kafkalert.ops.deadletters.contents import Contents
    from kafkalert.ops.deadletters.job import Course, Job
    from kafkalert.ops.deadletters.looking import Letters
    from kafkalert.ops.deadletters.selection import Selection

app = typer.Typer()
GROUP_COLUMNS = ("stage", "reason", "letters", "again", "first", "last", "topics", "example", "cluster")
GROUP_SPARE = ("cluster", "first", "topics", "example")
LINE_COLUMNS = (
    "place",
    "stage",
    "reason",
    "time",
    "topic",
    "from_partition",
    "from_offset",
    "replays",
    "state",
    "detail",
)
LINE_SPARE = ("detail", "from_offset", "from_partition", "state", "topic")
FATE_COLUMNS = ("stage", "reason", "letters", "state", "why", "example", "cluster")
FATE_SPARE = ("cluster", "example")

PlacesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[PLACE]...", help="Letters by PARTITION:OFFSET [default: all].")
]
StageOption = Annotated[str | None, typer.Option("--stage", metavar="NAME", help="Only what this stage put away.")]
ReasonOption = Annotated[str | None, typer.Option("--reason", metavar="CODE", help="Only what has this reason.")]
TopicOption = Annotated[
    str | None,
    typer.Option("--topic", metavar="NAME", help="Only records of this topic.", autocompletion=complete.topics),
]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Put away from then on: 1h, 2026-01-31T08:00.")
]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Put away before then.")]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster", metavar="NAME", help="On this cluster [default: the active one].", autocompletion=complete.clusters
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what it would do, and change nothing.")]


@app.callback()
def dlq() -> None:
    """See dead letters: records that stages could not process and put away.

    `list` counts them by reason, `show` says of one whether it would pass now, `replay` puts records back to where they
    came from, and `drop` says that letters are done with.
    """


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    letters: Annotated[bool, typer.Option("--letters", help="List each letter, with its place.")] = False,
    done: Annotated[bool, typer.Option("--all", help="Also those that were replayed or dropped.")] = False,
    stage: StageOption = None,
    reason: ReasonOption = None,
    topic: TopicOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    cluster: ClusterOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """List dead letters by stage and reason, or each of them.

    `again` counts those that were replayed and failed again. Letters that were replayed or dropped are not listed,
    unless --all asks for them.

    Example: kafkalert dlq list --since 1d
    """
    settings = _settings(ctx, cluster)
    selection = _selection(settings, stage=stage, reason=reason, topic=topic, since=since, until=until)
    looking = _letters(settings, cluster)
    contents = looking.contents(selection)
    if letters:
        rows = looking.lines(contents, selection, done=done)
        emit(rows, output, columns=LINE_COLUMNS, spare=LINE_SPARE, empty="There are no dead letters.")
    else:
        groups = looking.groups(contents, selection, done=done)
        emit(groups, output, columns=GROUP_COLUMNS, spare=GROUP_SPARE, empty="There are no dead letters.")
    _account_for(contents)


@app.command()
def show(
    ctx: typer.Context,
    place: Annotated[str, typer.Argument(metavar="PLACE", help="PARTITION:OFFSET, as `dlq list --letters` has it.")],
    *,
    cluster: ClusterOption = None,
    unmask: UnmaskOption = False,
    output: OutputOption = Format.TABLE,
) -> None:
    """Show one dead letter, and whether its record would pass now.

    The stage that put it away is asked, as it is installed and configured here. What only the stage can tell, where it
    runs, is "?".

    Example: kafkalert dlq show 3:17
    """
    from kafkalert.ops.deadletters.selection import place as parsed  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.ops.masks import reveal  # noqa: PLC0415 - not for --help
    from kafkalert.views.letter import lines  # noqa: PLC0415 - as above

    where = parsed(place)
    settings = _settings(ctx, cluster)
    clear = unmasking.allowed(ctx, unmask=unmask)
    letter = _letters(settings, cluster).show(where)
    if output is Format.TABLE:
        write_all(lines(letter, unmask=clear))
        return
    row = {name: getattr(letter, name) for name in type(letter).__dataclass_fields__}
    emit([{name: reveal(value) for name, value in row.items()} if clear else row], output)


@app.command()
def replay(
    ctx: typer.Context,
    places: PlacesArgument = None,
    *,
    stage: StageOption = None,
    reason: ReasonOption = None,
    topic: TopicOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Also what would not pass, as far as is known.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also what was replayed or dropped before.")] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    confirm: ConfirmOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Put records back to where they came from, on the active cluster.

    Key, value, headers, id and time stay, so alerts that were sent before have the same ids. A letter is replayed once;
    a record that fails again is a new letter, which says how often it was replayed. What would not pass stays, with the
    reason. What only the stage can tell is tried once. Exit status 1 if a letter stays.

    Example: kafkalert dlq replay --reason unknown-fingerprint --dry-run
    """
    from kafkalert.ops.deadletters.job import Order  # noqa: PLC0415 - Kafka's library, not for --help

    settings = _settings(ctx, None)
    selection = _selection(
        settings, places=places or (), stage=stage, reason=reason, topic=topic, since=since, until=until
    )
    order = Order(selection, again=again, anyway=anyway, dry_run=dry_run)
    job = _job(ctx, settings, order, yes=yes, confirm=confirm)
    _do(job, job.replay, output, dry_run=dry_run)


@app.command()
def drop(
    ctx: typer.Context,
    places: PlacesArgument = None,
    *,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, which is kept with your name.")],
    stage: StageOption = None,
    reason: ReasonOption = None,
    topic: TopicOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    confirm: ConfirmOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Say that letters are done with: `dlq list` no longer counts them.

    Who did it, and why, is kept until the letters expire. `replay --again` replays them all the same.

    Example: kafkalert dlq drop --reason null --why 'the core system sent empty records, INC-17'
    """
    from kafkalert.ops.deadletters.job import Order  # noqa: PLC0415 - Kafka's library, not for --help

    settings = _settings(ctx, None)
    selection = _selection(
        settings, places=places or (), stage=stage, reason=reason, topic=topic, since=since, until=until
    )
    if selection.is_empty:
        raise UsageError("Say which letters: by place, --stage, --reason, --topic, --since or --until.")
    job = _job(ctx, settings, Order(selection, dry_run=dry_run, why=why), yes=yes, confirm=confirm)
    _do(job, job.drop, output, dry_run=dry_run)


def _settings(ctx: typer.Context, cluster: str | None) -> "Settings":
    """Return the configuration, with the active cluster first, unless another one is named."""
    from kafkalert.ops.active import with_active_first  # noqa: PLC0415 - Kafka's library, not for --help

    settings = invocation.settings(ctx)
    return settings if cluster is not None else with_active_first(settings)


def _selection(settings: "Settings", *, places: Sequence[str] = (), **asked: str | None) -> "Selection":
    from kafkalert.engine.clock import SystemClock  # noqa: PLC0415 - not for --help
    from kafkalert.ops.deadletters.selection import Selection  # noqa: PLC0415 - Kafka's library, not for --help

    return Selection.parse(settings, SystemClock().wall_ms(), places=places, **asked)


def _letters(settings: "Settings", cluster: str | None) -> "Letters":
    from kafkalert.ops.deadletters.looking import Letters  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.ops.tail.request import chosen_cluster  # noqa: PLC0415 - as above
    from kafkalert.views.letter_progress import progress  # noqa: PLC0415 - Rich, not for --help

    return Letters(settings, chosen_cluster(settings, cluster), progress)


def _job(ctx: typer.Context, settings: "Settings", order: object, *, yes: bool, confirm: str | None) -> "Job":
    from kafkalert.commands.signals import end_like_ctrl_c  # noqa: PLC0415 - not for --help
    from kafkalert.ops.deadletters.job import Audience, Job  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.views.letter_progress import progress  # noqa: PLC0415 - Rich, not for --help

    def ask(changes: Sequence[str]) -> None:
        approve(ctx, changes, yes=yes, confirm=confirm)
        end_like_ctrl_c()

    return Job(settings, order, Audience(ask, progress))  # type: ignore[arg-type]  # an Order


def _do(job: "Job", work: "Callable[[], Course]", output: Format, *, dry_run: bool) -> None:
    """Do it, and tell what became of each letter; also where it did not come to its end."""
    try:
        course = work()
    except (KafkalertError, KeyboardInterrupt) as error:
        if (done := job.course.count("replayed", "dropped")) or not isinstance(error, KafkalertError):
            from kafkalert.ops.wording import counted  # noqa: PLC0415 - not for --help

            invocation.say(f"{counted(done, 'letter')} done before it ended; run it again for the others.")
        raise
    emit(course.summed(), output, columns=FATE_COLUMNS, spare=FATE_SPARE, empty="There are no such dead letters.")
    if not dry_run and course.count("stays", "not taken"):
        raise typer.Exit(ExitCode.FAILED)


def _account_for(contents: "Contents") -> None:
    """Say what was not shown."""
    from kafkalert.ops.wording import counted  # noqa: PLC0415 - not for --help

    if contents.strangers:
        invocation.say(f"{counted(contents.strangers, 'record')} of {contents.topic} are no dead letters.")
    if contents.unread:
        invocation.say(f"Not read, because it did not answer: {', '.join(contents.unread)}.")
        raise typer.Exit(ExitCode.FAILED)
