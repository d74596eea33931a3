"""`kafkalert run`: the stages of the pipeline."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from kafkalert.commands import invocation
from kafkalert.commands.seconds import seconds
from kafkalert.errors import ExitCode, KafkalertError, RefusedError, UsageError
from kafkalert.ops.wording import counted

if TYPE_CHECKING:
    from kafkalert.config.sections import Settings

app = typer.Typer()

UntilEndOption = Annotated[bool, typer.Option("--until-end", help="Process what is there now, then exit.")]
PortOption = Annotated[
    int | None, typer.Option("--http-port", min=1, max=65535, help="Serve /metrics, /healthz and /readyz here.")
]
HostOption = Annotated[
    str,
    typer.Option(
        "--http-host", metavar="ADDRESS", help="The address for --http-port; in a container 0.0.0.0, or the pod's own."
    ),
]
_LOOPBACK = "127.0.0.1"
WaitOption = Annotated[
    float | None,
    typer.Option(
        "--wait", metavar="DURATION", parser=seconds(0), help="How long the cluster may be away [default: for ever]."
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, max=256, help="Start this many processes and keep them alive; ports count up by one."
    ),
]
ModeOption = Annotated[
    str | None, typer.Option("--mode", metavar="one-hop|two-hop", help="Instead of the configuration's engine.mode.")
]
_BAD_SHOWN = 20


@app.callback()
def run() -> None:
    """Run a stage of the pipeline until it is stopped.

    SIGTERM or ctrl-c stops it in order: what was read is delivered and committed, then it ends with status 0.
    A second one ends it at once; nothing is lost then either, it is processed again at the next start.

    Example: kafkalert run alerting --workers 2 --http-port 9100
    """


@app.command()
def alerting(
    ctx: typer.Context,
    *,
    until_end: UntilEndOption = False,
    workers: WorkersOption = None,
    http_port: PortOption = None,
    http_host: HostOption = _LOOPBACK,
    wait: WaitOption = None,
    mode: ModeOption = None,
) -> None:
    """Turn bookings into alerts.

    Example: kafkalert run alerting --until-end
    """
    settings = _writing(ctx)
    _greet(settings, "alerting")
    if workers is not None:
        given = ["--until-end"] if until_end else []
        given += [] if wait is None else ["--wait", str(wait)]
        given += [] if mode is None else ["--mode", mode]
        _supervise(ctx, workers, http_port, ["alerting", "--http-host", http_host, *given])
        return
    from kafkalert.engine.runner import RunOptions  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.stages import alerting as stage  # noqa: PLC0415 - as above

    if mode is not None:
        settings = _with_mode(settings, mode)
    with _as_worker():
        ran = stage.run(
            settings, RunOptions(until_end=until_end, http_port=http_port, http_host=http_host, patience=wait)
        )
    if until_end:
        invocation.say(f"{counted(ran.entries, 'entry')} read, {counted(ran.alerts, 'alert')} sent.")


@app.command()
def bridge(
    ctx: typer.Context,
    *,
    source: Annotated[str, typer.Option("--from", metavar="FILE", help="NDJSON, .gz too; - is standard input.")],
    follow: Annotated[bool, typer.Option("--follow", help="Keep reading as the file grows.")] = False,
    rate: Annotated[
        float | None, typer.Option("--rate", min=0.001, metavar="N", help="Entries a second [default: all at once].")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Send nothing if any line is bad.")] = False,
    http_port: PortOption = None,
    http_host: HostOption = _LOOPBACK,
    wait: WaitOption = None,
) -> None:
    """Bring bookings in from a file.

    Ends when the broker has acknowledged every one.

    Example: kafkalert run bridge --from entries.ndjson.gz --rate 100
    """
    settings = _writing(ctx)
    if strict and follow:
        raise UsageError("--strict reads all of the file before it sends anything.", hint="Leave out --follow.")
    from kafkalert.edges.source import BadLine  # noqa: PLC0415 - not for --help
    from kafkalert.stages import bridge as stage  # noqa: PLC0415 - Kafka's library, not for --help

    shown = 0

    def on_bad(line: BadLine) -> None:
        nonlocal shown
        shown += 1
        if shown <= _BAD_SHOWN:
            invocation.say(f"Line {line.number}: {line.reason}")

    if follow:
        _greet(settings, "bridge")
    options = stage.BridgeOptions(
        source, follow=follow, rate=rate, strict=strict, patience=wait, http_port=http_port, http_host=http_host
    )
    done = stage.run(settings, options, on_bad)
    if done.bad > _BAD_SHOWN:
        invocation.say(f"... and {counted(done.bad - _BAD_SHOWN, 'more bad line')}.")
    bad = f"; {counted(done.bad, 'bad line')}" if done.bad else ""
    invocation.say(f"{counted(done.acknowledged, 'entry')} sent and acknowledged{bad}.")
    if done.stopped and not follow:
        invocation.say(f"Stopped before the end of {source}; what follows was not sent.")
    if done.bad:
        raise typer.Exit(ExitCode.FAILED)


@app.command("all")
def everything(
    ctx: typer.Context,
    *,
    until_end: UntilEndOption = False,
    workers: WorkersOption = None,
    http_port: PortOption = None,
    http_host: HostOption = _LOOPBACK,
    wait: WaitOption = None,
    mode: ModeOption = None,
) -> None:
    """Run every stage that needs no file: today that is alerting.

    Example: kafkalert run all --workers 2
    """
    alerting(ctx, until_end=until_end, workers=workers, http_port=http_port, http_host=http_host, wait=wait, mode=mode)


def _writing(ctx: typer.Context) -> "Settings":
    """The configuration, and the logging of a stage; refuses where nothing may be written."""
    settings = invocation.settings(ctx)
    if settings.context.read_only:
        raise RefusedError(
            f"Context {settings.context.name} is read-only, and a stage writes.",
            hint="Leave --read-only out, or take read_only out of the context.",
        )
    from kafkalert.engine.logs import start  # noqa: PLC0415 - not for --help

    start(verbose=invocation.of(ctx).verbosity)
    return settings


def _greet(settings: "Settings", stage: str) -> None:
    """Tell somebody at a terminal what runs now: a stage that is well says nothing more."""
    from kafkalert.engine.stopping import PARENT  # noqa: PLC0415 - not for --help

    if sys.stderr.isatty() and PARENT not in os.environ:
        where = f"context {settings.context.name} ({', '.join(settings.context.clusters)})"
        invocation.say(f"Running {stage} in {where}. Ctrl-c stops it in order.")


def _with_mode(settings: "Settings", mode: str) -> "Settings":
    if mode not in ("one-hop", "two-hop"):
        raise UsageError(f"--mode is one-hop or two-hop, not {mode}.")
    engine = settings.engine.model_copy(update={"mode": mode})
    return settings.model_copy(update={"engine": engine})


@contextmanager
def _as_worker() -> Iterator[None]:
    """Where a supervisor started this process, tell it apart from a crash that the stage ended for a stated reason."""
    from kafkalert.engine.stopping import HOPELESS, PARENT  # noqa: PLC0415 - not for --help

    try:
        yield
    except KafkalertError as error:
        if PARENT not in os.environ or error.exit_code is not ExitCode.FAILED:
            raise
        invocation.report(str(error), error.hint)
        raise typer.Exit(HOPELESS) from None


def _supervise(ctx: typer.Context, workers: int, http_port: int | None, arguments: list[str]) -> None:
    """Run `kafkalert run ARGUMENTS` in `workers` processes, and keep them alive."""
    from kafkalert.engine.clock import SystemClock  # noqa: PLC0415 - not for --help
    from kafkalert.engine.stopping import Stopping  # noqa: PLC0415 - as above
    from kafkalert.engine.supervisor import LAST_OF_ALL_SECONDS, Supervisor  # noqa: PLC0415 - as above

    common = invocation.of(ctx).arguments()

    def command(index: int) -> list[str]:
        port = [] if http_port is None else ["--http-port", str(http_port + index)]
        return [sys.executable, "-P", "-m", "kafkalert", *common, "run", *arguments, *port]

    clock = SystemClock()
    stopping = Stopping(clock)
    stopping.on_signals(within=LAST_OF_ALL_SECONDS)
    Supervisor(command, workers, clock=clock, stopping=stopping).run()
