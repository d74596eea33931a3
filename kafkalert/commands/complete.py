"""Names for the shell's completion, read from the configuration file alone: no network, no heavy import, no error."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

import typer

from kafkalert.commands.invocation import of
from kafkalert.errors import KafkalertError


def contexts(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of contexts."""
    document = _document(ctx)
    return _matching(_table(document, "contexts") or ["default"], incomplete)


def clusters(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of clusters."""
    return _matching(_table(_document(ctx), "clusters"), incomplete)


def words(ctx: typer.Context, incomplete: str) -> list[str]:
    """Words for the topics that are asked for most."""
    from kafkalert.config.pipeline import WORDS  # noqa: PLC0415 - not for --help

    del ctx
    return _matching(WORDS, incomplete)


def topics(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names that the pipeline's topics have in the chosen context, prefix included."""
    from kafkalert.config.stages import topic_names  # noqa: PLC0415 - not for --help

    document = _document(ctx)
    environments = _table(document, "contexts")
    chosen = of(ctx).context or _chosen(ctx) or document.get("context") or next(iter(environments), "")
    prefix = str(_table(environments, str(chosen)).get("prefix", ""))
    names = _table(_table(document, "topics"), "names")
    return _matching((f"{prefix}{names.get(topic, topic)}" for topic in topic_names()), incomplete)


def _chosen(ctx: typer.Context) -> str | None:
    """Return the context that a variable, or the user's own choice, names."""
    from kafkalert.config.loading.find import find  # noqa: PLC0415 - as above
    from kafkalert.config.loading.remembered import remembered  # noqa: PLC0415 - as above

    if named := os.environ.get("KAFKALERT_CONTEXT"):
        return named
    try:
        found = find(of(ctx).config)
        return remembered(found.path) if found else None
    except (OSError, KafkalertError):  # as below
        return None


def _matching(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = document.get(name)
    return table if isinstance(table, dict) else {}


def _document(ctx: typer.Context) -> Mapping[str, Any]:
    import tomllib  # noqa: PLC0415 - completing an option's name needs no file

    from kafkalert.config.loading.find import find  # noqa: PLC0415 - as above

    try:
        found = find(of(ctx).config)
        return tomllib.loads(found.path.read_text("utf-8-sig")) if found else {}
    except (OSError, ValueError, KafkalertError):  # ValueError: no TOML, or no UTF-8. A shell shows no errors.
        return {}
