"""The two topics that are seeded, and what is said while it goes on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kafkalert.config import names
from kafkalert.config.pipeline import SCHEMAS
from kafkalert.edges.ndjson import SeedRow, read_authorisations, read_settings
from kafkalert.edges.source import BadLine, Source
from kafkalert.tables.store import MAX_ID

SHOWN: Final = 20
"""How many bad lines are listed; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A topic to be seeded: its own name (docs/topics.md), and what reads its lines."""

    topic: str
    lines: Callable[[Source], Iterator[SeedRow | BadLine]]

    @property
    def key(self) -> str:
        """The schema of its keys."""
        return SCHEMAS[self.topic][0]

    @property
    def value(self) -> str:
        """The schema of its rows."""
        return SCHEMAS[self.topic][1]

    def read(self, source: Source) -> Iterator[SeedRow | BadLine]:
        """Yield the rows of a file; one whose id the tables could not hold is a bad line."""
        for row in self.lines(source):
            if isinstance(row, SeedRow) and len(row.key.encode()) > MAX_ID:
                yield BadLine(row.number, f"key.id: longer than {MAX_ID} bytes")
            else:
                yield row


AUTHORISATIONS: Final = Kind(names.ACCOUNTTOCUSTOMERIDS, read_authorisations)
SETTINGS: Final = Kind(names.CUSTOMERALERTSETTINGS, read_settings)


@dataclass(slots=True)
class BadLines:
    """How many lines were bad, and the first of them."""

    count: int = 0
    first: list[BadLine] = field(default_factory=list)

    def add(self, line: BadLine) -> None:
        """Count a bad line."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(line)


class Progress(NamedTuple):
    """How far it is: rows, and bytes of the file; `size` is None where it is not known."""

    rows: int
    done: int
    size: int | None


OnProgress = Callable[[Progress], None]
EVERY: Final = 2_000
"""Rows between two looks at the clock, the screen and the order to stop."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that did not become a row."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of a file. `problems` holds the first bad and failed lines; `seconds` is the time of writing.

    `unknown` counts rows and deletions that were sent and never answered: they may be in or not.
    """

    topic: str
    cluster: str
    rows: int
    acknowledged: int
    pruned: int
    bad_lines: int
    failed: int
    unknown: int
    seconds: float
    rows_per_second: int
    interrupted: bool
    problems: tuple[Problem, ...]
