"""`kafkalert failover reconcile`: the return of a cluster after a forced switch."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from kafkalert.commands import complete, invocation
from kafkalert.commands.confirm import ConfirmOption, YesOption, approve
from kafkalert.commands.output import Format, OutputOption, emit, emit_object
from kafkalert.commands.seconds import seconds
from kafkalert.commands.signals import end_like_ctrl_c
from kafkalert.errors import ExitCode, UsageError
from kafkalert.ops.failover.reconcile.result import MARKED

if TYPE_CHECKING:
    from kafkalert.ops.failover.reconcile.result import Reconciliation

TIMEOUT = 60.0
COLUMNS = ("topic", "carry", "superseded", "oldest", "newest", "source")


def reconcile(
    ctx: typer.Context,
    *,
    source: Annotated[
        str,
        typer.Option("--from", metavar="NAME", help="The cluster that returns.", autocompletion=complete.clusters),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what is stranded, and change nothing; exit status 3 if anything is.")
    ] = False,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            metavar="DURATION",
            parser=seconds(1, 86_400),
            help="How long the mirror may take to catch up: 600, 600s, 10m.",
        ),
    ] = TIMEOUT,
    yes: YesOption = False,
    confirm: ConfirmOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Carry over what was stranded on a cluster that returns.

    After a forced switch the cluster that was given up holds records that never crossed. They are found by their ids,
    shown, and carried to the cluster in use as they are; a row of a table only if there is no newer one. Then the flow
    out of the returning cluster goes on behind them. It may be run again at any time: nothing is carried twice.

    Where stages were forced there and back before this was run, both clusters hold such records, and it does the same
    for the cluster in use.

    Example: kafkalert failover reconcile --from dc1 --dry-run
    """
    settings = invocation.settings(ctx)
    there = settings.context.clusters
    if source not in there or len(there) == 1:
        what = f"There is no cluster {source} in this context." if source not in there else "It has one cluster alone."
        raise UsageError(what, hint=f"It has {', '.join(there)}.")
    from kafkalert.ops.failover.reconcile.order import Audience, Order  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.ops.failover.reconcile.reconciling import reconcile as run  # noqa: PLC0415 - as above

    def ask(changes: Sequence[str]) -> None:
        approve(ctx, changes, yes=yes, confirm=confirm)
        end_like_ctrl_c()

    try:
        result = run(settings, Order(source, timeout, dry_run), Audience(_show, ask, _progress))
    except KeyboardInterrupt:
        invocation.say(f"Interrupted. What was carried stays; `failover reconcile --from {source}` goes on from there.")
        raise
    _write(result, output)
    for sentence in _ending(result, dry_run=dry_run):
        invocation.say(sentence)
    if dry_run and any(topic.is_stranded for topic in result.topics):
        raise typer.Exit(ExitCode.DRIFT)


def _show(found: "Reconciliation") -> None:
    """Show what is stranded, for people, before they are asked."""
    if not any(topic.is_stranded for topic in found.topics):
        invocation.say("Nothing is stranded.")
    for source, target in _ways(found):
        topics = [topic for topic in found.topics if topic.source == source and topic.is_stranded]
        if topics:
            invocation.say(f"Stranded on {source}, {sum(topic.carry for topic in topics):,} to carry to {target}:")
        for topic in topics:
            since = (
                f", from {topic.oldest:%Y-%m-%d %H:%M:%S} to {topic.newest:%H:%M:%S} UTC"
                if topic.oldest and topic.newest
                else ""
            )
            superseded = f"; {topic.superseded:,} superseded" if topic.superseded else ""
            invocation.say(f"  {topic.topic}: {topic.carry:,} {topic.kind}{since}{superseded}")
            if topic.marked:
                invocation.say(
                    f"  warning: {topic.marked:,} of these, the first in {topic.marked_at}, have the header of a copy "
                    f"from {target}, where they are not: another program wrote it. The mirror passes them over."
                )
        for sentence in _left_alone(found, source, target):
            invocation.say(f"  warning: {sentence}")
        for row in found.superseded:
            when = f", {row.at:%Y-%m-%d %H:%M:%S} UTC" if row.at else ""
            if row.source == source:
                invocation.say(f"  superseded: {row.topic}[{row.partition}] at {row.offset}{when}")


def _left_alone(found: "Reconciliation", source: str, target: str) -> Iterator[str]:
    """Yield what looks like a copy and is not carried, though nobody knows whether `target` ever had it."""
    for topic in found.topics:
        if topic.source != source:
            continue
        if topic.doubtful:
            yield (
                f"{topic.doubtful:,} of {topic.topic}, the first in {topic.doubtful_at}, have the header of a copy "
                f"from {target}, where they are not. They may have expired there, so they are not carried."
            )
        if topic.unseen:
            yield (
                f"{topic.unseen:,} of {topic.topic} have the header of a copy from {target}, and were not looked for: "
                f"they lie behind the first {MARKED:,} with it. Those that {target} does not have are not carried."
            )


def _ways(found: "Reconciliation") -> list[tuple[str, str]]:
    """From and to which cluster there is something to carry, or to leave behind."""
    ends = (found.source, found.target)
    sources = {topic.source for topic in found.topics}
    return [way for way in (ends, ends[::-1]) if way[0] in sources]


def _ending(result: "Reconciliation", *, dry_run: bool) -> Iterator[str]:
    if result.outcome == "nothing stranded":
        yield f"Nothing is stranded: the mirror runs both ways; what was written to {result.source} crosses by itself."
    elif not dry_run:
        yield from _carried(result)
    if not dry_run:
        yield (
            f"Stages stay on {result.target}; `kafkalert failover --to {result.source}` moves them back, when you like."
        )


def _carried(result: "Reconciliation") -> Iterator[str]:
    from kafkalert.ops.wording import counted  # noqa: PLC0415 - not for --help

    ways = {way: sum(topic.carried for topic in result.topics if topic.source == way[0]) for way in _ways(result)}
    carried = " and ".join(f"{counted(count, 'record')} from {way[0]} to {way[1]}" for way, count in ways.items())
    yield (f"Carried {carried or 'nothing'} in {result.seconds:.1f} s. The mirror runs both ways.")
    if result.put:
        yield f"Wrote {counted(result.put, 'row')} of tables once more, so that both clusters end with the newest."
    if result.vanished:
        gone = counted(result.vanished, "record")
        yield f"Not carried, because they expired or a later row took their place: {gone}."
    yield from result.problems


@contextmanager
def _progress(title: str) -> Iterator[Callable[[str], None]]:
    """Show a line that goes on on a terminal; a line for each step elsewhere."""
    from kafkalert.views.screen import Screen  # noqa: PLC0415 - Rich, not for --help

    console = Screen(stderr=True)
    if not console.is_terminal:
        invocation.say(f"{title} ...")
        yield lambda _: None
        return
    with console.status(title, spinner="line") as status:
        yield lambda text: status.update(f"{title}: {text}")


def _write(result: "Reconciliation", form: Format) -> None:
    """One object for programs; people have seen it."""
    topics = [topic for topic in result.topics if topic.is_stranded]
    if not emit_object(result, form) and (topics or form is Format.TSV):
        emit(topics, form, columns=COLUMNS)
