"""A small process that removes the sandbox when the process that owns it is gone, whatever ended that one."""

import contextlib
import os
import select
import signal
import sys
from pathlib import Path

from kafkalert.errors import KafkalertError
from kafkalert.sandbox.cleanup import id_of, remove


class Guard:
    """The owner's side: a pipe that nobody else holds, so that its end is the owner's end."""

    def __init__(self, folder: Path, identity: str) -> None:
        reader, self._writer = os.pipe()
        try:
            self._pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-P", "-m", "kafkalert.sandbox.guard", str(folder), identity, str(os.getpid())],
                os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, reader, 0)],
                setpgroup=0,  # ctrl-c on the terminal is for the owner alone
            )
        finally:
            os.close(reader)

    def call(self) -> None:
        """Have the guard do now what it does at the owner's end; nobody waits for it."""
        os.close(self._writer)

    def dismiss(self) -> None:
        """Let the guard go without doing anything."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._writer, b"-")
        os.close(self._writer)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def main(folder: str, identity: str, owner: str) -> None:
    """Wait for a byte, which is a dismissal, for the owner's end, or for the end of the sandbox by other hands."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.chdir("/")
    # A child that the owner forked holds the pipe open too; then it is the new parent that tells.
    began = False
    while os.getppid() == int(owner):
        readable, _, _ = select.select([0], [], [], 1.0)
        if readable and not os.read(0, 1):
            break
        here = id_of(Path(folder)) == identity
        if readable or (began and not here):
            return
        began = began or here
    try:
        remove(Path(folder), only=identity, seconds=120)
    except KafkalertError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
