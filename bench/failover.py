"""`python -m bench.failover`: how long a switch takes, planned and forced, and what being able to costs at rest."""

import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Annotated, Final

import psutil
import typer
from confluent_kafka import TopicPartition
from rich.console import Console

from bench.switches import Forced, Measured, Planned, Rest, keep, show
from kafkalert.errors import ExitCode, KafkalertError
from kafkalert.sandbox.local import Sandbox
from tests.support.alerting import Alerting
from tests.support.pipeline import Pipeline
from tests.support.reading import ENTRIES, ends
from tests.support.twin import NAMES, Twin, now_ms, twins

_WARM_SECONDS: Final = 5.0
"""Bookings flow for so long before the first switch, and between two."""


def main(
    switches: Annotated[int, typer.Option(min=0, help="Planned switches, back and forth.")] = 10,
    rate: Annotated[int, typer.Option(min=20, help="Entries a second, through the bridge.")] = 1000,
    backlog: Annotated[int, typer.Option(min=0, help="Entries on which a group stands still meanwhile.")] = 100_000,
    forced: Annotated[bool, typer.Option("--forced/--no-forced", help="Forced switches too.")] = True,
    away: Annotated[int, typer.Option(min=5, help="Seconds for which dc1 is away after a forced switch.")] = 60,
    rest: Annotated[int, typer.Option(min=0, help="Seconds for which idle processes are looked at.")] = 30,
) -> None:
    """Measure switches under load on two real clusters; table on stdout, JSON in bench/results/."""
    # Of a cluster that was killed it has much to say.
    logging.getLogger("kafkalert").addHandler(logging.NullHandler())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    narration = Console(stderr=True)
    measured = Measured()
    try:
        with TemporaryDirectory(prefix="kafkalert-bench-") as name:
            folder = Path(name)
            with Sandbox(folder / "sandbox") as sandbox:
                narration.print("Starting two clusters and their mirror.")
                sandbox.up(2, full_speed=True)
                bench = Bench(sandbox, folder, measured, narration)
                if rest:
                    bench.rest(rest)
                if switches:
                    bench.planned(switches, rate, backlog)
                for how in ("paused", "killed") if forced else ():
                    bench.forced(how, rate, away)
    except KafkalertError as error:
        narration.print(f"{error}\n{error.hint}".strip(), markup=False, highlight=False)
        raise typer.Exit(ExitCode.FAILED) from error
    finally:
        show(measured, Console(width=None if sys.stdout.isatty() else 150))
        narration.print(f"Kept in {keep(measured, sys.argv[1:])}.")


class Bench:
    """The measurements, into `measured`; each has a bank of its own."""

    def __init__(self, sandbox: Sandbox, folder: Path, measured: Measured, narration: Console) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._measured = measured
        self._say = narration.print

    def planned(self, switches: int, rate: int, backlog: int) -> None:
        """Back and forth under load, with two instances of alerting, a bridge, and a group that stands still.

        Every alert has to be written exactly once, and in order per key. Raises AssertionError where one is not.
        """
        with twins(self._sandbox, "planned.", self._folder / "planned") as make:
            bank = make()
            self._say(f"Writing a backlog of {backlog:,} entries.")
            bank.dc1.send(backlog)
            bank.dc1.flush()
            _stand_still(bank)
            running = _started(bank)
            bank.dc1.await_processed()
            with bank.feed(rate):
                for number in range(1, switches + 1):
                    _let_flow(bank)
                    target = NAMES[number % 2]
                    self._say(f"Planned switch {number} of {switches}, to {target}.")
                    begun, started = now_ms(), monotonic()
                    told = bank.switch(target)
                    total = monotonic() - started
                    pause = bank.pause(begun, number)
                    self._measured.planned.append(Planned(target, pause, total, told["pause"], told["steps"]))
            self._say("Looking whether every alert was written once, and in order.")
            bank.settled(NAMES[switches % 2], switches, *running)
            bank.verify(*NAMES)
            self._measured.entries, self._measured.alerts = len(bank.sent), len(bank.wanted)

    def forced(self, how: str, rate: int, away: int) -> None:
        """Away from dc1 under load; dc1 is back after `away` seconds. Raises AssertionError where an alert is lost."""
        with twins(self._sandbox, f"{how}.", self._folder / how) as make:
            bank = make()
            running = _started(bank)
            with bank.feed(rate):
                _let_flow(bank)
                self._say(f"Forced switch, dc1 is {how}.")
                (self._sandbox.pause if how == "paused" else self._sandbox.kill)("dc1")
                try:
                    begun, started = now_ms(), monotonic()
                    told = bank.switch("dc2", "--force", "--accept-loss")
                    total = monotonic() - started
                    bank.await_running(*running, on="dc2", epoch=1)
                    _let_flow(bank)
                    before = [one.anonymous_kilobytes() for one in running]
                    sleep(away)
                    after = [one.anonymous_kilobytes() for one in running]
                finally:
                    self._sandbox.resume("dc1") if how == "paused" else self._sandbox.start("dc1")
            bank.verify("dc2", once=False)
            commit = bank.await_event(lambda one: one.event == "COMMIT")
            ran: dict[int, int] = {}
            for beat in bank.beats.all:
                if (beat["cluster"], beat["epoch"], beat["state"]) == ("dc2", 1, "running"):
                    ran[beat["pid"]] = min(beat["time"], ran.get(beat["pid"], beat["time"]))
            alert = min(one.at for one in bank.alerts.native_records("dc2"))
            decided, ran_all, alerted = ((at - begun) / 1000 for at in (commit.at, max(ran.values()), alert))
            loss = told["loss"]
            grown = [round((now - then) / 1024, 1) for then, now in zip(before, after, strict=True)]
            self._measured.forced.append(
                Forced(how, decided, ran_all, alerted, total, loss["lost"], loss["repeated"], grown)
            )

    def rest(self, seconds: int) -> None:
        """Idle processes with two clusters, and with one."""
        with twins(self._sandbox, "rest.", self._folder / "rest") as make:
            bank = make()
            alone = Pipeline(self._sandbox.bootstrap("dc1"), "alone.", self._folder / "alone")
            alone.make_topics().seed()
            one = alone.alerting()
            running = {"alerting": bank.alerting(), "bridge": bank.bridge()}
            bank.await_running(*running.values(), on="dc1")
            alone.await_processed()
            _let_flow(bank)
            self._say(f"Looking at idle processes for {seconds} s.")
            shares = _shares([one, *running.values()], seconds)
            names = [("alerting", 1), *((stage, 2) for stage in running)]
            self._measured.rest += [Rest(*name, share) for name, share in zip(names, shares, strict=True)]
            alone.end()


def _started(bank: Twin) -> list[Alerting]:
    """Two instances of alerting and a bridge, which run on dc1."""
    running = [bank.alerting(), bank.alerting(state="second"), bank.bridge()]
    bank.await_running(*running, on="dc1")
    return running


def _stand_still(bank: Twin) -> None:
    """A group of the context has committed in the middle of all that there is, and ended."""
    client = bank.dc1.client("kafkalert.audit")
    last = ends(client, bank.dc1.places(ENTRIES))
    client.commit(offsets=[TopicPartition(*one, end // 2) for one, end in last.items() if end], asynchronous=False)
    client.close()


def _let_flow(bank: Twin) -> None:
    """Go on for a while; what came meanwhile is read, so that reading it does not disturb the next switch."""
    sleep(_WARM_SECONDS)
    bank.alerts.pump()
    bank.beats.newest()


def _shares(processes: Sequence[Alerting], seconds: int) -> list[float]:
    """Percent of a core that each takes in so many seconds."""

    def used() -> list[float]:
        return [sum(psutil.Process(one.pid).cpu_times()[:2]) for one in processes]

    before, began = used(), monotonic()
    sleep(seconds)
    took = monotonic() - began
    return [round(100 * (after - then) / took, 2) for then, after in zip(before, used(), strict=True)]


if __name__ == "__main__":
    typer.run(main)
