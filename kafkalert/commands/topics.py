"""`kafkalert topics`: what exists against what should."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from kafkalert.commands import complete, invocation
from kafkalert.commands.confirm import ConfirmOption, YesOption, approve
from kafkalert.commands.output import Format, OutputOption, emit
from kafkalert.errors import ExitCode, UsageError
from kafkalert.views.terminal import write_all

if TYPE_CHECKING:
    from kafkalert.ops.rights import Right
    from kafkalert.ops.topics import Comparison

app = typer.Typer()
ClusterOption = Annotated[
    list[str] | None,
    typer.Option(
        "--cluster", metavar="NAME", help="Only this cluster [default: all].", autocompletion=complete.clusters
    ),
]
RIGHTS = ("who", "operations", "on", "without")
COLUMNS = ("cluster", "topic", "state", "detail")


@app.callback()
def topics() -> None:
    """Compare the pipeline's topics with what should be, and correct them."""


@app.command()
def plan(ctx: typer.Context, cluster: ClusterOption = None, output: OutputOption = Format.TABLE) -> None:
    """Show what is not as it should be.

    Exit status 3 if anything differs. Formats for programs have every topic.

    Example: kafkalert topics plan -o json
    """
    from kafkalert.ops.topic_admin import plan as compare_all  # noqa: PLC0415 - Kafka's library, not for --help

    found = compare_all(invocation.settings(ctx), _chosen(ctx, cluster))
    _show(found, output)
    _exit(found)


@app.command()
def apply(
    ctx: typer.Context,
    *,
    cluster: ClusterOption = None,
    yes: YesOption = False,
    confirm: ConfirmOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Create missing topics and correct their configurations.

    Deletes nothing, and adds no partition to a topic whose keys it would part (exit status 5). Exit status 3 if
    something is left that has to be mended by hand.

    Example: kafkalert topics apply --yes
    """
    from kafkalert.ops import topic_admin  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.ops.topics import State, changes, check_refusals  # noqa: PLC0415 - as above

    settings = invocation.settings(ctx)
    found = topic_admin.plan(settings, _chosen(ctx, cluster))
    if to_do := changes(found):
        approve(ctx, to_do, yes=yes, confirm=confirm)
        found = topic_admin.apply(settings, found)
    elif all(comparison.state is State.FINE for comparison in found):
        invocation.say("All topics are in order; there is nothing to change.")
    else:
        invocation.say("There is nothing that apply can correct.")
    _show(found, output)
    check_refusals(found)
    _exit(found)


@app.command()
def acls(
    ctx: typer.Context,
    who: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND]...", help="Of these only, such as 'run alerting'.")
    ] = None,
    *,
    principal: Annotated[
        str | None, typer.Option("--grant", metavar="PRINCIPAL", help="Print what grants them: User:NAME.")
    ] = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Show the rights that each command and stage needs on each cluster. Asks no cluster.

    With --grant, lines of Kafka's own tool instead of a table: those that this context needs. `kafkalert doctor --only
    permissions` tells which of these rights a cluster does not give.

    Example: kafkalert topics acls 'run alerting' --grant User:alerting
    """
    from kafkalert.ops import rights  # noqa: PLC0415 - not for --help

    settings = invocation.settings(ctx)
    for command in who or ():
        if command not in rights.WHO:
            raise UsageError(f"Nothing is called {command!r} here.", hint=f"There are: {', '.join(rights.WHO)}.")
    found = rights.rights(settings, who or rights.WHO)
    if principal is None:
        emit([_Row.of(right) for right in found] if output is Format.TABLE else found, output, columns=RIGHTS)
        return
    needed = [one for one in found if rights.applies(one, settings)]
    lines = [
        _Grant(name, line)
        for name in settings.context.clusters
        for line in rights.commands(needed, principal, settings.clusters[name].bootstrap)
    ]
    if output is Format.TABLE:  # to be given to a shell
        write_all(one.command for one in lines)
    else:
        emit(lines, output)


@dataclass(frozen=True, slots=True)
class _Row:
    """A right as a table shows it."""

    who: str
    operations: str
    on: str
    without: str

    @classmethod
    def of(cls, right: "Right") -> "_Row":
        names = right.label or ", ".join(right.on)
        on = "cluster" if right.kind == "cluster" else names if right.label else f"{right.kind} {names}"
        return cls(right.who, " ".join(right.operations), on, right.without)


@dataclass(frozen=True, slots=True)
class _Grant:
    """A line of Kafka's own tool, and the cluster that it is for."""

    cluster: str
    command: str


def _chosen(ctx: typer.Context, given: Sequence[str] | None) -> list[str]:
    """Return the clusters asked for, all of the context. Raises UsageError for another."""
    there = invocation.settings(ctx).context.clusters
    for name in given or ():
        if name not in there:
            raise UsageError(f"There is no cluster {name} in this context.", hint=f"It has {', '.join(there)}.")
    return list(dict.fromkeys(given or ()))


def _show(found: "Sequence[Comparison]", output: Format) -> None:
    """All topics for programs; for people those that are not in order, and a line that counts."""
    from kafkalert.ops.topics import summary  # noqa: PLC0415 - not for --help

    if output is not Format.TABLE:
        emit(found, output, columns=COLUMNS)
        return
    if differing := [comparison for comparison in found if comparison.differences]:
        emit(differing, output, columns=COLUMNS)
    invocation.say(summary(found))


def _exit(found: "Sequence[Comparison]") -> None:
    """End with 3 if anything is not as it should be."""
    if any(comparison.differences for comparison in found):
        raise typer.Exit(ExitCode.DRIFT)
