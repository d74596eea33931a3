"""`kafkalert failover drill`: there and back, with canaries."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kafkalert.commands import complete, invocation
from kafkalert.commands.confirm import ConfirmOption, YesOption, approve
from kafkalert.commands.output import Format, OutputOption, emit, emit_object
from kafkalert.commands.seconds import seconds
from kafkalert.commands.signals import end_like_ctrl_c
from kafkalert.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from kafkalert.ops.failover.drill.verdict import Report

TIMEOUT = 30.0
COLUMNS = (
    "from",
    "to",
    "outcome",
    "s",
    "pause s",
    "gap s",
    "sent",
    "lost",
    "repeated",
    "one-sided",
    "p50 ms",
    "max ms",
)
SPARE = ("max ms", "p50 ms", "s", "sent", "gap s")


def drill(
    ctx: typer.Context,
    *,
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="NAME", help="Where to [default: the passive one].", autocompletion=complete.clusters
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option("--timeout", metavar="DURATION", parser=seconds(1, 600), help="Call a switch off after so long."),
    ] = TIMEOUT,
    reason: Annotated[
        str | None,
        typer.Option("--reason", metavar="TEXT", help="Why; kept in the control log. No personal data."),
    ] = None,
    yes: YesOption = False,
    confirm: ConfirmOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Switch there and back, and prove that nothing is lost.

    Canaries prove it, and that nothing is repeated: entries of an account that no customer has, whose alerts go to the
    address under [drill]. They are written before, while and after stages move, and each has to be alerted exactly
    once and to come to both clusters. Exit status 3 where the verdict is not OK. If a step fails, it says where stages
    are.

    Example: kafkalert failover drill --reason "monthly drill"
    """
    settings = invocation.settings(ctx)
    there = settings.context.clusters
    if len(there) == 1:
        raise UsageError(
            f"Context {settings.context.name} has one cluster, {there[0]}; there is nowhere to move to.",
            hint="Name both under clusters of the context.",
        )
    if to is not None and to not in there:
        raise UsageError(f"There is no cluster {to} in this context.", hint=f"It has {', '.join(there)}.")
    from kafkalert.ops.failover.drill.drilling import drill as run  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.ops.failover.drill.order import DrillAudience, DrillOrder  # noqa: PLC0415 - as above
    from kafkalert.ops.failover.switch.order import operator  # noqa: PLC0415 - as above
    from kafkalert.views.failover_progress import view  # noqa: PLC0415 - as above
    from kafkalert.views.failover_survey import show  # noqa: PLC0415 - Rich, not for --help

    def ask(changes: Sequence[str]) -> None:
        approve(ctx, changes, yes=yes, confirm=confirm)
        end_like_ctrl_c()  # a terminal that is closed leaves nothing on the other cluster

    audience = DrillAudience(lambda found: show(found, on_stderr=True), ask, view, invocation.say)
    report = run(settings, DrillOrder(to, timeout, reason or "", operator(settings)), audience)
    write(report, output)
    for sentence in report_words(report):
        invocation.say(sentence)
    if report.interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)
    if report.unknown:
        raise typer.Exit(ExitCode.UNKNOWN)
    if report.problems:
        raise typer.Exit(ExitCode.DRIFT)


def report_words(report: "Report") -> Iterator[str]:
    """Yield the verdict, what is wrong, and where stages run."""
    yield f"The drill is {report.verdict}, after {report.seconds:.1f} s. Stages run on {report.active}."
    yield from report.problems


def write(report: "Report", form: Format) -> None:
    """Print the report on stdout: one object for programs, a row a leg for people."""
    if emit_object(report, form):
        return
    rows = [
        (
            leg.source,
            leg.target,
            leg.outcome,
            leg.seconds,
            leg.pause,
            leg.canaries.gap_seconds,
            leg.canaries.sent,
            leg.canaries.lost,
            leg.canaries.repeated,
            leg.canaries.one_sided,
            leg.canaries.p50_ms,
            leg.canaries.max_ms,
        )
        for leg in report.legs
    ]
    emit(
        [dict(zip(COLUMNS, row, strict=True)) for row in rows],
        form,
        columns=COLUMNS,
        spare=SPARE,
        empty="Nothing was moved.",
    )
