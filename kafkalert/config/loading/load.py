"""From kafkalert.toml and the environment to `Settings`: flag before KAFKALERT_* before file before default.

Between variable and file is the context that the user chose by `kafkalert context use`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kafkalert.config.loading.checks import CONNECT_FILES, check, choose
from kafkalert.config.loading.contexts import add_default, check_recalled, recall
from kafkalert.config.loading.document import Document
from kafkalert.config.loading.environment import PREFIX
from kafkalert.config.loading.find import find
from kafkalert.config.loading.report import Report
from kafkalert.config.loading.tables import read_tables, table
from kafkalert.config.loading.trust import far_secrets
from kafkalert.config.loading.values import Values
from kafkalert.config.secrets import Reference
from kafkalert.config.sections import DEVELOPMENT_KEY, Cluster, Settings
from kafkalert.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and how they came to be.

    Attributes:
        settings: what is in force; `clusters` has those of the context alone.
        sources: dotted place -> file:line, variable or flag, for whatever is no default.
        references: dotted place of a secret -> where it was read.
        notes: sentences that the operator should see.
    """

    settings: Settings
    sources: Mapping[str, str]
    references: Mapping[str, Reference]
    notes: tuple[str, ...]

    def reference(self, place: str) -> Reference | None:
        """Where the value at a dotted place was read, if not in the file: {env}, {file}, or a KAFKALERT_* variable."""
        variable = self.sources.get(place, "")
        return self.references.get(place) or (Reference("env", variable) if variable.startswith(PREFIX) else None)


def load(
    config: Path | None = None,
    context: str | None = None,
    *,
    read_only: bool = False,
    note: Callable[[str], None] = lambda _: None,
) -> Settings:
    """Return the configuration in force.

    Args:
        config: the file of --config; else it is found as `kafkalert.config.loading.find` says.
        context: the name of -C; else the user's choice, else the file's `context`, else the only one there is.
        read_only: forbid changes, whatever the context says.
        note: is told what the operator should know: which file was found, secrets that others may read.

    Raises:
        ConfigError: there is none, or it is wrong; `str(error)` names every problem with its place.
    """
    loaded = read(config, context, read_only=read_only)
    for sentence in loaded.notes:
        note(sentence)
    return loaded.settings


def read(config: Path | None = None, context: str | None = None, *, read_only: bool = False) -> Loaded:
    """As `load`, with where everything came from."""
    found = find(config)
    raw, report = read_tables(found)
    if not raw and found is None:
        raise ConfigError("There is no configuration.", hint="Run `kafkalert init` or `kafkalert sandbox up`.")
    add_default(raw)
    recall(raw, context, found, report)
    check_recalled(raw, report)
    check(raw, report)
    chosen = choose(raw, context, report) if table(raw, "contexts") else None
    folder = found.path.parent if found else Path()
    values = Values(raw, chosen, folder, report)
    values.resolve()
    document = _document(raw, report)
    if document is not None and chosen is not None:
        _check_key(document, chosen, report)
    report.notes += far_secrets(found, values.references.values())
    report.finish()
    if document is None or chosen is None:
        raise ConfigError("There is no configuration.")  # not reached: each was reported
    settings = _settings(document, chosen, folder, report)
    if read_only:
        context_in_force = settings.context.model_copy(update={"read_only": True})
        settings = settings.model_copy(update={"context": context_in_force})
        report.sources[f"contexts.{chosen}.read_only"] = "--read-only"
    if context:
        report.sources["context"] = "-C"
    return Loaded(settings, report.sources, values.references, tuple(report.notes))


def _document(raw: Mapping[str, Any], report: Report) -> Document | None:
    """Return the typed document, or None after reporting what types found."""
    named: dict[str, Any] = dict(raw)
    for kind in ("clusters", "contexts"):
        tables = table(raw, kind)
        for name, inner in tables.items():
            if isinstance(inner, dict) and "name" in inner:
                report.add([kind, name, "name"], "is not a known key: the table's header gives the name")
        if tables:
            named[kind] = {
                name: {**inner, "name": name} if isinstance(inner, dict) else inner for name, inner in tables.items()
            }
    try:
        return Document.model_validate(named)
    except ValidationError as error:
        report.take(error, Document)
        return None


def _check_key(document: Document, chosen: str, report: Report) -> None:
    """In production ids are made by a key that nobody else has."""
    if document.contexts[chosen].production and document.alerts.id_key.get_secret_value() == DEVELOPMENT_KEY:
        report.add(
            ["alerts", "id_key"],
            f"is the public development key, and context {chosen} is production: by that key anybody finds the phone "
            'number behind a mask. Write {env = "NAME"} or {file = "PATH"}',
        )


def _settings(document: Document, chosen: str, folder: Path, report: Report) -> Settings:
    context = document.contexts[chosen]
    engine = document.engine

    def placed(path: Path, *place: str) -> Path:
        # What a file says is meant from where it stands.
        from_file = report.source(place).startswith(f"{report.origin}:")
        return folder / path.expanduser() if from_file else path.expanduser()

    def here(name: str) -> Cluster:
        cluster = document.clusters[name]
        files = {key: path for key in CONNECT_FILES if (path := getattr(cluster, key)) is not None}
        return cluster.model_copy(update={key: placed(path, "clusters", name, key) for key, path in files.items()})

    return Settings(
        context=context,
        clusters={name: here(name) for name in context.clusters},
        topics=document.topics,
        serde=document.serde,
        alerts=document.alerts,
        engine=engine.model_copy(update={"state": placed(engine.state, "engine", "state")}),
        mirror=document.mirror,
        drill=document.drill,
    )
