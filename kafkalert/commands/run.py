"""`kafkalert run`: the stages of the pipeline."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final

import typer

from kafkalert.commands import invocation
from kafkalert.commands.running import Options, greet, run_stage, supervise, writing
from kafkalert.commands.seconds import seconds
from kafkalert.config.stages import StageSpec, broken, installed, readers
from kafkalert.errors import ExitCode, UsageError
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
    options = Options(until_end, workers, http_port, http_host, wait)
    more = [] if mode is None else ["--mode", mode]
    run_stage(ctx, "alerting", options, more, lambda settings: _with_mode(settings, mode))


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
    settings = writing(ctx)
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
        greet(settings, "bridge")
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
    """Run every stage that needs no file.

    Each runs in as many processes as --workers says.

    Example: kafkalert run all --workers 2
    """
    names = tuple(readers())
    for name, why in broken().items():
        invocation.say(f"{_unusable(name, why)} The others run.")
    if not names:
        raise UsageError("No stage that reads topics is installed.", hint="Install kafkalert anew.")
    options = Options(until_end, workers, http_port, http_host, wait)
    more = {"alerting": [] if mode is None else ["--mode", mode]}
    if len(names) == 1:  # no supervisor where one process may do
        run_stage(ctx, names[0], options, more.get(names[0], []), lambda settings: _with_mode(settings, mode))
        return
    settings = writing(ctx)
    greet(settings, " and ".join(names))
    supervise(ctx, [[name, *options.arguments(), *more.get(name, [])] for name in names], options)


def _with_mode(settings: "Settings", mode: str | None) -> "Settings":
    if mode is None:
        return settings
    if mode not in ("one-hop", "two-hop"):
        raise UsageError(f"--mode is one-hop or two-hop, not {mode}.")
    engine = settings.engine.model_copy(update={"mode": mode})
    return settings.model_copy(update={"engine": engine})


def _usual(spec: StageSpec) -> Callable[..., None]:
    """Return the command of a stage that has the options of all stages, and no others."""

    def command(
        ctx: typer.Context,
        *,
        until_end: UntilEndOption = False,
        workers: WorkersOption = None,
        http_port: PortOption = None,
        http_host: HostOption = _LOOPBACK,
        wait: WaitOption = None,
    ) -> None:
        run_stage(ctx, spec.name, Options(until_end, workers, http_port, http_host, wait))

    command.__doc__ = f"{spec.summary}\n\nExample: kafkalert run {spec.name}"
    return command


def _unusable(name: str, why: str) -> UsageError:
    return UsageError(f"Stage {name} cannot be used: {why}.", hint="Mend or remove that package.")


def _refusing(name: str, why: str) -> Callable[[typer.Context], None]:
    """Return the command of a stage that is installed and cannot be used, whatever it is given."""

    def command(_: typer.Context) -> None:
        raise _unusable(name, why)

    command.__doc__ = "Cannot be used; run it to see why."
    return command


_OWN: Final = frozenset({"alerting", "bridge"})
"""Stages with a command here, as it has options of its own."""
for _name in readers().keys() - _OWN:
    app.command(_name)(_usual(installed()[_name]))
for _name, _why in broken().items():
    app.command(_name, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})(
        _refusing(_name, _why)
    )
