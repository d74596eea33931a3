"""A file of lines, or standard input: plain or gzip, of any size, read once from its start."""

import os
import shutil
import zlib
from collections.abc import Iterator
from gzip import BadGzipFile, GzipFile
from io import BufferedReader, RawIOBase
from pathlib import Path
from stat import S_ISREG
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

from kafkalert.edges.waiting import Growing, Patience, Pipe, opened
from kafkalert.errors import UsageError

STDIN = "-"
LINE_BYTES = 1 << 20
"""The longest line that is read; a broker takes no longer record by default."""
BUFFER_BYTES = 1 << 17

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff", b"{\x00", b"\x00{")
"""What a file of JSON lines in UTF-16 begins with: a byte order mark, or its first brace."""


class Line(NamedTuple):
    """One line with its number (from 1), without what ends it."""

    number: int
    data: bytes


class BadLine(NamedTuple):
    """A line that gives no record. `reason` holds field names and rules, never what the line says."""

    number: int
    reason: str


class Source:
    """Where lines come from: a context, opened on construction, read once.

    `name` is what people call it; `size` its bytes where it is a plain file, else None; `done` how many of them were
    read, as they are on the disk (compressed ones of a gzip file).

    Args:
        path: a file, or "-" for standard input.
        follow: wait for more at a file's end, until stopped; a pipe or standard input ends where its writer ends it.
        patience: how to wait for a pipe or a growing file.

    Raises:
        UsageError: it cannot be opened.
    """

    def __init__(self, path: str | Path, *, follow: bool = False, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._follow = follow and str(path) != STDIN
        self.name = "standard input" if str(path) == STDIN else str(path)
        self.size: int | None = None
        self._raw = _Counted(self._opened(path))
        self._plain = BufferedReader(self._raw, BUFFER_BYTES)

    def _opened(self, path: str | Path) -> RawIOBase:
        file = opened(0 if str(path) == STDIN else Path(path))
        state = os.fstat(file.fileno())
        if not S_ISREG(state.st_mode):
            self._follow = False
            return Pipe(file, self._patience)
        if self._follow:
            return Growing(file, Path(path), self._patience)
        if str(path) != STDIN:
            file.seek(0)  # not everywhere is /dev/fd/N opened at its start
        self.size = state.st_size
        return file

    @property
    def done(self) -> int:
        """Bytes read so far."""
        return self._raw.count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._plain.close()

    def lines(self) -> Iterator[Line | BadLine]:
        """Yield the lines, blank ones left out; a BadLine for one that is longer than LINE_BYTES.

        Where it cannot be read further (a broken gzip stream, a failing disk) the last one is a BadLine. A last line
        that a stop left unfinished is not given. Raises UsageError for a gzip file that should be followed.
        """
        number = 0
        try:
            stream = self._stream()
            while data := stream.readline(LINE_BYTES + 1):
                number += 1
                if data[-1:] != b"\n":
                    if len(data) > LINE_BYTES:
                        _skip_line(stream)
                        yield BadLine(number, f"longer than {LINE_BYTES} bytes")
                        continue
                    if self._patience.stop.is_set():
                        return
                if number == 1:
                    if data.startswith(_UTF_16):
                        yield BadLine(
                            1, "UTF-16, not UTF-8; convert the file (iconv -f UTF-16 -t UTF-8). None was read"
                        )
                        return
                    data = data.removeprefix(_BOM)
                if data := data.strip():
                    yield Line(number, data)
        except (BadGzipFile, EOFError, zlib.error):
            yield BadLine(number + 1, "the gzip stream is broken here; nothing after it was read")
        except OSError as error:
            yield BadLine(number + 1, f"cannot be read from here on: {error.strerror}")

    def copy(self, target: BinaryIO) -> None:
        """Write all that was not read yet to `target`, as it is. Raises OSError where either fails."""
        shutil.copyfileobj(self._plain, target)

    def _stream(self) -> "BufferedReader[Any]":
        if self._plain.peek(len(_GZIP))[: len(_GZIP)] != _GZIP:
            return self._plain
        if self._follow:
            raise UsageError(f"{self.name} is a gzip file, which cannot be followed.", hint="Leave --follow out.")
        return BufferedReader(GzipFile(fileobj=self._plain), BUFFER_BYTES)


class _Counted(RawIOBase):
    """A raw stream that counts what was read of it."""

    def __init__(self, raw: RawIOBase) -> None:
        super().__init__()
        self._raw = raw
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]  # typeshed's type is private
        size: int | None = self._raw.readinto(buffer)
        self.count += size or 0
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


def _skip_line(stream: "BufferedReader[Any]") -> None:
    while (more := stream.readline(LINE_BYTES)) and more[-1:] != b"\n":
        pass
