"""What `bench.failover` measured: as tables, and as JSON."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from os import cpu_count
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.console import Console
from rich.table import Table

FOLDER: Final = Path(__file__).parent / "results"


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
    switch was decided. `grown`: what each process took in addition while dc1 was away, MiB of RssAnon, in the order of
    alerting, alerting, bridge.
    """

    how: str
    commit: float
    running: float
    alert: float
    total: float
    lost: int | None
    repeated: int | None
    grown: list[float]


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
        table = Table(
            *(
                "dc1",
                "decided s",
                "all run s",
                "first alert s",
                "command s",
                "lost at most",
                "again at most",
                "grown MiB",
            )
        )
        for one in measured.forced:
            times = (one.commit, one.running, one.alert, one.total)
            grown = " / ".join(f"{each:+.1f}" for each in one.grown)
            table.add_row(one.how, *(f"{time:.2f}" for time in times), _count(one.lost), _count(one.repeated), grown)
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
