"""Reads a seed file before anything is written: for --strict, and for --prune, which has to know every key."""

from dataclasses import dataclass

from kafkalert.edges.source import BadLine, Source
from kafkalert.ops.seed.kinds import EVERY, BadLines, Kind, OnProgress, Progress


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file holds: good rows, bad lines and, where they were asked for, the ids of its keys as UTF-8."""

    rows: int
    bad: BadLines
    keys: frozenset[bytes]


def inspect(path: str, kind: Kind, *, on_progress: OnProgress, keep_keys: bool) -> Inspection:
    """Read all of `path` and write nothing. Raises UsageError where it cannot be opened."""
    rows, bad = 0, BadLines()
    keys: set[bytes] = set()
    with Source(path) as source:
        for number, row in enumerate(kind.read(source)):
            if isinstance(row, BadLine):
                bad.add(row)
            else:
                rows += 1
                if keep_keys:
                    keys.add(row.key.encode())
            if number % EVERY == 0:
                on_progress(Progress(rows, source.done, source.size))
        on_progress(Progress(rows, source.done, source.size))
    return Inspection(rows, bad, frozenset(keys))
