"""The raw tables: read from the file, overlaid by the environment, librdkafka's properties brought to one form."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from kafkalert.config.loading.environment import overrides
from kafkalert.config.loading.find import Found
from kafkalert.config.loading.lines import lines
from kafkalert.config.loading.report import Problem, ProblemsError, Report
from kafkalert.config.loading.trust import check_trusted, loosens
from kafkalert.config.secrets import is_reference
from kafkalert.errors import ConfigError

_GUARDED = "guards the environment, and no variable takes it away: write it into the file"


def table(raw: Mapping[str, Any], *place: str) -> dict[str, Any]:
    """Return the table at `place`, empty if there is none or something else."""
    current: Any = raw
    for part in place:
        current = current.get(part) if isinstance(current, dict) else None
    return current if isinstance(current, dict) else {}


def read_tables(found: Found | None) -> tuple[dict[str, Any], Report]:
    """Return the file's document overlaid by KAFKALERT_* variables, and a report that knows where each key came from.

    Raises:
        ConfigError: the file cannot be read, or is no TOML.
    """
    raw: dict[str, Any] = {}
    report = Report("the environment")
    if found is not None:
        check_trusted(found)
        label = str(found.path)
        text = _text(found)
        try:
            raw = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ProblemsError([_syntax(label, error)]) from error
        report = Report(label, {place: f"{label}:{line}" for place, line in lines(text).items()})
        if found.sandbox:
            report.notes.append(f"Using {found.path}, as no other configuration was found.")
    for name in table(raw, "clusters"):
        _flatten_properties(raw, name, report)
    for path, (variable, value) in overrides(os.environ, raw).items():
        if loosens(raw, path, value):
            report.add(path, _GUARDED, source=variable)
            continue
        _put(raw, path, value)
        report.sources[".".join(path)] = variable
    return raw, report


def _text(found: Found) -> str:
    try:
        return found.path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(
            f"There is no configuration file {found.path}.", hint=f"Write one with `kafkalert init {found.path}`."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{found.path} is not UTF-8 text.", hint="Save it as UTF-8, or name another file.") from error
    except OSError as error:
        raise ConfigError(
            f"{found.path} cannot be read: {error.strerror}.", hint="Name a file that you may read with --config."
        ) from error


def _syntax(label: str, error: tomllib.TOMLDecodeError) -> Problem:
    message, _, where = str(error).partition(" (at ")
    line = where.removeprefix("line ").partition(",")[0].rstrip(")")
    return Problem(f"{label}:{line}" if line.isdecimal() else label, "the file", f"is no TOML: {message.lower()}")


def _flatten_properties(raw: dict[str, Any], cluster: str, report: Report) -> None:
    """`sasl.password = ...` is a table in a table for TOML; here it is one property, quoted or not."""
    properties = table(raw, "clusters", cluster, "kafka")
    if not properties:
        return
    flat: dict[str, Any] = {}
    for name, value in _flat(properties):
        if name in flat:
            report.add(["clusters", cluster, "kafka", name], "is given twice")
        flat[name] = value
    raw["clusters"][cluster]["kafka"] = flat


def _flat(properties: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in properties.items():
        if isinstance(value, dict) and not is_reference(value):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _put(raw: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    """Set one value, making tables on the way; what stands in the way, and is none, is replaced."""
    current = raw
    for part in path[:-1]:
        if not isinstance(current.get(part), dict):
            current[part] = {}
        current = current[part]
    current[path[-1]] = value
