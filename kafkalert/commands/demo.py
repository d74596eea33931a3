"""`kafkalert demo`: the whole pipeline at work, in a minute."""

from typing import TYPE_CHECKING, Annotated

import typer

from kafkalert.commands import invocation
from kafkalert.commands.output import Format, OutputOption, emit
from kafkalert.errors import KafkalertError
from kafkalert.ops.wording import counted
from kafkalert.views.terminal import write_all

if TYPE_CHECKING:
    from kafkalert.sandbox.demo import Demo, Summary

app = typer.Typer()


@app.command()
def demo(
    ctx: typer.Context,
    *,
    rate: Annotated[float, typer.Option("--rate", min=1, max=5000, metavar="N", help="Bookings a second.")] = 100,
    seconds: Annotated[float, typer.Option("--seconds", min=1, max=3600, metavar="N", help="How long they come.")] = 20,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Which bank; the same one every time.")] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it all running, to look around.")] = False,
    output: OutputOption = Format.TABLE,
) -> None:
    """See the whole pipeline work, in a minute.

    It starts a Kafka of its own, fills its tables with a simulated bank, runs alerting, sends bookings and checks every
    alert against what had to come. Afterwards nothing of it is left. Exit status 1 if an alert did not come.

    Example: kafkalert demo --rate 500 --seconds 30
    """
    from kafkalert.sandbox.demo import Demo, Options  # noqa: PLC0415 - Kafka's library, not for --help
    from kafkalert.views.demo import view  # noqa: PLC0415 - Rich, not for --help

    del ctx
    try:
        with view() as shown, Demo(Options(rate, seconds, seed, keep), tell=shown.tell) as running:
            shown.bank(*running.size)
            for snapshot in running.run():
                shown.show(snapshot)
    except KeyboardInterrupt:
        invocation.say("Interrupted; nothing of the demo is left.")
        raise
    summary = running.summary
    if output is Format.TABLE:
        write_all(told(summary))
    else:
        emit([summary], output)
    if not summary.complete:
        fail(summary, kept=keep, log=str(running.config.parent / "alerting" / "log"))
    for line in next_steps(running, kept=keep):
        invocation.say(line)


def told(summary: "Summary") -> list[str]:
    """Return the summary for people."""
    channels = f"{summary.email:,} by e-mail, {summary.sms:,} by SMS, {summary.push:,} by push message"
    expected = counted(summary.expected, "alert")
    lines = [
        f"{counted(summary.bookings, 'booking')} in {summary.seconds:.0f} s raised {expected}.",
        f"{summary.arrived:,} of them came: {channels}.",
    ]
    if summary.p50_ms is not None:
        warm = f", once warm (after {summary.warm_after:.0f} s)" if summary.warm_after else ""
        half = f"{summary.p50_ms} ms for half of them"
        lines.append(f"From booking to alert: {half}, {summary.p99_ms} ms for 99 of 100{warm}.")
    if summary.repeated:
        lines.append(f"{summary.repeated:,} came more than once, under the same id.")
    return lines


def fail(summary: "Summary", *, kept: bool, log: str) -> None:
    """Say what was lost, by rule, and end with exit status 1."""
    for loss in summary.lost:
        invocation.say(
            f"Missing: {loss.count:,} {loss.alert_type}, such as alert {loss.alert_id} of booking {loss.entry_id}."
        )
    problems = [f"{summary.missing:,} of {summary.expected:,} expected alerts did not come"] if summary.missing else []
    problems += [f"{counted(summary.wrong, 'alert')} came that nobody expects"] if summary.wrong else []
    hint = f"Alerting's log is {log}." if kept else "Run it again with --keep, and look at alerting's log."
    raise KafkalertError(f"{', and '.join(problems)}.", hint=hint)


def next_steps(running: "Demo", *, kept: bool) -> list[str]:
    """Return what to try now."""
    if not kept:
        return [
            "Nothing of it is left. What to try next:",
            "  kafkalert demo --keep        the same, and it stays for you to look around",
            "  kafkalert demo --rate 1000   ten times as fast",
            "  kafkalert sandbox up         a Kafka to try things on; then kafkalert topics apply",
        ]
    return [
        "Kafka and alerting go on running. Look around:",
        f"  export KAFKALERT_CONFIG={running.config}",
        "  kafkalert tail                          # the last alerts, in words; -f follows",
        "  kafkalert tail entries -n 3 -o json     # the last bookings, as they are",
        "  kafkalert topics plan                   # the topics",
        "  # more bookings, twenty a second",
        f"  kafkalert run bridge --from {running.bookings} --rate 20",
        "  # the end of it all",
        f"  kafkalert sandbox down --folder {running.folder}",
    ]
