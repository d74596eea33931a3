"""The stages of this installation, and what each of them reads and writes: found by entry point, as rules are."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from kafkalert.config.pipeline import PIPELINE, TOPICS, PipelineTopic

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from kafkalert.config.sections import Settings

GROUP: Final = "kafkalert.stages"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_OWN: Final = "kafkalert"
_TAKEN: Final = frozenset({"all", "control", "dlq", "drill", "seed", "tables", "tail"})
"""Names of a command of `kafkalert run`, and of groups that are no stage's."""


@dataclass(frozen=True, slots=True)
class StageSpec:
    """What everybody has to know of a stage who does not run it; `kafkalert run` lists and starts it by that.

    A package adds its own by an entry point of the group `kafkalert.stages`, whose name is the stage's. Topics are
    given by their own names (docs/topics.md).

    `name` stands in `kafkalert run NAME`, group names, heartbeats and dead letters; `summary` is its line of help.
    `reads` has all that its consumer group may read, each topic fed by the ones before it; empty where it has no group,
    as what it brings comes from outside. `reads_by` says which of them it reads by the configuration, where that is not
    all. `adds`: topics of its own, which are made, mirrored and granted as the pipeline's are. `build` makes one that
    reads, `module:function`: see `engine.stage.Build`. It is looked up when the stage runs, so that a spec imports
    nothing heavy.
    """

    name: str
    summary: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    reads_by: Callable[["Settings"], tuple[str, ...]] | None = None
    adds: tuple[PipelineTopic, ...] = ()
    build: str = ""

    def topics(self, settings: "Settings") -> tuple[str, ...]:
        """Return the topics that its group reads, as they are called here."""
        return tuple(map(settings.topic, self.reads if self.reads_by is None else self.reads_by(settings)))


@cache
def installed() -> Mapping[str, StageSpec]:
    """Return the stages by name. One that cannot be loaded is left out, and does not keep the others from working.

    See `broken`.
    """
    return {name: spec for name, spec in _found().items() if isinstance(spec, StageSpec)}


@cache
def broken() -> Mapping[str, str]:
    """Why stages that are installed cannot be used, by name: the distribution, and what is wrong."""
    return {name: why for name, why in _found().items() if isinstance(why, str)}


@cache
def _found() -> Mapping[str, StageSpec | str]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - not for --help

    found: dict[str, StageSpec | str] = {}
    whose: dict[str, str] = {}
    # Kafkalert's own first: no other package takes the place of one of its stages.
    for package, point in sorted(map(_from, entry_points(group=GROUP)), key=lambda pair: (pair[0] != _OWN, pair)):
        first = whose.setdefault(point.name, package)
        if point.name not in found:
            found[point.name] = _loaded(point, package)
        elif first != package:
            name = point.name if first != _OWN else f"{point.name} of {package}"
            found[name] = f"{first} and {package} both bring it"
    return found


def _from(point: "EntryPoint") -> tuple[str, "EntryPoint"]:
    return point.dist.name if point.dist is not None else point.value, point


def _loaded(point: "EntryPoint", package: str) -> StageSpec | str:
    """Return the spec of an entry point, or why it cannot be used."""
    try:
        spec = point.load()
    except Exception as error:  # noqa: BLE001 - somebody else's code may raise anything
        return f"{package} cannot be loaded: {type(error).__name__}: {error}"
    if not isinstance(spec, StageSpec) or spec.name != point.name:
        return f"{package} has no StageSpec of that name at {point.value}"
    return "; ".join(f"{package}: {wrong}" for wrong in _faults(spec)) or spec


def _faults(spec: StageSpec) -> Iterator[str]:
    """Yield what is wrong with a spec: its author may have left out a comma, or misspelt a topic."""
    if not _NAME.fullmatch(spec.name) or spec.name in _TAKEN:
        yield "a stage cannot have that name"
    for field in ("reads", "writes", "adds"):
        if not isinstance(getattr(spec, field), tuple):
            yield f"{field} is no tuple"
            return
    if not all(isinstance(topic, PipelineTopic) for topic in spec.adds):
        yield "adds has something that is no PipelineTopic"
        return
    added = {topic.name for topic in spec.adds}
    if wrong := [topic.name for topic in spec.adds if topic.name in TOPICS or topic.compacted or topic.internal]:
        yield f"it cannot add {wrong[0]}: a topic of the pipeline, or a compacted or an internal one"
    if unknown := [name for name in (*spec.reads, *spec.writes) if name not in added and name not in TOPICS]:
        yield f"there is no topic {unknown[0]}"
    if spec.reads and not all(spec.build.partition(":")):
        yield "build is no module:function"


@cache
def topics() -> tuple[PipelineTopic, ...]:
    """Every topic: those of the pipeline, and what the stages of this installation bring along."""
    return (*PIPELINE, *{topic.name: topic for spec in installed().values() for topic in spec.adds}.values())


def topic_names() -> tuple[str, ...]:
    """Return the own names of `topics`."""
    return tuple(topic.name for topic in topics())


def mirrored() -> tuple[str, ...]:
    """Return the own names of those that the mirror carries."""
    return tuple(topic.name for topic in topics() if not topic.internal)


def readers() -> Mapping[str, StageSpec]:
    """Those that have a consumer group."""
    return {name: spec for name, spec in installed().items() if spec.reads}
