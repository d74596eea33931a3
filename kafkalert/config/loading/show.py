"""What is in force and where each value came from, for `kafkalert config show`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from pydantic import SecretBytes, SecretStr

from kafkalert.config.durations import format_duration
from kafkalert.config.loading.load import Loaded
from kafkalert.config.properties import is_secret
from kafkalert.config.sections import Section

HIDDEN = "***"
Scalar = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Value:
    """One key: its place in kafkalert.toml, its value as it is written there, secrets hidden, and its origin."""

    key: str
    value: Scalar | list[str]
    source: str


def in_force(loaded: Loaded) -> list[Value]:
    """Every key of the configuration for the chosen context, in the order of kafkalert.toml."""
    settings = loaded.settings
    found: list[tuple[str, object]] = [("context", settings.context.name)]
    found += _leaves(f"contexts.{settings.context.name}", settings.context)
    for name, cluster in settings.clusters.items():
        found += _leaves(f"clusters.{name}", cluster)
    for name in type(settings).model_fields:
        section = getattr(settings, name)
        if name not in ("context", "clusters"):
            found += _leaves(name, section)
    return [Value(key, _written(key, value, loaded), loaded.sources.get(key, "default")) for key, value in found]


def _leaves(place: str, section: Section) -> Iterator[tuple[str, object]]:
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _leaves(f"{place}.{name}", value)
        elif isinstance(value, dict):
            yield from ((f"{place}.{name}.{key}", item) for key, item in value.items())
        elif name != "name":
            yield f"{place}.{name}", value


def _written(key: str, value: object, loaded: Loaded) -> Scalar | list[str]:
    if key in loaded.references:
        return f"{HIDDEN} ({loaded.references[key]})"
    if isinstance(value, SecretStr | SecretBytes):
        plain = ".kafka." in key and not is_secret(key.partition(".kafka.")[2])
        return str(value.get_secret_value()) if plain else HIDDEN
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, tuple):
        return [str(item) for item in value]
    return value if value is None or isinstance(value, str | int | bool) else str(value)
