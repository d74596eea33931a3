"""`kafkalert mirror`: the flows between the two clusters of a context."""

from typing import TYPE_CHECKING, Annotated

import typer

from kafkalert.commands import complete, invocation
from kafkalert.commands.confirm import ConfirmOption, YesOption, approve
from kafkalert.commands.output import Format, OutputOption, emit
from kafkalert.commands.seconds import seconds
from kafkalert.commands.unmask import allowed
from kafkalert.errors import ExitCode, KafkalertError, OutcomeUnknownError
from kafkalert.views.terminal import write
from kafkalert.views.values import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kafkalert.config.loading.load import Loaded
    from kafkalert.ops.mirror.comparing import Comparison
    from kafkalert.ops.mirror.rendering import Rendered
    from kafkalert.ops.mirror.status import FlowStatus

app = typer.Typer()
IntoOption = Annotated[
    str | None,
    typer.Option(
        "--into",
        metavar="NAME",
        help="Only the flow into this cluster [default: both].",
        autocompletion=complete.clusters,
    ),
]
COLUMNS = ("flow", "state", "lag", "age", "detail")
TOPIC_COLUMNS = ("flow", "topic", "lag", "age")


@app.callback()
def mirror() -> None:
    """The flows between the two clusters: their connectors, state and lag."""  # noqa: D401 - help


@app.command()
def config(
    ctx: typer.Context,
    *,
    into: IntoOption = None,
    worker: Annotated[bool, typer.Option("--worker", help="Only the workers' properties.")] = False,
    connector: Annotated[bool, typer.Option("--connector", help="Only the connectors.")] = False,
    unmask: Annotated[
        bool,
        typer.Option("--unmask", help="Write secrets out; needs the context's permission unmask and is logged."),
    ] = False,
    output: OutputOption = Format.TABLE,
) -> None:
    """Print what Kafka Connect is given.

    That is the workers' properties, and the connectors as POST /connectors takes them.

    A secret is written as a reference that the worker resolves: ${env:NAME}, ${directory:FOLDER:FILE}.

    Example: kafkalert mirror config --into dc2 --worker > worker.properties
    """
    from kafkalert.ops.mirror.rendering import remarks, render  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.ops.mirror.selection import chosen  # noqa: PLC0415 - as above

    loaded = _loaded(ctx)
    both = worker == connector
    found = render(
        loaded.settings,
        chosen(loaded.settings, into),
        loaded.reference,
        worker=worker or both,
        connector=connector or both,
        plain=allowed(ctx, unmask=unmask, what="Secrets are"),
    )
    for sentence in remarks(loaded.settings, loaded.reference):
        invocation.say(sentence)
    if output is Format.TABLE:
        _print(found)
    else:
        emit(found, output)


@app.command()
def apply(
    ctx: typer.Context,
    *,
    into: IntoOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Let flows go on that were stopped or paused.")] = False,
    yes: YesOption = False,
    confirm: ConfirmOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Create and correct the connectors, and wait until they run.

    A flow that was stopped or paused stays so without --resume; exit status 3 then. After a forced failover the flow
    out of the lost cluster is stopped on purpose: `failover reconcile` lets it go on, --resume is refused with 5.
    Workers tell late what became of an order; what they have not told within 30 s is not known, and exit status 6.

    Example: kafkalert mirror apply --yes
    """
    from kafkalert.ops.active import check_not_given_up  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.ops.mirror import applying  # noqa: PLC0415 - as above
    from kafkalert.ops.mirror.comparing import changes  # noqa: PLC0415 - as above
    from kafkalert.ops.mirror.rendering import remarks  # noqa: PLC0415 - as above
    from kafkalert.ops.mirror.selection import chosen  # noqa: PLC0415 - as above

    loaded = _loaded(ctx)
    settings = loaded.settings
    flows = chosen(settings, into)
    found = applying.survey(settings, flows, loaded.reference)
    for sentence in remarks(settings, loaded.reference):
        invocation.say(sentence)
    if resume:
        check_not_given_up(settings, [comparison.flow for comparison in found if comparison.held])
    if to_do := changes(found, resume=resume):
        approve(ctx, to_do, yes=yes, confirm=confirm)
        found = applying.apply(settings, found, loaded.reference, resume=resume)
    elif any(comparison.condition == "starting" for comparison in found):
        found = applying.apply(settings, found, loaded.reference)  # nothing but the wait until they run
    elif all(comparison.is_fine for comparison in found):
        invocation.say("All flows are in order; there is nothing to change.")
    emit([_applied(comparison) for comparison in found], output, columns=("flow", "state", "detail"))
    _verdict(found)


@app.command()
def status(
    ctx: typer.Context,
    *,
    into: IntoOption = None,
    topics: Annotated[bool, typer.Option("--topics", help="The lag of each topic too.")] = False,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout", metavar="DURATION", parser=seconds(1), help="How long it may take; longer reads more."
        ),
    ] = 8,
    output: OutputOption = Format.TABLE,
) -> None:
    """Show whether the flows run, and how far they are behind.

    The lag counts the records that must cross and have not; its age is that of the oldest of them. Exit status 3 if
    a flow does not run, or records expired before they crossed; 4 if a worker or a cluster does not answer; 5 if a
    right is missing.

    Example: kafkalert mirror status --topics
    """
    from kafkalert.ops.mirror.selection import chosen  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.ops.mirror.status import check_allowed  # noqa: PLC0415 - as above
    from kafkalert.ops.mirror.status import status as ask  # noqa: PLC0415 - as above

    settings = invocation.settings(ctx)
    found = ask(settings, chosen(settings, into), topics=topics, seconds=timeout)
    if output is Format.TABLE:
        emit([_row(flow) for flow in found], output, columns=COLUMNS)
        if topics:
            rows = [row for flow in found for row in _topic_rows(flow)]
            emit(rows, output, columns=TOPIC_COLUMNS, empty="No lag of a topic is known.")
    elif output is Format.TSV:
        emit([row for flow in found for row in (_topic_rows(flow) if topics else [_row(flow)])], output)
    else:
        emit(found, output)
    check_allowed(found)
    if not all(flow.known for flow in found):
        raise typer.Exit(ExitCode.UNREACHABLE)
    if any(flow.state != "running" or flow.expired for flow in found):
        raise typer.Exit(ExitCode.DRIFT)


def _loaded(ctx: typer.Context) -> "Loaded":
    """Return the configuration and where its values were read, which `invocation.settings` does not keep."""
    from kafkalert.config.loading.load import read  # noqa: PLC0415 - pydantic, not for --help

    run = invocation.of(ctx)
    loaded = read(run.config, run.context, read_only=run.read_only)
    for note in loaded.notes:
        invocation.say(note)
    run.loaded = loaded.settings
    return loaded


def _print(found: "Sequence[Rendered]") -> None:
    """Files as they are used: properties with a heading each, connectors as JSON."""
    from kafkalert.commands.output import to_json  # noqa: PLC0415 - only here

    for rendered in found:
        if rendered.worker is not None:
            heading = f"# Kafka Connect beside {rendered.target}, which hosts the flow out of {rendered.source}.\n"
            write(heading + rendered.worker_text())
        if rendered.connector is not None:
            write(to_json({"name": rendered.name, "config": rendered.connector}, indent=2) + "\n")


def _flow(source: str, target: str) -> str:
    return f"{source} -> {target}"


def _applied(comparison: "Comparison") -> dict[str, object]:
    differences = [difference.key for difference in comparison.differences]
    return {
        "flow": _flow(comparison.flow.source, comparison.flow.target),
        "source": comparison.flow.source,
        "target": comparison.flow.target,
        "connector": comparison.flow.connector,
        "state": comparison.condition,
        "detail": comparison.reason or ", ".join(differences),
        "differences": comparison.differences,
    }


def _verdict(found: "Sequence[Comparison]") -> None:
    """End with 1 where a flow does not run though it should, 6 where that is not known, 3 where somebody holds it."""
    from kafkalert.ops.mirror.condition import mend  # noqa: PLC0415 - Kafka's library, not for --help

    for comparison in found:
        if comparison.held:
            invocation.say(
                f"{comparison.flow.connector} is {comparison.condition}; --resume lets it go on, or "
                "`failover reconcile` where a forced switch has stopped it."
            )
        elif not comparison.is_fine:
            log = f"See the log of the Connect worker beside {comparison.flow.target}."
            if not comparison.told:
                raise OutcomeUnknownError(
                    f"Whether {comparison.flow.connector} runs is not known: {comparison.reason}.",
                    hint=f"`kafkalert mirror status` shows it later. {log}",
                )
            why = f": {comparison.reason}" if comparison.reason else f"; it is {comparison.condition}"
            raise KafkalertError(
                f"{comparison.flow.connector} does not run{why}.",
                hint=mend(comparison.flow, comparison.condition, comparison.reason) or log,
            )
    if not all(comparison.is_fine for comparison in found):
        raise typer.Exit(ExitCode.DRIFT)


def _row(flow: "FlowStatus") -> dict[str, object]:
    from kafkalert.ops.mirror.expired import words  # noqa: PLC0415 - Kafka's library, not for --help

    gone = words(flow.expired, flow.source)
    if flow.expired_reason:
        unknown = f"whether records expired before they crossed is not known: {flow.expired_reason}"
        gone = "; ".join(filter(None, (gone, unknown)))
    idle = "all has crossed" if flow.lag_records == 0 and flow.lag_complete and not gone else ""
    since = f"what expired is known since {flow.expired_since:%Y-%m-%d %H:%M} UTC" if flow.expired_since else ""
    return {
        "flow": _flow(flow.source, flow.target),
        "state": flow.state,
        "lag": _lag(flow.lag_records, complete=flow.lag_complete),
        "age": _age(flow.lag_records, flow.lag_seconds),
        "detail": "; ".join(filter(None, (gone, flow.reason, flow.hint.rstrip("."), flow.lag_reason or idle, since))),
    }


def _topic_rows(flow: "FlowStatus") -> "list[dict[str, object]]":
    return [
        {
            "flow": _flow(flow.source, flow.target),
            "topic": each.topic,
            "lag": _lag(each.records, complete=each.complete),
            "age": _age(each.records, each.seconds),
        }
        for each in flow.topics
    ]


def _lag(records: int | None, *, complete: bool) -> str:
    return "?" if records is None else f"{'' if complete or not records else 'at least '}{printable(records)}"


def _age(records: int | None, seconds: float | None) -> str:
    """How old the oldest record is that has yet to cross, as people read it."""
    from datetime import timedelta  # noqa: PLC0415 - not for --help

    from kafkalert.config.durations import format_duration  # noqa: PLC0415 - as above

    if not records or seconds is None:
        return ""
    return format_duration(
        timedelta(seconds=round(seconds)) if seconds >= 1 else timedelta(milliseconds=seconds * 1000 // 1)
    )
