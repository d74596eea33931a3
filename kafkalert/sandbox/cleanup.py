"""What a sandbox consists of on disk and in the process table, and how all of it is removed.

Imports little: the guard process does nothing but wait for its chance to call this.
"""

import contextlib
import shutil
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from kafkalert.config.private_files import own_folder
from kafkalert.errors import KafkalertError
from kafkalert.sandbox.lock import exclusive
from kafkalert.sandbox.process import Identity, recorded, send, state_of, wait_until


def data_folder(folder: Path) -> Path:
    """Where the components have a folder each; `folder` is the sandbox's, usually `.kafkalert`."""
    return folder / "sandbox"


def config_file(folder: Path) -> Path:
    """Return the configuration of kafkalert that leads to the sandbox."""
    return folder / "sandbox.toml"


def alone(folder: Path, *, seconds: float = 10) -> AbstractContextManager[int]:
    """Hold the sandbox's lock. Raises KafkalertError if another command still has it after `seconds`."""
    busy = f"Another command is changing the sandbox in {folder}."
    return exclusive(folder / "sandbox.lock", seconds=seconds, busy=busy)


def processes(folder: Path) -> Iterator[Identity]:
    """Every process that the sandbox has on record, running or not."""
    for file in sorted(data_folder(folder).glob("*/pid")):
        if (found := recorded(file.parent)) is not None:
            yield found


def identity_file(folder: Path) -> Path:
    """Tells one sandbox of the folder from the next: a guard must not end the successor of what it guards."""
    return data_folder(folder) / "id"


def end(folder: Path) -> None:
    """End every process of the sandbox and remove its parts; the caller holds the lock.

    Raises KafkalertError if a process does not end.
    """
    for config in folder.glob(f"{config_file(folder).name}*"):  # also one whose writing was cut off
        config.unlink()
    running = list(processes(folder))
    for process in running:
        send(process, signal.SIGKILL)
    if not wait_until(lambda: all(state_of(process) is None for process in running), 30):
        left = ", ".join(str(process.pid) for process in running if state_of(process))
        raise KafkalertError(
            f"Processes of the sandbox do not end: {left}.", hint="Look at them with ps; they may wait for a disk."
        )
    for part in data_folder(folder).glob("*"):
        if part.is_dir():
            shutil.rmtree(part)  # which follows no link


def clear(folder: Path) -> bool:
    """As `end`, and remove all data; returns whether there was any."""
    end(folder)
    data = data_folder(folder)
    there = data.exists()
    if there:
        shutil.rmtree(data)
    return there


def id_of(folder: Path) -> str | None:
    """Return the id of the sandbox in the folder; None if there is none, or one that has hardly begun."""
    try:
        return identity_file(folder).read_text(encoding="ascii")
    except OSError:
        return None


def remove(folder: Path, *, only: str | None = None, seconds: float = 10) -> bool:
    """As `clear`, and leave no trace of the sandbox; with `only` not of one that has another id.

    Returns whether there was one. Raises KafkalertError if another command has the lock for longer than `seconds`.
    """
    if not folder.is_dir():
        return False
    own_folder(folder)
    if data_folder(folder).exists():
        own_folder(data_folder(folder))
    with alone(folder, seconds=seconds):
        if only is not None and id_of(folder) not in {only, None}:
            return False
        there = clear(folder)
        (folder / "sandbox.lock").unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # other things may live in it
        folder.rmdir()
    return there
