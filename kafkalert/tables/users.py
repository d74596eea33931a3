"""Who may use the tables of a folder at the same time: processes of one PID namespace."""

import fcntl
from pathlib import Path
from typing import IO, Final

from kafkalert.config.private_files import own_file
from kafkalert.tables.faults import foreign

BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
"""What tells this boot of the machine from all others."""


def join_users(folder: Path) -> IO[str]:
    """Return a file that is locked as long as this process uses the tables.

    LMDB knows processes by their number and locks by those of threads, and each PID namespace has its own. Raises
    ConfigError where processes of another one use the tables.
    """
    users = own_file(folder / "users.lock").open("r+", encoding="ascii")
    here = _namespace()
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if users.read() != here:
            users.close()
            raise foreign(folder) from None
    else:
        users.write(here)
        users.truncate()
        users.flush()
    fcntl.flock(users, fcntl.LOCK_SH)
    return users


def is_alone(users: IO[str]) -> bool:
    """Whether nobody else has joined; `users` is what `join_users` has returned, and nobody joins meanwhile."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        fcntl.flock(users, fcntl.LOCK_SH)
    return True


def _namespace() -> str:
    """Return what tells this PID namespace from all others, on any machine."""
    try:
        return f"{BOOT.read_text(encoding='ascii').strip()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # a system that has none
        return ""
