"""`kafkalert failover repair`: what the control logs hold, what is passed over, and mending what holds things up."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kafkalert.commands import invocation
from kafkalert.commands.confirm import ConfirmOption, YesOption, approve
from kafkalert.commands.output import Format, OutputOption, emit, emit_object
from kafkalert.errors import ExitCode, UsageError
from kafkalert.ops.wording import counted

if TYPE_CHECKING:
    from kafkalert.ops.failover.switch.repair import Repair


def repair(
    ctx: typer.Context,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show it, and change nothing; exit status 3 if there is anything to mend.")
    ] = False,
    yes: YesOption = False,
    confirm: ConfirmOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Show what both control logs hold, and mend what is wrong.

    What is wrong is what keeps stages or switches from going on. A record that no switch can have written is passed
    over by every instance: one that names a cluster which this context does not have, or an epoch far above the
    others, one that is too large, or no event at all. They are listed with the reason. What a log lacks is written to
    it. Where the logs have lost the epoch in which an instance works, so that it holds, they come to say a higher one.
    Stages are not moved by it.

    Example: kafkalert failover repair --dry-run
    """
    settings = invocation.settings(ctx)
    if len(settings.context.clusters) == 1:
        raise UsageError(
            f"Context {settings.context.name} has one cluster, and no control log.",
            hint="Name both clusters under `clusters` of the context.",
        )
    from kafkalert.ops.failover.switch.order import operator  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.ops.failover.switch.repair import repair as run  # noqa: PLC0415 - as above

    def ask(changes: Sequence[str]) -> None:
        approve(ctx, changes, yes=yes, confirm=confirm)

    result = run(settings, _show, ask, by=operator(settings), dry_run=dry_run)
    if not emit_object(result, output):
        emit(result.logs, output)
    if result.mended:
        invocation.say("Mended.")
    elif not result.mends and not result.unread:
        invocation.say("There is nothing to mend.")
    if result.unread:
        raise typer.Exit(ExitCode.UNREACHABLE)
    if result.mends and not result.mended:
        raise typer.Exit(ExitCode.DRIFT)


def _show(found: "Repair") -> None:
    """Show what is passed over and what is to be known, for people, before they are asked."""
    invocation.say(
        f"Stages run on {found.active}, in epoch {found.epoch}. The next switch has epoch {found.next_epoch}."
    )
    for passed in found.passed_over:
        invocation.say(f"  passed over: control log of {passed.cluster}, offset {passed.offset}: {passed.why}")
    if found.odd_beats:
        invocation.say(f"  passed over: {counted(found.odd_beats, 'record')} of the status topics, no heartbeats.")
    for note in found.notes:
        invocation.say(note)
    if found.mends:
        invocation.say("To mend:")
        for mend in found.mends:
            invocation.say(f"  {mend}")
