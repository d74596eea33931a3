"""What keeps the tables from being used, and why: from what the system and LMDB say, each cause in its own sentence."""

import errno
import os
import shutil
from pathlib import Path
from typing import Final

import lmdb

from kafkalert.errors import ConfigError, KafkalertError, NotReadyError, RestartError

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_RIGHT: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_KNOWN: Final = {os.strerror(code): code for code in (*_NO_ROOM, *_NO_RIGHT, errno.ENOMEM, errno.EAGAIN, errno.EIO)}
"""By their texts: LMDB's library gives no number."""
_SPARE_BYTES: Final = 1 << 20
"""With less than this, what was written in part found no room for the rest."""
_DAMAGED: Final = (lmdb.InvalidError, lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.VersionMismatchError)


class TablesFullError(KafkalertError):
    """The tables cannot grow: the disk is full, or `engine.table_size` is reached."""


class RebuildingError(NotReadyError):
    """The tables are being read again, from the beginning or from an earlier place: no alert may be decided by them."""

    def __init__(self, folder: Path, *, emptied: bool) -> None:
        super().__init__(f"The tables in {folder} are being read again.", hint="It goes on by itself.")
        self.emptied = emptied


class ForeignTablesError(KafkalertError):
    """Another version or configuration of kafkalert has opened the tables, and compiles other rules into them."""


class LostTablesError(RestartError):
    """The tables' files were taken away under this process, and nobody else sees what it has open."""


def fault(folder: Path, size: int, error: OSError | lmdb.Error) -> KafkalertError | None:  # noqa: PLR0911 - one a cause
    """Return the error for what keeps the tables in `folder` from being opened or written; None for what nobody knows.

    `size` is `engine.table_size`.
    """
    number, said = _number(error), _said(error)
    if isinstance(error, lmdb.MapFullError | lmdb.TxnFullError):
        return TablesFullError(
            f"The tables in {folder} cannot be written: they have the {size:,} bytes of engine.table_size.",
            hint="Raise engine.table_size; it takes disk space only as rows come.",
        )
    if number in _NO_ROOM or (number == errno.EIO and _is_full(folder)):
        return TablesFullError(
            f"The tables in {folder} cannot be written: no room is left there.", hint="Free disk space there."
        )
    if number in _NO_RIGHT:
        return ConfigError(
            f"This user may not write the tables' folder {folder}: {said}.",
            hint="Give this user the right to write there, or choose another folder with engine.state.",
        )
    if number == errno.ENOMEM:
        return ConfigError(
            f"The tables in {folder} need {size:,} bytes of address space (engine.table_size); this process may not"
            " have so many.",
            hint="Lower engine.table_size, or raise the limit (`ulimit -v`).",
        )
    if number == errno.EAGAIN:
        return foreign(folder)
    if isinstance(error, _DAMAGED):
        return KafkalertError(
            f"The tables in {folder} are damaged: {said}.",
            hint=f"Stop all that uses them, remove {folder}, and start again: they are read anew from their topics.",
        )
    if number == errno.EIO:
        return TablesFullError(
            f"The tables in {folder} cannot be written: {said}.",
            hint="Look at the disk there; its room is not all used.",
        )
    if isinstance(error, OSError):
        return ConfigError(
            f"The tables' folder {folder} cannot be used: {said}.",
            hint="Choose another one with engine.state, on a local disk.",
        )
    return None


def foreign(folder: Path) -> KafkalertError:
    """Return the error for tables that a process in another PID namespace uses.

    LMDB knows processes and threads by number.
    """
    return ConfigError(
        f"The tables in {folder} are in use by another container, or another machine.",
        hint="Give each container a folder of its own with engine.state; the processes of one container share theirs.",
    )


def _number(error: OSError | lmdb.Error) -> int | None:
    return error.errno if isinstance(error, OSError) else _KNOWN.get(_said(error))


def _said(error: OSError | lmdb.Error) -> str:
    text = error.strerror if isinstance(error, OSError) else str(error).rpartition(": ")[2]
    return (text or type(error).__name__).rstrip(".")


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _SPARE_BYTES
    except OSError:
        return False
