"""`make torture`: random faults over two clusters, by a seed; nothing may be lost, and nothing that is told untrue."""

import logging
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic
from typing import Annotated

import typer

from kafkalert.errors import ExitCode, KafkalertError
from kafkalert.sandbox.local import Sandbox
from torture.bank import Bank
from torture.journal import Journal
from torture.network import Network
from torture.plan import Plan, plan
from torture.round import Round


def main(
    seed: Annotated[int, typer.Option(help="Of the first round; the others have the next ones.")] = 1,
    minutes: Annotated[float, typer.Option(min=1, help="Of faults in a round, beside its start and its end.")] = 2,
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds.")] = 1,
    folder: Annotated[Path | None, typer.Option(help="Where logs are kept [default: a new one in /tmp].")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the schedules and end.")] = False,
) -> None:
    """Run rounds; exit status 1 if one of them fails."""
    logging.getLogger("kafkalert").addHandler(logging.NullHandler())  # clusters that were killed are no news
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    os.environ["PYTHONFAULTHANDLER"] = "1"  # a process that hangs tells where, on SIGABRT
    plans = [plan(one, minutes) for one in range(seed, seed + rounds)]
    if show:
        for one in plans:
            say(_told(one))
        return
    place = folder or Path(mkdtemp(prefix="kafkalert-torture-"))
    failed = [one.seed for one in plans if not _round(one, place / f"seed-{one.seed}")]
    if failed:
        say(f"torture: FAILED, seeds {', '.join(map(str, failed))} of {len(plans)} rounds; logs in {place}")
        raise typer.Exit(ExitCode.FAILED)
    say(f"torture: passed, {len(plans)} rounds of {minutes:g} minutes, seeds {seed} to {seed + rounds - 1}")


def _round(chosen: Plan, folder: Path) -> bool:
    """Whether a round held."""
    journal = Journal(folder)
    (folder / "plan.txt").write_text(_told(chosen) + "\n", encoding="utf-8")
    say(f"torture: seed {chosen.seed}, {len(chosen.legs)} legs: {', '.join(one.kind for one in chosen.legs)}")
    began = monotonic()
    try:
        with ExitStack() as stack:
            sandbox = stack.enter_context(Sandbox(folder / "sandbox"))
            sandbox.up(2, full_speed=True)
            network = Network(sandbox)
            stack.callback(network.close)
            bank = Bank(sandbox, "torture.", folder / "bank")
            stack.callback(bank.end)
            stack.callback(bank.feeding, on=False)
            bank.mirror()
            one = Round(sandbox, network, bank, chosen, journal)
            one.run()
            counts = one.counts
            if journal.failures:
                _keep_logs(sandbox, folder)
    except (KafkalertError, AssertionError) as error:
        journal.fail(f"{type(error).__name__}: {str(error)[:4000]}")
        counts = {}
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    for one_failure in journal.failures:
        say(f"  {one_failure}")
    ended = "FAILED" if journal.failures else "passed"
    say(f"torture: seed {chosen.seed} {ended} in {monotonic() - began:.0f} s: {told}")
    return not journal.failures


def _keep_logs(sandbox: Sandbox, folder: Path) -> None:
    """What brokers and workers logged goes with the sandbox, and is wanted where a round failed."""
    for each in sandbox.status().components:
        lines = [line.text for line in sandbox.logs(each.name, last=20_000)]
        (folder / f"{each.name}.log").write_text("\n".join(lines), encoding="utf-8")


def _told(chosen: Plan) -> str:
    lines = [f"seed {chosen.seed}, {chosen.rate} bookings a second"]
    for number, leg in enumerate(chosen.legs, 1):
        lines += [f"leg {number}: {leg.kind}"]
        lines += [f"  {one}" for one in leg.operations]
        lines += [f"  fault: {one}" for one in leg.faults]
    return "\n".join(lines)


def say(text: str) -> None:
    """A line on stdout, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    typer.run(main)
