"""`python -m bench.calls`: how much longer a forced switch takes beside calls to the outside that hang for ever."""

import logging
import os
import signal
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from kafkalert.sandbox.local import Sandbox
from tests.support.alerting import Alerting
from tests.support.outside import WORKERS, Outside, caller, installed
from tests.support.twin import NAMES, Twin, twins


def main(
    turns: Annotated[int, typer.Option(min=1, help="Forced switches of each kind, in turns.")] = 5,
) -> None:
    """Measure forced switches of a stage whose calls return at once, and of one whose every call hangs, in turns."""
    logging.getLogger("kafkalert").addHandler(logging.NullHandler())  # a cluster is paused on purpose
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    narration = Console(stderr=True)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    with TemporaryDirectory(prefix="kafkalert-bench-") as name:
        folder = Path(name)
        outside, variables = installed(folder)
        os.environ.update(variables)
        with (
            Sandbox(folder / "sandbox") as sandbox,
            twins(sandbox, "calls.", folder / "calls") as make,
        ):
            narration.print("Starting two clusters and their mirror.")
            sandbox.up(2, full_speed=True)
            bank = make()
            for epoch in range(1, 2 * turns + 1):
                hangs = epoch % 2 == 0
                source, target = NAMES[(epoch - 1) % 2], NAMES[epoch % 2]
                narration.print(f"Forced switch {epoch} of {2 * turns}, calls {'hang' if hangs else 'return'}.")
                seconds[hangs].append(_switched(bank, sandbox, outside, source, target, epoch, hangs=hangs))
    table = Table("calls", "from COMMIT until it runs, s: median", "worst")
    for hangs, taken in seconds.items():
        table.add_row("hang" if hangs else "return at once", f"{median(taken):.3f}", f"{max(taken):.3f}")
    Console(width=None if sys.stdout.isatty() else 150).print(table)


def _switched(
    bank: Twin, sandbox: Sandbox, outside: Outside, source: str, target: str, epoch: int, *, hangs: bool
) -> float:
    """Seconds from COMMIT until the stage runs on the target, while the source says nothing.

    Each time by a process that begins anew: threads that hang stay with their process.
    """
    if hangs:
        outside.hang(yes=True)
    stage = caller(bank, f"stage-{epoch}")
    bank.await_running(stage, on=source)
    begun = len(outside.said("begun"))
    bank.sites[source].send(200)
    bank.sites[source].flush()
    if hangs:
        outside.await_begun(begun + WORKERS)
    sandbox.pause(source)
    try:
        bank.switch(target, "--force", "--accept-loss")
        bank.await_running(stage, on=target, epoch=epoch)
    finally:
        sandbox.resume(source)
        if hangs:
            outside.hang(yes=False)
    commit = bank.await_event(lambda event: (event.epoch, event.event) == (epoch, "COMMIT"))
    stage.stop()
    return (_first_running(bank, stage, target, epoch) - commit.at) / 1000


def _first_running(bank: Twin, stage: Alerting, target: str, epoch: int) -> int:
    """When the stage first said that it runs there, in ms."""
    wanted = (stage.pid, target, epoch, "running")
    return min(
        int(beat["time"])
        for beat in bank.beats.all
        if (beat["pid"], beat["cluster"], beat["epoch"], beat["state"]) == wanted
    )


if __name__ == "__main__":
    typer.run(main)
