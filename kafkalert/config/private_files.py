"""Folders and files that kafkalert keeps for itself: this user's own, entered by nobody else, and no links.

Standard library alone, because the shell's completion uses it too.
"""

import errno
import os
import stat
from pathlib import Path

from kafkalert.errors import ConfigError


def own_folder(folder: Path) -> Path:
    """`folder`, made if need be, with mode 0700. Raises ConfigError where somebody else may have put it there.

    One that root made, as a container's volume, is taken as it is.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    status = folder.lstat()
    _check(folder, status, is_right=stat.S_ISDIR(status.st_mode), kind="a folder")
    if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) & 0o077:
        folder.chmod(0o700)
    return folder


def own_file(file: Path) -> Path:
    """`file`, made if need be, with mode 0600. Raises ConfigError as `own_folder` does."""
    if file.is_symlink():
        _check(file, file.lstat(), is_right=False, kind="a file")
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        status = os.fstat(descriptor)
        _check(file, status, is_right=stat.S_ISREG(status.st_mode), kind="a file")
        if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) & 0o077:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    return file


def own_text(file: Path) -> str | None:
    """Return what `file` says; None where there is none, or no way to it. Raises ConfigError as `own_folder` does."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            _check(file, file.lstat(), is_right=False, kind="a file")
        return None
    with os.fdopen(descriptor, "rb") as opened:
        status = os.fstat(descriptor)
        _check(file, status, is_right=stat.S_ISREG(status.st_mode), kind="a file")
        if stat.S_IMODE(status.st_mode) & 0o022:
            raise ConfigError(
                f"{file} can be changed by other users; kafkalert does not follow it.",
                hint=f"Look at it, then run: chmod go-w {file}",
            )
        return opened.read().decode("utf-8", "replace")


def _check(path: Path, status: os.stat_result, *, is_right: bool, kind: str) -> None:
    if is_right and status.st_uid in {os.geteuid(), 0}:
        return
    if is_right:
        what = f"belongs to another user (uid {status.st_uid})"
    else:
        what = "is a link" if stat.S_ISLNK(status.st_mode) else f"is not {kind}"
    raise ConfigError(
        f"{path} {what}; kafkalert leaves it alone.",
        hint="Look at who made it, and remove it; or choose another folder.",
    )
