"""Byte streams whose end is not the end: a pipe that is quiet, a file that still grows.

Both wait in short steps, so that a stop is prompt and the caller is called back meanwhile.
"""

import os
import select
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from io import FileIO, RawIOBase
from pathlib import Path

from kafkalert.errors import UsageError

STEP_SECONDS = 0.2
"""How long one wait lasts, so how late a stop or new data is noticed at most."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How to wait: until `stop` is set, calling `idle` after every step without data, and `note` with what happened."""

    stop: threading.Event = field(default_factory=threading.Event)
    idle: Callable[[], None] = lambda: None
    note: Callable[[str], None] = lambda _: None
    step: float = STEP_SECONDS


class _Waiting(RawIOBase):
    """A stream over a file, waited for with `patience`."""

    def __init__(self, file: FileIO, patience: Patience) -> None:
        super().__init__()
        self._file = file
        self._patience = patience

    def readable(self) -> bool:
        """Yes."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


class Pipe(_Waiting):
    """What comes out of a pipe or a terminal; it ends when its writer ends it, or when stopped.

    A named pipe that nobody has opened to write yet has nothing to read, and no end.
    """

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]  # typeshed's type is private
        """Fill `buffer` with what is there, waiting for the first byte; 0 at the end or when stopped."""
        while not self._patience.stop.is_set():
            if select.select([self._file], [], [], self._patience.step)[0]:
                return self._file.readinto(buffer)
            self._patience.idle()
        return 0


class Growing(_Waiting):
    """A file to which somebody appends, from its first byte on; it ends only when stopped.

    A file that is replaced under its name (rotation) is read to its end and then the new one from its start, once that
    has a byte: until then its writer may not know of it, and still write to the old one. One that became shorter
    (truncation) is read from its start again. A line that was cut off by that is ended there. A file that is cut and
    outgrows its former length between two looks cannot be told from one that only grew.

    `file` is a regular one, opened by `path`.
    """

    def __init__(self, file: FileIO, path: Path, patience: Patience) -> None:
        super().__init__(file, patience)
        self._path = path
        self._within_line = False

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]  # typeshed's type is private
        """Fill `buffer` with what is there, waiting for the first byte; 0 only when stopped."""
        while not self._patience.stop.is_set():
            if size := self._file.readinto(buffer):
                self._within_line = buffer[size - 1] != ord("\n")
                return size
            if not self._restarted():
                if not self._patience.stop.wait(self._patience.step):
                    self._patience.idle()
            elif self._within_line:
                self._within_line = False
                buffer[:1] = b"\n"
                return 1
        return 0

    def _restarted(self) -> bool:
        """Whether another file, or this one from its start, is to be read now."""
        here = os.fstat(self._file.fileno())
        if here.st_size < self._file.tell():
            self._file.seek(0)
            self._patience.note(f"{self._path} was cut; reading it from its start.")
            return True
        try:
            there = self._path.stat()
            if os.path.samestat(here, there) or not there.st_size:
                return False
            if os.fstat(self._file.fileno()).st_size > self._file.tell():  # after that look: what came before it is in
                return False
            successor = opened(self._path)
        except (OSError, UsageError):
            return False  # between two files: the old one was moved away, the new one is not there yet
        self._file.close()
        self._file = successor
        self._patience.note(f"{self._path} was replaced; reading the new file.")
        return True


def opened(path: Path | int) -> FileIO:
    """Return a file by its path, or by a descriptor that stays open; without buffer. Raises UsageError with the reason.

    A named pipe is opened whether or not it has a writer yet: it is in reading that one is waited for.
    """
    try:
        return FileIO(path, closefd=not isinstance(path, int), opener=_at_once)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else "Not a file name"
        name = "Standard input" if isinstance(path, int) else str(path)
        raise UsageError(f"{name} cannot be read: {reason}.", hint="Check its name and its permissions.") from error


def _at_once(path: str, flags: int) -> int:
    file = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(file, True)  # only to open it was not to wait
    return file
