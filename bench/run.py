"""`make bench`: kafkalert against the Kafka Streams peer, in turns, on one real broker and the same data."""

import logging
import signal
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from bench import jvm, measure
from bench.contestants import CONTESTANTS, PEER, Contestant, Kafkalert, StreamsPeer, TunedStreamsPeer
from bench.data import Bank, Entry
from bench.feed import AUTHORISATIONS, SETTINGS, Feed, rows_everywhere
from bench.results import Result, keep, show
from kafkalert.config.sections import Cluster
from kafkalert.errors import ExitCode, KafkalertError
from kafkalert.sandbox.local import Sandbox

PROBES = 200
"""Entries that wait for a process that starts; some 80 alerts come of them."""

Say = Callable[[str], None]


class Part(StrEnum):
    """What can be measured."""

    START = "start"
    THROUGHPUT = "throughput"
    LATENCY = "latency"


class Who(StrEnum):
    """The contestants."""

    KAFKALERT = Kafkalert.name
    PEER = StreamsPeer.name
    TUNED = TunedStreamsPeer.name


def main(
    accounts: Annotated[list[int] | None, typer.Option(help="Size of the bank; may be repeated.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="10,000 accounts, short runs: to see that it works.")] = False,
    runs: Annotated[int | None, typer.Option(min=1, help="Backlogs and restarts of each contestant.")] = None,
    backlog: Annotated[int | None, typer.Option(min=1000, help="Entries of a backlog.")] = None,
    seconds: Annotated[int | None, typer.Option(min=1, help="Seconds of latency, after 10 s of warm-up.")] = None,
    part: Annotated[list[Part] | None, typer.Option(help="What to measure; all of it if not given.")] = None,
    only: Annotated[list[Who] | None, typer.Option(help="This contestant alone; may be repeated.")] = None,
    tuned: Annotated[bool, typer.Option("--tuned", help="The peer's hand-tuned form too.")] = False,
) -> None:
    """Measure throughput, latency, restore, restart and memory; table on stdout, JSON in bench/results/."""
    logging.getLogger("kafkalert").addHandler(logging.NullHandler())  # a new broker that is not ready yet is no news
    # As ctrl-c: what was started is ended, and what was measured is kept.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console = Console(width=None if sys.stdout.isatty() else 150)
    narration = Console(stderr=True)
    who = frozenset(only or (Who.KAFKALERT, Who.PEER)) | ({Who.TUNED} if tuned else set())
    plan = Plan(
        runs=runs or (2 if quick else 5),
        backlog=backlog or (200_000 if quick else 1_000_000),
        seconds=seconds or (5 if quick else 30),
        parts=frozenset(part or Part),
        who=who,
        say=narration.print,
    )
    results: list[Result] = []
    sizes = accounts or ([10_000] if quick else [10_000, 100_000, 1_000_000])
    try:
        if who != {Who.KAFKALERT}:
            narration.print("Building the peer.")
            jvm.build(PEER)
        for size in sizes:
            plan.run(size, results)
    except KafkalertError as error:
        narration.print(f"{error}\n{error.hint}".strip(), markup=False, highlight=False)
        raise typer.Exit(ExitCode.FAILED) from error
    finally:
        if results:
            show(results, console)
            narration.print(f"Kept in {keep(results, {'arguments': sys.argv[1:]})}.")


class Plan:
    """What is measured at every size."""

    def __init__(
        self, *, runs: int, backlog: int, seconds: int, parts: frozenset[Part], who: frozenset[Who], say: Say
    ) -> None:
        self._runs = runs
        self._backlog = backlog
        self._seconds = seconds
        self._parts = parts
        self._who = who
        self._say = say

    def run(self, accounts: int, results: list[Result]) -> None:
        """Measure everything at one size, on a broker of its own, into new `results`. Raises KafkalertError."""
        bank = Bank(accounts)
        self._say(f"{accounts:,} accounts: starting a broker and writing the tables.")
        with TemporaryDirectory(prefix="kafkalert-bench-") as folder, Sandbox(Path(folder, "sandbox")) as sandbox:
            sandbox.up(1, full_speed=True)
            cluster = Cluster(name="dc1", bootstrap=sandbox.bootstrap("dc1"))
            contestants: list[Contestant] = [
                kind(Feed(cluster, f"{kind.name}."), Path(folder, kind.name))
                for kind in CONTESTANTS
                if kind.name in self._who
            ]
            feeds = [contestant.feed for contestant in contestants]
            for feed in feeds:
                feed.make_topics()
            rows_everywhere(feeds, AUTHORISATIONS, bank.authorisations())
            rows_everywhere(feeds, SETTINGS, bank.settings())
            try:
                mine: dict[Contestant, Result] = {one: Result(one.name, bank.accounts) for one in contestants}
                results += mine.values()
                self._measure(bank, mine)
            finally:
                for contestant in contestants:
                    contestant.kill()

    def _measure(self, bank: Bank, results: dict[Contestant, Result]) -> None:
        for one, result in results.items():
            self._say(f"{one.name}: first start.")
            result.restore = self._start(one, bank, "first")
        if Part.START in self._parts:
            for turn in range(self._runs):
                for one, result in results.items():
                    self._say(f"{one.name}: restart {turn + 1} of {self._runs}.")
                    result.restarts.append(self._start(one, bank, f"restart-{turn}"))
        if Part.THROUGHPUT in self._parts:
            self._throughput(list(bank.entries(self._backlog, "backlog")), results)
        if Part.LATENCY in self._parts:
            entries = list(bank.entries((measure.WARM_UP_SECONDS + self._seconds) * measure.RATE, "latency"))
            for one, result in results.items():
                self._say(f"{one.name}: latency at {measure.RATE:,} entries a second.")
                result.latency = measure.latency(one, entries)

    @staticmethod
    def _start(one: Contestant, bank: Bank, name: str) -> float:
        took = measure.start_seconds(one, list(bank.entries(PROBES, name)))
        one.await_ready()
        one.stop()
        return took

    def _throughput(self, entries: Sequence[Entry], results: dict[Contestant, Result]) -> None:
        for one, result in results.items():
            self._say(f"{one.name}: the backlog for the first time.")
            result.cold = measure.throughput(one, entries)
        for turn in range(self._runs):
            # Who goes first changes, so that neither always finds the broker as the other left it.
            for one in list(results) if turn % 2 == 0 else list(reversed(results)):
                self._say(f"{one.name}: backlog {turn + 1} of {self._runs}.")
                results[one].throughputs.append(measure.throughput(one, entries))
        _same_outputs(list(results.values()))


def _same_outputs(results: Sequence[Result]) -> None:
    """Raise KafkalertError unless every run sent equally many records: what is lost must not count as quick."""
    runs = [(one.contestant, run.outputs) for one in results for run in (one.cold, *one.throughputs) if run]
    if len({outputs for _, outputs in runs}) > 1:
        counts = {f"{name} {outputs}" for name, outputs in runs}
        raise KafkalertError(f"The runs sent different numbers of records: {', '.join(sorted(counts))}.")


if __name__ == "__main__":
    typer.run(main)
