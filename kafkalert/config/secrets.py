"""Secrets stand outside the configuration file: `{env = "X"}` names a variable, `{file = "..."}` a file."""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


def is_reference(value: object) -> bool:
    """Whether a value of the file says where a secret is."""
    return isinstance(value, Mapping) and len(value) == 1 and set(value) <= {"env", "file"}


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a value stands: in the variable `target`, or in the file of that absolute path."""

    kind: Literal["env", "file"]
    target: str
    written: str = ""
    """The file as the configuration names it."""

    def __str__(self) -> str:
        return f"variable {self.target}" if self.kind == "env" else f"file {self.written or self.target}"


def described(reference: Mapping[str, Any], folder: Path) -> Reference:
    """Where a reference points, without what is there; a relative file is meant from `folder`."""
    ((kind, target),) = reference.items()
    if kind == "env":
        return Reference("env", target)
    return Reference("file", str((folder / Path(target).expanduser()).absolute()), target)


def resolve(reference: Mapping[str, Any], folder: Path, warn: Callable[[str], None]) -> bytes:
    """Return the secret that `reference` points at.

    A relative file is looked for in `folder`, its last newline is dropped.

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
