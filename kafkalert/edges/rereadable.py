"""A source that has to be read twice: once to check it, and once to send it."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from kafkalert.edges.source import STDIN, Source


@contextmanager
def readable_twice(path: str, source: Source) -> Iterator[str]:
    """Make a file that says what `source`, open on `path` and not yet read, will say.

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
