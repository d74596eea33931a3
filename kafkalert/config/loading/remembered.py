"""The context that a user has chosen for a configuration file by `kafkalert context use`.

It is kept for this user alone, by the file's path: a name means another environment in another file. Standard library
alone, because the shell's completion uses it too.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Final

from kafkalert.config import user
from kafkalert.config.private_files import own_folder, own_text
from kafkalert.errors import ConfigError, KafkalertError

BY_USE: Final = "kafkalert context use"
"""Where such a choice came from, as `config show` and `context list` name it."""


def remembered(config: Path) -> str | None:
    """Return the context chosen for the file `config`; None without any.

    Raises ConfigError where somebody else may have written the choice.
    """
    place = _place()
    return None if place is None else _read(place).get(_key(config))


def remember(config: Path, context: str | None) -> bool:
    """Keep `context` as the choice for the file `config`, or forget it (None); False where nothing was to be forgotten.

    Raises KafkalertError where it cannot be written.
    """
    place = _place()
    if place is None:
        raise ConfigError(
            "The choice cannot be kept: this user has no home.",
            hint="Set XDG_STATE_HOME to a folder that is writable, or choose by -C or KAFKALERT_CONTEXT.",
        )
    choices = _read(place)
    before = choices.pop(_key(config), None)
    if context is not None:
        choices[_key(config)] = context
    elif before is None:
        return False
    try:
        _write(place, choices)
    except OSError as error:
        raise KafkalertError(
            f"The choice cannot be kept in {place}: {error.strerror}.",
            hint="Make it writable, or choose by -C or KAFKALERT_CONTEXT.",
        ) from error
    return True


def _place() -> Path | None:
    folder = user.state_folder()
    return None if folder is None else folder / "kafkalert/contexts.json"


def _key(config: Path) -> str:
    return str(config.resolve())


def _read(place: Path) -> dict[str, str]:
    text = own_text(place)
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found.values()):
        raise ConfigError(f"{place} is damaged.", hint="Remove it, and choose again by `kafkalert context use NAME`.")
    return found


def _write(place: Path, choices: dict[str, str]) -> None:
    """Write all of it at once, for this user alone: whoever reads meanwhile sees the old choices or the new ones."""
    folder = own_folder(place.parent)
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=place.name)  # with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(choices, file, indent=2)
        Path(name).replace(place)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
