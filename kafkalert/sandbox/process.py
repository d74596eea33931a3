"""Processes that outlive whoever started them, known again by pid and time of start.

A pid alone says nothing once its process has ended: the kernel gives it out again. So each process of the sandbox has a
file that holds its pid with the time at which it began, and is signalled only while both still agree.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PROC = Path("/proc")
LOCK_FD = 3
"""The descriptor by which `kafkalert.sandbox.launch` holds the sandbox's lock until it has recorded itself."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One process, told apart from any later one with its pid.

    `began` compares equal for the same process only: on Linux the boot and the clock ticks since it (proc_pid_stat(5),
    field 22), elsewhere the date that ps prints.
    """

    pid: int
    began: str

    def __str__(self) -> str:
        return f"{self.pid} {self.began}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the identity in a pid file, or None if the text is cut off or something else."""
        pid, _, began = text.strip().partition(" ")
        return cls(int(pid), began) if pid.isdigit() and began else None

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """Return the identity in a pid file, or None if the file is away or holds none."""
        try:
            return cls.parse(file.read_text(encoding="ascii"))
        except (OSError, UnicodeDecodeError):
            return None


def recorded(home: Path) -> Identity | None:
    """Return the process on record in a component's folder, if it is one of the sandbox.

    Such a one runs in that folder, see `kafkalert.sandbox.launch`. Whatever else a file there names is left alone:
    anybody may have written it.
    """
    known = Identity.read(home / "pid")
    if known is None or not PROC.joinpath("self/stat").exists():
        return known
    try:
        inside = PROC.joinpath(str(known.pid), "cwd").samefile(home)
    except OSError:  # it has ended, or is another user's
        inside = state_of(known) is None
    return known if inside else None


def identify(pid: int) -> tuple[Identity, str] | None:
    """Return the process that has this pid now, or None, and its state letter as in ps (`T` stopped, `Z` ended)."""
    if PROC.joinpath("self/stat").exists():
        try:
            stat = PROC.joinpath(str(pid), "stat").read_text(encoding="utf-8", errors="replace")
            boot = PROC.joinpath("sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except OSError:
            return None
        # The command's name stands in parentheses and may hold anything, parentheses too.
        fields = stat.rpartition(")")[2].split()
        state, threads, began = fields[0], int(fields[17]), fields[19]
        # The first thread is gone at once; the others may still hold the port and the files.
        dying = state == "Z" and threads > 1
        return Identity(pid, f"{boot} {began}"), "D" if dying else state
    ps = subprocess.run(
        ["/bin/ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, began = ps.stdout.strip().partition(" ")
    return (Identity(pid, began.strip()), state[0]) if began else None


def state_of(process: Identity | None) -> str | None:
    """Return the state letter of a process that is still this very one and has not ended, else None."""
    found = identify(process.pid) if process else None
    if found is None or found[0] != process:
        return None
    if found[1] in "ZX":
        reap(process.pid)
        return None
    return found[1]


def reap(pid: int) -> None:
    """Take a child that has ended out of the process table; nothing happens if it is somebody else's."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def send(process: Identity, number: signal.Signals) -> bool:
    """Signal the process and all that it started (its process group); False if it had ended before."""
    if state_of(process) is None:
        return False
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def wait_until(condition: Callable[[], bool], seconds: float, *, every: float = 0.02) -> bool:
    """Ask until the condition holds; False if it did not within `seconds`.

    For what nobody tells: the state of processes that are not our children, files and ports of theirs.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True


def kill(process: Identity, *, seconds: float = 10) -> bool:
    """SIGKILL a process group and wait until the process is gone; False if it is still there after `seconds`."""
    send(process, signal.SIGKILL)
    return wait_until(lambda: state_of(process) is None, seconds)


def spawn(command: Sequence[str], *, folder: Path, env: Mapping[str, str], lock: int) -> Identity | None:
    """Start a command in `folder`, in its own session, with its output in `folder/log`.

    The process writes `folder/pid` itself and keeps the lock until it has: so whoever holds the lock next knows every
    process of the sandbox, even if the caller is killed in the middle of this. Returns None if the process has not
    recorded itself within 30 s.
    """
    pid_file = folder / "pid"
    pid_file.unlink(missing_ok=True)
    write = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", "kafkalert.sandbox.launch", str(folder), *command],
        env,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(folder / "log"), write, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
            (os.POSIX_SPAWN_DUP2, lock, LOCK_FD),
        ],
    )
    found: list[Identity] = []

    def recorded() -> bool:
        known = Identity.read(pid_file)
        if known is not None:
            found.append(known)
            return True
        now = identify(pid)
        return now is None or state_of(now[0]) is None

    wait_until(recorded, 30)
    return found[0] if found else None
