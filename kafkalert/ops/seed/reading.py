"""Reads a seed file before anything is written: for --strict, and for --prune, which has to know every key."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from kafkalert.edges.source import STDIN, BadLine, Source
from kafkalert.ops.seed.kinds import EVERY, BadLines, Kind, OnProgress, Progress


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file holds: good rows, bad lines and, where they were asked for, the ids of its keys as UTF-8."""

    rows: int
    bad: BadLines
    keys: frozenset[bytes]


@contextmanager
def readable_twice(path: str, source: Source) -> Iterator[str]:
    """A file that says what `source`, open on `path` and not yet read, will say.

    A pipe and standard input are copied to a temporary file without a name: nobody else opens it, and it goes with
    this process, however that ends.
    """
    if source.size is not None and path != STDIN:
        yield path
        return
    with TemporaryFile() as copy:
        source.copy(cast("BinaryIO", copy))
        copy.flush()
        yield f"/dev/fd/{copy.fileno()}"


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
