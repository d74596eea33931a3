"""`kafkalert failover`: where stages run, and moving them to the other cluster."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from kafkalert.commands import complete, invocation
from kafkalert.commands.confirm import ConfirmOption, YesOption, approve
from kafkalert.commands.failover_drill import drill
from kafkalert.commands.failover_reconcile import reconcile
from kafkalert.commands.failover_repair import repair
from kafkalert.commands.output import Format, OutputOption, emit, emit_object, record
from kafkalert.commands.seconds import seconds
from kafkalert.commands.signals import end_like_ctrl_c
from kafkalert.commands.verdict_status import end_by_verdict
from kafkalert.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from kafkalert.config.sections import Settings
    from kafkalert.ops.failover.result import Result
    from kafkalert.ops.failover.status.picture import Survey
    from kafkalert.ops.failover.switch.order import Order

app = typer.Typer()
TIMEOUT = 30.0
OVERLAP = 80.0  # rewind.OVERLAP_SECONDS says why
HISTORY_COLUMNS = ("epoch", "at", "mode", "source", "target", "outcome", "by", "seconds", "lost", "reason", "note")
HISTORY_SPARE = ("note", "reason", "by", "mode", "seconds")
ReasonOption = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the control log. No personal data.")
]


@app.callback(invoke_without_command=True)
def failover(
    ctx: typer.Context,
    *,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="NAME", help="Move all stages to this cluster.", autocompletion=complete.clusters),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Make all checks, and change nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Move although the other cluster does not answer; see --accept-loss.")
    ] = False,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="With --force: what did not cross in time may be lost.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            metavar="DURATION",
            parser=seconds(1, 600),
            help=f"Call it off after so long: 30, 30s, 2m [default: {TIMEOUT:.0f}s].",
        ),
    ] = None,
    overlap: Annotated[
        float | None,
        typer.Option(
            "--overlap",
            metavar="DURATION",
            parser=seconds(0, 86_400),
            help=f"With --force: do so much more again than seems needed [default: {OVERLAP:.0f}s].",
        ),
    ] = None,
    reason: ReasonOption = None,
    yes: YesOption = False,
    confirm: ConfirmOption = None,
    output: Annotated[
        Format | None,
        typer.Option("--output", "-o", help="How data is written [default: table].", case_sensitive=False),
    ] = None,
) -> None:
    """See where stages run, and move them to the other cluster, without a restart.

    Without --to it shows cluster, instances, mirror and lag; exit status 3 if anything is not as it should be, 4 if a
    cluster does not answer. With --to it shows them, asks, and moves every stage:
    nothing is lost and nothing done twice, or it is called off and everything goes on where it was. Only what an
    instance that died had not committed, about a second, is processed again, with the same ids. Where the cluster
    in use is dead, only --force --accept-loss moves; what may be lost is shown before it asks. Mind that a side that
    is merely cut off goes on by itself until it is reached or stopped: two sites hold no quorum.

    Example: kafkalert failover --to dc2 --reason "maintenance of dc1"
    """
    given = {
        "--to": to is not None,
        "--dry-run": dry_run,
        "--force": force,
        "--accept-loss": accept_loss,
        "--timeout": timeout is not None,
        "--overlap": overlap is not None,
        "--reason": reason is not None,
        "--yes": yes,
        "--confirm": confirm is not None,
        "--output": output is not None,
    }
    if ctx.invoked_subcommand is not None:
        _check_before_subcommand(ctx.invoked_subcommand, given)
        return
    _check_together(given)
    settings = invocation.settings(ctx)
    form = output or Format.TABLE
    if to is None:
        _show(settings, form)
        return
    _check_target(settings, to)
    from kafkalert.ops.failover.switch.order import Order, operator  # noqa: PLC0415 - Kafka's library, not for --help

    order = Order(
        to,
        timeout or TIMEOUT,
        reason or "",
        operator(settings),
        forced=force,
        dry_run=dry_run,
        overlap=OVERLAP if overlap is None else overlap,
    )

    def ask(changes: Sequence[str]) -> None:
        approve(ctx, changes, yes=yes, confirm=confirm)
        end_like_ctrl_c()

    _switch(settings, order, ask, form)


@app.command()
def history(ctx: typer.Context, output: OutputOption = Format.TABLE) -> None:
    """Show every switch: who, when, why, and what was lost.

    Example: kafkalert failover history -o json
    """
    from kafkalert.ops.failover.status.history import past  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.views.failover_survey import past_row  # noqa: PLC0415 - Rich, not for --help

    rows, notes = past(invocation.settings(ctx))
    for note in notes:
        invocation.say(note)
    shown = [past_row(row) for row in rows] if output is Format.TABLE else rows
    emit(shown, output, columns=HISTORY_COLUMNS, spare=HISTORY_SPARE, empty="There was no switch yet.")


@app.command()
def cancel(
    ctx: typer.Context,
    *,
    reason: ReasonOption = None,
    yes: YesOption = False,
    confirm: ConfirmOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Call off the planned switch that is under way.

    Exit status 1 if it was decided before.

    Example: kafkalert failover cancel --yes
    """
    from kafkalert.ops.failover.switch.cancel import call_off  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.ops.failover.switch.order import operator  # noqa: PLC0415 - as above

    def ask(changes: Sequence[str]) -> None:
        approve(ctx, changes, yes=yes, confirm=confirm)

    settings = invocation.settings(ctx)
    ended = call_off(settings, ask, by=operator(settings), reason=reason or "")
    if output is Format.TABLE:
        invocation.say(ended.sentence)
    else:
        _write(ended, output)
    if ended.outcome == "COMMIT":
        raise typer.Exit(ExitCode.FAILED)


app.command()(drill)
app.command()(reconcile)
app.command()(repair)


def _check_before_subcommand(subcommand: str, given: dict[str, bool]) -> None:
    """Refuse what stands before one of them: it would be dropped in silence. Raises UsageError."""
    for name, is_given in given.items():
        if is_given:
            raise UsageError(
                f"{name} stands before {subcommand}, to which it does not belong.",
                hint=f"See `kafkalert failover {subcommand} --help`; its own options come after it.",
            )


def _check_together(given: dict[str, bool]) -> None:
    """Whether the options make sense together. Raises UsageError."""
    if not given["--to"]:
        for name in (
            "--dry-run",
            "--force",
            "--accept-loss",
            "--timeout",
            "--overlap",
            "--reason",
            "--yes",
            "--confirm",
        ):
            if given[name]:
                raise UsageError(f"{name} needs --to.", hint="Name the cluster to move to: --to NAME.")
    if given["--force"] and not given["--accept-loss"]:
        raise UsageError(
            "--force may lose what did not cross, and needs --accept-loss.",
            hint="Look first with --force --accept-loss --dry-run, which changes nothing.",
        )
    if given["--accept-loss"] and not given["--force"]:
        raise UsageError("--accept-loss needs --force.", hint="A planned switch loses nothing; leave it out.")
    if given["--overlap"] and not given["--force"]:
        raise UsageError("--overlap needs --force.", hint="A planned switch repeats nothing; leave it out.")
    if given["--force"] and given["--timeout"]:
        raise UsageError("--timeout is for the planned switch.", hint="A forced one waits for nobody; leave it out.")


def _check_target(settings: "Settings", target: str) -> None:
    there = settings.context.clusters
    if len(there) == 1:
        raise UsageError(
            f"Context {settings.context.name} has one cluster, {there[0]}; there is nowhere to move to.",
            hint="Name both under clusters of the context.",
        )
    if target not in there:
        raise UsageError(f"There is no cluster {target} in this context.", hint=f"It has {', '.join(there)}.")


def _show(settings: "Settings", form: Format) -> None:
    """Show what is."""
    from kafkalert.ops.failover.status.survey import look  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.ops.overview.verdict import verdict  # noqa: PLC0415 - as above
    from kafkalert.views.failover_survey import show  # noqa: PLC0415 - Rich, not for --help

    found = look(settings)
    if form is Format.TABLE:
        show(found)
    elif form is Format.TSV:
        emit(found.instances, form)
    else:
        told = verdict(found)
        shown = replace(found, groups=found.groups or ())  # always a list; what is not known is a finding
        _write(record(shown) | {"level": told.level, "sentence": told.sentence}, form)
    end_by_verdict(found.verdict)


def _switch(settings: "Settings", order: "Order", ask: Callable[[Sequence[str]], None], form: Format) -> None:
    """Look, ask, move, tell."""
    from kafkalert.ops.failover.result import NotSwitchedError, Outcome  # noqa: PLC0415 - as below
    from kafkalert.ops.failover.switch.switching import Audience, switch  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.views.failover_progress import result_words, view  # noqa: PLC0415 - as above
    from kafkalert.views.failover_survey import show  # noqa: PLC0415 - Rich, not for --help

    warnings: list[str] = []

    def look(found: "Survey") -> None:
        show(found, on_stderr=True)
        warnings[:] = found.notes

    try:
        result = switch(settings, order, Audience(look, ask, view, invocation.say))
    except NotSwitchedError as error:
        _write_result(error.result, form)
        raise
    except KeyboardInterrupt:  # a switch that has begun takes it, calls itself off and says so
        invocation.say("Interrupted. `kafkalert failover` shows where stages run.")
        raise
    _write_result(result, form)
    if result.outcome is Outcome.ALREADY:
        invocation.say(f"Stages run on {result.active} already, epoch {result.epoch}; nothing was changed.")
        return
    for sentence in result_words(result, warnings):
        invocation.say(sentence)
    if result.interrupted:
        invocation.say("Interrupted, but the switch stands.")
        raise typer.Exit(ExitCode.INTERRUPTED)
    if result.outcome is Outcome.INCOMPLETE or result.problems:
        raise typer.Exit(ExitCode.FAILED)


def _write_result(result: "Result", form: Format) -> None:
    """Print a switch as programs read it; for people its last sentences say all."""
    if form is not Format.TABLE:
        _write(result, form)


def _write(value: object, form: Format) -> None:
    """One object on stdout."""
    if not emit_object(value, form):
        emit([value], form)
