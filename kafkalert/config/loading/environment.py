"""KAFKALERT_* variables as values of the configuration: `KAFKALERT_ENGINE__BATCH=500` is batch of [engine]."""

import tomllib
from collections.abc import Mapping
from typing import Any

PREFIX = "KAFKALERT_"
_NAMED = ("clusters", "contexts")
_CLUSTER_PARTS = 4


def overrides(environ: Mapping[str, str], file: Mapping[str, Any]) -> dict[tuple[str, ...], tuple[str, Any]]:
    """Return what the variables set: path in the configuration -> name of the variable and its value.

    `__` goes one table down. Names of clusters and contexts are those of `file` where only the case differs.
    A librdkafka property may be written with `_` or `__` for its points. Variables without `__`, but for
    KAFKALERT_CONTEXT, are somebody else's: Kubernetes, for one, sets KAFKALERT_PORT beside a service of that name.
    """
    found: dict[tuple[str, ...], tuple[str, Any]] = {}
    for variable in sorted(environ):
        parts = variable.removeprefix(PREFIX).lower().split("__")
        if not variable.startswith(PREFIX) or (len(parts) == 1 and parts != ["context"]):
            continue
        if parts[0] in _NAMED:
            parts[1] = _spelled(parts[1], file.get(parts[0]))
        if parts[0] == "clusters" and len(parts) >= _CLUSTER_PARTS and parts[2] == "kafka":
            name = ".".join(parts[3:]).replace("_", ".")
            parts[3:] = ["log_level" if name == "log.level" else name]
        found[tuple(parts)] = (variable, _value(environ[variable]))
    return found


def _spelled(name: str, table: object) -> str:
    names = table if isinstance(table, Mapping) else {}
    return next((known for known in names if known.lower() == name), name)


def _value(text: str) -> object:
    """Return the variable's text, or what it says as a TOML list or inline table.

    Numbers are converted with their key.
    """
    if text[:1] in ("[", "{"):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text
    return text
