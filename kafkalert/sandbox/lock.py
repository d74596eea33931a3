"""One command at a time: an advisory lock (flock(2)) that ends with whoever holds it, however that ends."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from kafkalert.errors import KafkalertError
from kafkalert.sandbox.process import wait_until


@contextlib.contextmanager
def exclusive(file: Path, *, seconds: float, busy: str) -> Iterator[int]:
    """Hold the lock of `file`, which is made if need be; yields its descriptor.

    A child process that is handed the descriptor holds the lock too, until it closes it. Raises KafkalertError with the
    sentence `busy` if somebody else still has the lock after `seconds`.
    """
    held: list[int] = []

    def take() -> bool:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last holder may have removed the file while this one waited; then the lock is of no file any more.
            if os.fstat(descriptor).st_ino == file.stat().st_ino:
                held.append(descriptor)
        except (BlockingIOError, FileNotFoundError):
            pass
        finally:
            if not held:
                os.close(descriptor)
        return bool(held)

    if not wait_until(take, seconds, every=0.1):
        raise KafkalertError(busy, hint="Wait for it, or end it, and try again.")
    try:
        yield held[0]
    finally:
        os.close(held[0])
