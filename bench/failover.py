"""`python -m bench.failover`: how long a switch takes, planned and forced, and what being able to costs at rest."""

import json
import logging
import platform
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from os import cpu_count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Annotated, Any, Final

import psutil
import typer
from confluent_kafka import TopicPartition
from rich.console import Console
from rich.table import Table

from kafkalert.errors import ExitCode, KafkalertError
from kafkalert.sandbox.local import Sandbox
from tests.alerting import Alerting
from tests.pipeline import Pipeline
from tests.reading import ENTRIES, ends
from tests.running import make_topics
from tests.twin import NAMES, Twin, now_ms, twins

FOLDER: Final = Path(__file__).parent / "results"
_WARM_SECONDS: Final = 5.0
"""Bookings flow for so long before the first switch, and between two."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One planned switch; seconds. `pause`: without an alert from anybody, by the times of outbound records.

    `total`: of the command, from its start to its end; `switch` of that, from PREPARE to everything running again.
    """

    target: str
    pause: float
    total: float
    switch: float
    steps: dict[str, float]


@dataclass(frozen=True, slots=True)
class Forced:
    """One forced switch away from dc1, which was `how`; seconds from the command's start.

    `running`: until every instance ran on dc2; `alert`: until the first alert was written there; `commit`: until the
    switch was decided.
    """

    how: str
    commit: float
    running: float
    alert: float
    total: float
    lost: int | None
    repeated: int | None


@dataclass(frozen=True, slots=True)
class Rest:
    """What an idle process takes of one core, in percent."""

    stage: str
    clusters: int
    percent: float


@dataclass(slots=True)
class Measured:
    """Everything."""

    planned: list[Planned] = field(default_factory=list)
    forced: list[Forced] = field(default_factory=list)
    rest: list[Rest] = field(default_factory=list)
    entries: int = 0
    alerts: int = 0


def main(
    switches: Annotated[int, typer.Option(min=0, help="Planned switches, back and forth.")] = 10,
    rate: Annotated[int, typer.Option(min=20, help="Entries a second, through the bridge.")] = 1000,
    backlog: Annotated[int, typer.Option(min=0, help="Entries on which a group stands still meanwhile.")] = 100_000,
    forced: Annotated[bool, typer.Option("--forced/--no-forced", help="Forced switches too.")] = True,
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
                    bench.forced(how, rate)
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

    def forced(self, how: str, rate: int) -> None:
        """Away from dc1 under load; dc1 is back in the end. No alert may be lost. Raises AssertionError for one."""
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
                finally:
                    self._sandbox.resume("dc1") if how == "paused" else self._sandbox.start("dc1")
            bank.verify("dc2", once=False)
            commit = bank.await_event(lambda one: one.event == "COMMIT")
            ran: dict[int, int] = {}
            for beat in bank.beats.all:
                if (beat["cluster"], beat["epoch"], beat["state"]) == ("dc2", 1, "running"):
                    ran[beat["pid"]] = min(beat["time"], ran.get(beat["pid"], beat["time"]))
            alert = min(one.at for one in bank.alerts.natives("dc2"))
            decided, ran_all, alerted = ((at - begun) / 1000 for at in (commit.at, max(ran.values()), alert))
            loss = told["loss"]
            self._measured.forced.append(Forced(how, decided, ran_all, alerted, total, loss["lost"], loss["repeated"]))

    def rest(self, seconds: int) -> None:
        """Idle processes with two clusters, and with one."""
        with twins(self._sandbox, "rest.", self._folder / "rest") as make:
            bank = make()
            alone = Pipeline(self._sandbox.bootstrap("dc1"), "alone.", self._folder / "alone")
            make_topics(alone).seed()
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


def keep(measured: Measured, arguments: Sequence[str]) -> Path:
    """Write everything and what it was measured on as JSON; returns the file."""
    FOLDER.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    document: dict[str, Any] = {
        "version": 1,
        "at": now.isoformat(timespec="seconds"),
        "machine": {"system": platform.platform(), "python": platform.python_version(), "cpus": cpu_count()},
        "asked": {"arguments": list(arguments)},
        **asdict(measured),
    }
    path = FOLDER / f"failover-{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path


def show(measured: Measured, console: Console) -> None:
    """A table of each kind."""
    if measured.planned:
        console.print(_planned_table(measured.planned))
        if measured.alerts:
            counts = f"{measured.entries:,} entries, {measured.alerts:,} alerts"
            console.print(f"{counts}, each written once, in order per key.")
    if measured.forced:
        table = Table("dc1", "decided s", "all run s", "first alert s", "command s", "lost at most", "again at most")
        for one in measured.forced:
            times = (one.commit, one.running, one.alert, one.total)
            table.add_row(one.how, *(f"{time:.2f}" for time in times), _count(one.lost), _count(one.repeated))
        console.print(table)
    if measured.rest:
        table = Table("idle", "clusters", "% of a core")
        for rest in measured.rest:
            table.add_row(rest.stage, str(rest.clusters), f"{rest.percent:.2f}")
        console.print(table)


def _planned_table(planned: Sequence[Planned]) -> Table:
    """Median and worst of the pause, the command, and each of its steps."""
    table = Table("planned switch", "median s", "worst s")
    rows = {
        "pause in the outbound topics": [one.pause for one in planned],
        "PREPARE until all run again": [one.switch for one in planned],
        "the command": [one.total for one in planned],
    }
    for step in planned[0].steps:
        rows[f"- {step}"] = [one.steps.get(step, 0.0) for one in planned]
    for name, values in rows.items():
        table.add_row(name, f"{median(values):.2f}", f"{max(values):.2f}")
    return table


def _count(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"


if __name__ == "__main__":
    typer.run(main)
