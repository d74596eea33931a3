"""The contexts of a configuration, and which of them is in force: flag, variable, the user's choice, the file's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from kafkalert.config.loading.document import Document
from kafkalert.config.loading.find import Found, find
from kafkalert.config.loading.remembered import BY_USE, remember, remembered
from kafkalert.config.loading.report import Report
from kafkalert.config.loading.tables import read_tables, table
from kafkalert.config.properties import suggestion
from kafkalert.config.sections import Context
from kafkalert.errors import ConfigError, UsageError

_PLACE: Final = ("context",)
_ONLY_ONE: Final = "the only one"


@dataclass(frozen=True, slots=True)
class ContextChoice:
    """One context of the configuration. `by`: what chose it; None where it is not the one in force."""

    name: str
    clusters: tuple[str, ...]
    prefix: str
    production: bool
    read_only: bool
    chosen: bool
    by: str | None


@dataclass(frozen=True, slots=True)
class Contexts:
    """All contexts. `problem`: why none of them is in force, and what mends that; empty where one is."""

    choices: tuple[ContextChoice, ...]
    problem: str
    hint: str


@dataclass(frozen=True, slots=True)
class Used:
    """What was kept for `file`: `context`, None where the choice was forgotten; False in `changed` if there was none.

    `now` is the context in force, None without any, and `by` what chose it.
    """

    file: Path
    context: Context | None
    changed: bool
    now: str | None
    by: str


def recall(raw: dict[str, Any], flag: str | None, found: Found | None, report: Report) -> None:
    """Put the user's choice in place of the file's own `context`, unless a flag or a variable names one.

    Raises ConfigError where somebody else may have written it.
    """
    if flag or found is None or report.by_variable(_PLACE):
        return
    name = remembered(found.path)
    if name is None:
        return
    if name != (raw.get("context") or _only(raw)):
        report.notes.append(f"Using context {name}, which you chose by `kafkalert context use`.")
    raw["context"] = name
    report.sources["context"] = BY_USE


def check_recalled(raw: Mapping[str, Any], report: Report) -> None:
    """Check that the user's choice, if it is in force, is still a context. Raises ConfigError."""
    if report.sources.get("context") == BY_USE and str(raw["context"]) not in table(raw, "contexts"):
        raise ConfigError(_missing(raw, report.origin), hint=_hint(BY_USE))


def contexts(config: Path | None, flag: str | None) -> Contexts:
    """Return the contexts of the configuration. Raises ConfigError where these cannot be read."""
    found, raw, report = _read(config)
    recall(raw, flag, found, report)
    name, by = _in_force(raw, flag, report)
    known = _typed(raw, report)
    choices = tuple(
        ContextChoice(
            each.name,
            each.clusters,
            each.prefix,
            each.production,
            each.read_only,
            each.name == name,
            by if each.name == name else None,
        )
        for each in known.values()
    )
    if name in known:
        return Contexts(choices, "", "")
    if name is None:
        return Contexts(choices, "No context is chosen.", _hint(""))
    if by == BY_USE:
        return Contexts(choices, _missing(raw, report.origin), _hint(BY_USE))
    return Contexts(choices, f"{by} names {name}, which is no context{_meant(name, known)}", _hint(by))


def use(config: Path | None, name: str | None) -> Used:
    """Keep `name` as the user's choice for the configuration file, or forget the one that is kept (None).

    Raises UsageError where there is no such context, or no file; ConfigError where it cannot be read.
    """
    found, raw, report = _read(config)
    if found is None:
        raise UsageError(
            "There is no configuration file that a choice could be kept for.", hint="Choose by -C or KAFKALERT_CONTEXT."
        )
    known = _typed(raw, report)
    if name is not None and name not in known:
        listed = ", ".join(known) or "none"
        raise UsageError(f"{name} is no context{_meant(name, known)}", hint=f"In {found.path} there is {listed}.")
    changed = remember(found.path, name)
    recall(raw, None, found, report)
    now, by = _in_force(raw, None, report)
    return Used(found.path, None if name is None else known[name], changed, now if now in known else None, by)


def _read(config: Path | None) -> tuple[Found | None, dict[str, Any], Report]:
    found = find(config)
    raw, report = read_tables(found)
    if not raw and found is None:
        raise ConfigError("There is no configuration.", hint="Run `kafkalert init` or `kafkalert sandbox up`.")
    add_default(raw)
    return found, raw, report


def add_default(raw: dict[str, Any]) -> None:
    """Give a configuration without contexts the one that has all its clusters."""
    if raw.get("contexts", {}) == {} and table(raw, "clusters"):
        raw["contexts"] = {"default": {"clusters": list(table(raw, "clusters"))}}


def _typed(raw: Mapping[str, Any], report: Report) -> Mapping[str, Context]:
    """Return the contexts alone: what else is wrong, and secrets that are not here, are no concern of a list."""
    named = {
        name: {**inner, "name": name} if isinstance(inner, dict) else inner
        for name, inner in table(raw, "contexts").items()
    }
    try:
        return Document.model_validate({"contexts": named}).contexts
    except ValidationError as error:
        report.take(error, Document)
        report.finish()
        raise


def _in_force(raw: Mapping[str, Any], flag: str | None, report: Report) -> tuple[str | None, str]:
    if flag:
        return flag, "-C"
    if "context" in raw:
        return str(raw["context"]), report.source(_PLACE)
    return _only(raw), _ONLY_ONE


def _only(raw: Mapping[str, Any]) -> str | None:
    names = list(table(raw, "contexts"))
    return names[0] if len(names) == 1 else None


def _meant(name: str, known: Mapping[str, Context]) -> str:
    return suggestion(name, list(known)) or "."


def _missing(raw: Mapping[str, Any], origin: str) -> str:
    there = ", ".join(table(raw, "contexts")) or "none"
    return f"You chose context {raw['context']}, which {origin} does not have any more; there is {there}."


def _hint(by: str) -> str:
    if by == BY_USE:
        return "Choose another one by `kafkalert context use NAME`, or forget it by `kafkalert context use --clear`."
    return "Choose one by `kafkalert context use NAME`, by -C or by KAFKALERT_CONTEXT."
