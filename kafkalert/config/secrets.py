"""Secrets stand outside the configuration file: `{env = "X"}` names a variable, `{file = "..."}` a file."""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def is_reference(value: object) -> bool:
    """Whether a value of the file says where a secret is."""
    return isinstance(value, Mapping) and len(value) == 1 and set(value) <= {"env", "file"}


def described(reference: Mapping[str, Any]) -> str:
    """Where a reference points, without what is there."""
    ((kind, target),) = reference.items()
    return f"{'variable' if kind == 'env' else 'file'} {target}"


def resolve(reference: Mapping[str, Any], folder: Path, warn: Callable[[str], None]) -> bytes:
    """The secret that `reference` points at; a relative file is looked for in `folder`, its last newline is dropped.

    Raises:
        ValueError: nothing is there; the message, the end of a sentence, names the place and never what was found.
    """
    ((kind, target),) = reference.items()
    if not isinstance(target, str) or not target:
        raise ValueError(f'should be {{{kind} = "..."}}')
    if kind == "env":
        value = os.environ.get(target, "")
        if not value:
            raise ValueError(f"points at the variable {target}, which is not set")
        return os.fsencode(value)
    path = folder / Path(target).expanduser()
    try:
        content = path.read_bytes()
        mode = path.stat().st_mode
    except OSError as error:
        raise ValueError(f"points at the file {path}, which cannot be read: {error.strerror}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        warn(f"Others may read the secret in {path}. Run: chmod 600 {path}")
    content = content.removesuffix(b"\n").removesuffix(b"\r")
    if not content:
        raise ValueError(f"points at the file {path}, which is empty")
    return content
