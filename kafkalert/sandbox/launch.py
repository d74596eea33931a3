"""Becomes one process of the sandbox: `python -m kafkalert.sandbox.launch FOLDER COMMAND...`.

Runs in between so that a process is on record before it is anything at all. See `kafkalert.sandbox.process.spawn`.
"""

import os
import sys
from pathlib import Path

from kafkalert.sandbox.process import LOCK_FD, identify


def main(folder: str, *command: str) -> None:
    """Leave the terminal's session, record this process in FOLDER/pid, let the lock go, become the command."""
    os.setsid()
    os.umask(0o077)
    os.chdir(folder)
    found = identify(os.getpid())
    if found is None:
        sys.exit("this process is not in the process table")
    part = Path("pid.part")
    part.write_text(f"{found[0]}\n", encoding="ascii")
    part.replace("pid")
    os.close(LOCK_FD)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(*sys.argv[1:])
