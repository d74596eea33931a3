"""What was measured: kept as JSON, shown as tables."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from os import cpu_count
from pathlib import Path
from statistics import median
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.measure import Latency, Throughput

FOLDER: Final = Path(__file__).parent / "results"
_MIB: Final = 1 << 20


@dataclass(slots=True)
class Result:
    """One contestant at one size; seconds, and what `bench.measure` says.

    `cold` is the first time that it saw the backlog's accounts: kafkalert joins an account's rules then and keeps
    them, RocksDB reads their rows into its caches.
    """

    contestant: str
    accounts: int
    restore: float | None = None
    restarts: list[float] = field(default_factory=list)
    cold: Throughput | None = None
    throughputs: list[Throughput] = field(default_factory=list)
    latency: Latency | None = None

    @property
    def rate(self) -> float | None:
        """Entries a second, the median of the runs."""
        return median(one.rate for one in self.throughputs) if self.throughputs else None

    @property
    def restart(self) -> float | None:
        """Seconds of a restart, the median of the runs."""
        return median(self.restarts) if self.restarts else None

    @property
    def memory(self) -> int | None:
        """Most anonymous memory seen, bytes."""
        return max((one.memory for one in self.throughputs), default=None)

    def row(self) -> list[str]:
        """The cells of a table, "-" where nothing was measured."""
        cpu = median(one.cpu for one in self.throughputs) if self.throughputs else None
        runs = [one.rate for one in self.throughputs]
        latency = self.latency
        return [
            f"{self.accounts:,}",
            self.contestant,
            _cell(self.rate, ",.0f"),
            f"{min(runs):,.0f}-{max(runs):,.0f}" if runs else "-",
            _cell(self.cold.rate if self.cold else None, ",.0f"),
            _cell(cpu, ".1f"),
            f"{latency.p50:.1f} / {latency.p90:.1f} / {latency.p99:.1f}" if latency else "-",
            _cell(self.restore, ".1f"),
            _cell(self.restart, ".1f"),
            _cell(None if self.memory is None else self.memory / _MIB, ",.0f"),
        ]


HEADINGS: Final = (
    "accounts",
    "contestant",
    "entries/s",
    "runs",
    "cold",
    "CPU us/entry",
    "p50 / p90 / p99 ms",
    "restore s",
    "restart s",
    "RssAnon MiB",
)


def keep(results: Sequence[Result], asked: dict[str, object]) -> Path:
    """Write all results and what they were measured on and with as JSON; returns the file."""
    FOLDER.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    document = {
        "version": 2,
        "at": now.isoformat(timespec="seconds"),
        "machine": {"system": platform.platform(), "python": platform.python_version(), "cpus": cpu_count()},
        "asked": asked,
        "results": [{**asdict(one), "rate": one.rate, "restart": one.restart, "memory": one.memory} for one in results],
        "ratios": {f"{accounts}": to for accounts, to in ratios(results).items()},
    }
    path = FOLDER / f"{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path


def ratios(results: Sequence[Result]) -> dict[int, dict[str, float]]:
    """Per size and contestant, the first contestant's entries a second to this one's, where both were measured."""
    found: dict[int, dict[str, float]] = {}
    for accounts in dict.fromkeys(one.accounts for one in results):
        first, *others = [one for one in results if one.accounts == accounts]
        if first.rate:
            found[accounts] = {one.contestant: first.rate / one.rate for one in others if one.rate}
    return found


def show(results: Sequence[Result], console: Console) -> None:
    """A table of all results, and the ratios."""
    table = Table(*HEADINGS)
    for column in table.columns[2:]:
        column.justify = "right"
    for one in results:
        table.add_row(*one.row())
    console.print(table)
    first = results[0].contestant if results else ""
    for accounts, to in ratios(results).items():
        for contestant, ratio in to.items():
            console.print(
                f"{accounts:,} accounts: {first} does {ratio:.2f} times the entries a second of {contestant}."
            )


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
