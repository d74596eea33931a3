"""What a configuration may do that nobody named: a file that lies about, and variables that somebody else has set."""

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from kafkalert.config.loading.find import Found
from kafkalert.config.secrets import Reference
from kafkalert.errors import ConfigError

_SAFE: Final[Mapping[str, bool]] = {"production": True, "read_only": True, "unmask": False}
"""The guards of a context, and the value that forbids most."""
_TRUE: Final = ("true", "1", "yes", "on", "t", "y")


def check_trusted(found: Found) -> None:
    """Check that nobody else can have written a file that was found and not named: it says where secrets are sent.

    Its owner is this user or root, and neither other users nor another group may write it. A file that was named is
    taken as it is. Raises ConfigError.
    """
    if found.asked:
        return
    try:
        status = found.path.stat()
    except OSError:
        return  # whoever reads it next says so
    if status.st_uid not in {os.geteuid(), 0}:
        raise _refused(found.path, f"belongs to another user (uid {status.st_uid})", "if you trust it, name it")
    mode = status.st_mode
    if mode & stat.S_IWOTH or (mode & stat.S_IWGRP and status.st_gid not in {os.getegid(), 0}):
        raise _refused(found.path, "can be changed by other users", f"run: chmod go-w {found.path}; or name it")


def _refused(path: Path, why: str, mend: str) -> ConfigError:
    return ConfigError(
        f"{path} was found in passing, and {why}; it is not used.",
        hint=f"Look at it; {mend} with --config or KAFKALERT_CONFIG.",
    )


def loosens(raw: Mapping[str, Any], path: tuple[str, ...], value: object) -> bool:
    """Whether a variable would take a guard of a context away: whoever sets one has not the file's say."""
    match path:
        case ("contexts", name, guard) if guard in _SAFE:
            wanted = value if isinstance(value, bool) else str(value).lower() in _TRUE
            return wanted is not _SAFE[guard] and _said(raw, name, guard) is _SAFE[guard]
        case ("contexts", name) if isinstance(value, Mapping):
            return any(loosens(raw, ("contexts", name, guard), value.get(guard, False)) for guard in _SAFE)
        case _:
            return False


def _said(raw: Mapping[str, Any], name: str, guard: str) -> bool:
    contexts = raw.get("contexts")
    context = contexts.get(name) if isinstance(contexts, Mapping) else None
    return bool(context.get(guard, False)) if isinstance(context, Mapping) else False


def far_secrets(found: Found | None, references: Iterable[Reference]) -> list[str]:
    """Return a sentence for each secret outside the folder of a file that nobody named.

    That file says where the secret goes.
    """
    if found is None or found.asked:
        return []
    folder = found.path.parent.resolve()
    files = {reference.target for reference in references if reference.kind == "file"}
    far = sorted(file for file in files if not Path(file).resolve().is_relative_to(folder))
    return [
        f"{found.path}, found in passing, sends the secret in {file} to the addresses that it names." for file in far
    ]
