"""Who runs this process, by its uid, and where its own files are. Variables say nothing about who somebody is.

Standard library alone, because the shell's completion uses it too.
"""

import os
from pathlib import Path

_CONFIG = ("XDG_CONFIG_HOME", ".config")
_STATE = ("XDG_STATE_HOME", ".local/state")


def name() -> str:
    """Return the name of this process's uid; `uid-N` where it has none, as in many containers."""
    import pwd  # noqa: PLC0415 - not for --help

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"


def config_folder() -> Path | None:
    """Return the folder of the user's own configuration, by the XDG Base Directory specification.

    It returns None without a home.
    """
    return _folder(*_CONFIG)


def state_folder() -> Path | None:
    """Return the same of what is kept."""
    return _folder(*_STATE)


def _folder(variable: str, place: str) -> Path | None:
    chosen = os.environ.get(variable, "")
    if chosen.startswith("/"):
        return Path(chosen)
    try:
        return Path.home() / place
    except RuntimeError:  # no HOME, and a uid without an entry
        return None
