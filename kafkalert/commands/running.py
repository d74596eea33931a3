"""How `kafkalert run` runs a stage: here, or in workers that are kept alive."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import typer

from kafkalert.commands import invocation
from kafkalert.config.stages import installed
from kafkalert.errors import ExitCode, KafkalertError, RefusedError, RestartError
from kafkalert.ops.wording import counted

if TYPE_CHECKING:
    from kafkalert.config.sections import Settings


class Options(NamedTuple):
    """The options that all stages have which read topics; `wait` in seconds."""

    until_end: bool
    workers: int | None
    http_port: int | None
    http_host: str
    wait: float | None

    def arguments(self) -> list[str]:
        """Return what each worker is given of them."""
        given = ["--until-end"] if self.until_end else []
        given += [] if self.wait is None else ["--wait", str(self.wait)]
        return ["--http-host", self.http_host, *given]


def writing(ctx: typer.Context) -> "Settings":
    """Return the configuration, and the logging of a stage; refuses where nothing may be written."""
    settings = invocation.settings(ctx)
    if settings.context.read_only:
        raise RefusedError(
            f"Context {settings.context.name} is read-only, and a stage writes.",
            hint="Leave --read-only out, or take read_only out of the context.",
        )
    from kafkalert.engine.observe.logs import start  # noqa: PLC0415 - not for --help

    start(verbose=invocation.of(ctx).verbosity)
    return settings


def greet(settings: "Settings", stage: str) -> None:
    """Tell somebody at a terminal what runs now: a stage that is well says nothing more."""
    from kafkalert.engine.stopping import PARENT  # noqa: PLC0415 - not for --help

    if sys.stderr.isatty() and PARENT not in os.environ:
        where = f"context {settings.context.name} ({', '.join(settings.context.clusters)})"
        invocation.say(f"Running {stage} in {where}. Ctrl-c stops it in order.")


def run_stage(
    ctx: typer.Context,
    name: str,
    options: Options,
    more: Sequence[str] = (),
    change: Callable[["Settings"], "Settings"] = lambda settings: settings,
) -> None:
    """Run a stage here, by the settings that `change` returns, or in workers, which are given `more` arguments."""
    settings = writing(ctx)
    greet(settings, name)
    if options.workers is not None:
        supervise(ctx, [[name, *options.arguments(), *more]], options)
        return
    from kafkalert.engine.options import RunOptions  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.stages.running import run_reader  # noqa: PLC0415 - as above

    settings = change(settings)
    ran = RunOptions(
        until_end=options.until_end, http_port=options.http_port, http_host=options.http_host, patience=options.wait
    )
    with as_worker():
        metrics = run_reader(installed()[name], settings, ran)
    if options.until_end:
        sent = counted(metrics.alerts.total(), "alert")
        invocation.say(f"{counted(metrics.entries, 'entry')} read, {sent} sent.")


@contextmanager
def as_worker() -> Iterator[None]:
    """Where a supervisor started this process, tell it when the stage ended for a reason that no restart mends."""
    from kafkalert.engine.stopping import HOPELESS, PARENT  # noqa: PLC0415 - not for --help

    try:
        yield
    except KafkalertError as error:
        passes = isinstance(error, RestartError) or error.exit_code is not ExitCode.FAILED
        if PARENT not in os.environ or passes:
            raise
        invocation.report(str(error), error.hint)
        raise typer.Exit(HOPELESS) from None


def supervise(ctx: typer.Context, stages: Sequence[Sequence[str]], options: Options) -> None:
    """Run `kafkalert run ARGUMENTS` of each of `stages` in so many workers, and keep them alive."""
    from kafkalert.engine.clock import SystemClock  # noqa: PLC0415 - not for --help
    from kafkalert.engine.stopping import Stopping  # noqa: PLC0415 - as above
    from kafkalert.engine.supervisor import LAST_OF_ALL_SECONDS, Supervisor  # noqa: PLC0415 - as above

    # By its name: what the user chooses later, by `context use`, is not for a worker that is started anew.
    common = invocation.of(ctx).arguments(context=invocation.settings(ctx).context.name)

    def command(index: int) -> list[str]:
        port = [] if options.http_port is None else ["--http-port", str(options.http_port + index)]
        return [sys.executable, "-P", "-m", "kafkalert", *common, "run", *stages[index % len(stages)], *port]

    clock = SystemClock()
    stopping = Stopping(clock)
    stopping.on_signals(within=LAST_OF_ALL_SECONDS)
    count = len(stages) * (options.workers or 1)
    Supervisor(command, count, until_end=options.until_end, clock=clock, stopping=stopping).run()
