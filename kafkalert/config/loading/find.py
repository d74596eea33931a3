"""Where the configuration file is; standard library alone, because the shell's completion uses it too."""

import os
from dataclasses import dataclass
from pathlib import Path

from kafkalert.config import user
from kafkalert.errors import ConfigError

FILE = "kafkalert.toml"
SANDBOX = Path(".kafkalert/sandbox.toml")


@dataclass(frozen=True, slots=True)
class Found:
    """The file in force. `asked` says that a flag or KAFKALERT_CONFIG named it, so it has to exist."""

    path: Path
    asked: bool = False
    sandbox: bool = False


def places() -> tuple[Path, ...]:
    """Where a file is looked for when none was named, in order."""
    own = user.config_folder()
    return (Path(FILE), SANDBOX, *(() if own is None else (own / "kafkalert" / FILE,)))


def find(flag: Path | None = None) -> Found | None:
    """Return the file of a flag, else of KAFKALERT_CONFIG, else the first that exists of `places`; None without any.

    Raises ConfigError where one of those places is closed to this user.
    """
    if flag is not None:
        return Found(flag, asked=True)
    if named := os.environ.get("KAFKALERT_CONFIG"):
        return Found(Path(named), asked=True)
    for path in places():
        try:
            there = path.is_file()
        except PermissionError as error:
            raise ConfigError(
                f"Whether there is a {path} is not known: this user may not look into the folder {path.parent}.",
                hint="Ask whose folder it is, or name the configuration with --config.",
            ) from error
        if there:
            return Found(path, sandbox=path == SANDBOX)
    return None
