"""`kafkalert seed`: fills a compacted topic from a file."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kafkalert.commands import invocation
from kafkalert.commands.confirm import ConfirmOption, YesOption, approve
from kafkalert.commands.output import Format, OutputOption, emit
from kafkalert.errors import ExitCode
from kafkalert.ops.wording import counted

if TYPE_CHECKING:
    from kafkalert.ops.seed.job import Request
    from kafkalert.ops.seed.kinds import BadLines

app = typer.Typer()
FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="NDJSON, .gz too; - is standard input.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Write nothing if any line is bad.")]
PruneOption = Annotated[bool, typer.Option("--prune", help="Delete the rows that FILE lacks, by tombstones.")]
COLUMNS = ("topic", "cluster", "rows", "acknowledged", "pruned", "bad_lines", "failed", "seconds", "rows_per_second")
SPARE = ("rows_per_second", "seconds", "cluster", "pruned")


@app.callback()
def seed() -> None:
    """Fill a compacted topic from a file.

    Each line is {"key": {...}, "value": {...}}; a value of null deletes the key's row. Where a key comes twice, the
    later line counts. A bad line is told with its number, the rest goes in, and the exit status is 1.
    """


@app.command()
def authorisations(
    ctx: typer.Context,
    file: FileArgument,
    *,
    strict: StrictOption = False,
    prune: PruneOption = False,
    yes: YesOption = False,
    confirm: ConfirmOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Say which customers may see which account.

    Fills accounttocustomerids.

    Example: kafkalert seed authorisations authorisations.ndjson.gz --strict
    """
    from kafkalert.ops.seed.job import Request  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.ops.seed.kinds import AUTHORISATIONS  # noqa: PLC0415 - as above

    _seed(ctx, Request(AUTHORISATIONS, file, strict=strict, prune=prune), yes=yes, confirm=confirm, output=output)


@app.command()
def settings(
    ctx: typer.Context,
    file: FileArgument,
    *,
    strict: StrictOption = False,
    prune: PruneOption = False,
    yes: YesOption = False,
    confirm: ConfirmOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Say which alerts each customer wants, and where to.

    Fills customeralertsettings.

    Example: kafkalert seed settings settings.ndjson --prune
    """
    from kafkalert.ops.seed.job import Request  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.ops.seed.kinds import SETTINGS  # noqa: PLC0415 - as above

    _seed(ctx, Request(SETTINGS, file, strict=strict, prune=prune), yes=yes, confirm=confirm, output=output)


def _seed(
    ctx: typer.Context,
    request: "Request",
    *,
    yes: bool,
    confirm: str | None,
    output: Format,
) -> None:
    """Seed, and tell how it went."""
    from kafkalert.engine.clock import SystemClock  # noqa: PLC0415 - not for --help
    from kafkalert.engine.stopping import Stopping  # noqa: PLC0415 - as above
    from kafkalert.ops.active import with_active_first  # noqa: PLC0415 - as above
    from kafkalert.ops.seed.job import Audience, acknowledged, seed  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.views.seed_progress import progress  # noqa: PLC0415 - Rich, not for --help

    stopping = Stopping(SystemClock())
    writing = False

    def ask(changes: Sequence[str]) -> None:
        nonlocal writing
        approve(ctx, changes, yes=yes, confirm=confirm)
        writing = True
        stopping.on_signals()

    try:
        summary = seed(with_active_first(invocation.settings(ctx)), request, Audience(ask, progress, tell), stopping)
    except KeyboardInterrupt:
        if not writing:
            invocation.say("Interrupted; nothing was written.")
        raise
    emit([summary], output, columns=COLUMNS, spare=SPARE)
    if summary.interrupted:
        pruned = f", {summary.pruned} deleted" if request.prune else ""
        invocation.say(f"Interrupted; {acknowledged(summary.acknowledged, summary.rows)}{pruned}.")
        if summary.unknown:
            rows = f"{counted(summary.unknown, 'row')} {'was' if summary.unknown == 1 else 'were'}"
            invocation.say(f"{rows} never answered and may be in or not; seeding again does no harm.")
        raise typer.Exit(ExitCode.INTERRUPTED)
    if summary.bad_lines and request.strict:
        invocation.say("Nothing was written, as --strict asks.")
    if summary.bad_lines or summary.failed:
        raise typer.Exit(ExitCode.FAILED)


def tell(name: str, bad: "BadLines") -> None:
    """List the first bad lines of the file `name`, and how many there are besides."""
    for line in bad.first:
        invocation.say(f"{name}:{line.number}: {line.reason}")
    if (more := bad.count - len(bad.first)) > 0:
        invocation.say(f"{name}: and {counted(more, 'more bad line')}")
