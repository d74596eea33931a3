"""From kafkalert.toml and the environment to `Settings`."""

import tomllib
from collections.abc import Callable
from pathlib import Path

from kafkalert.config.find import find
from kafkalert.config.sections import Settings
from kafkalert.errors import ConfigError


def load(
    config: Path | None = None,
    context: str | None = None,
    *,
    read_only: bool | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> Settings:
    """The configuration in force."""
    found = find(config)
    if found is None:
        raise ConfigError("There is no configuration.", hint="Run `kafkalert init` or `kafkalert sandbox up`.")
    if found.sandbox:
        note(f"Using {found.path}.")
    raw = tomllib.loads(found.path.read_text("utf-8-sig"))
    contexts = raw.pop("contexts", None) or {"default": {"clusters": list(raw.get("clusters", {}))}}
    name = context or raw.pop("context", None) or next(iter(contexts))
    raw.pop("context", None)
    clusters = {key: {"name": key, **value} for key, value in raw.pop("clusters", {}).items()}
    chosen = {"name": name, **contexts[name], **({"read_only": True} if read_only else {})}
    return Settings.model_validate({"context": chosen, "clusters": clusters, **raw})
