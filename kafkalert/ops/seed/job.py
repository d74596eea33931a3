"""Seeding from beginning to end: look, ask, write."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

from kafkalert.config.sections import Settings
from kafkalert.edges.rereadable import readable_twice
from kafkalert.edges.source import Source
from kafkalert.edges.waiting import Patience
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.engine.stopping import Stopping
from kafkalert.errors import KafkalertError, RefusedError
from kafkalert.ops.seed.kinds import BadLines, Kind, OnProgress, Summary
from kafkalert.ops.seed.pruning import Stale, stale
from kafkalert.ops.seed.reading import Inspection, inspect
from kafkalert.ops.seed.writing import Writer, check_topic
from kafkalert.ops.wording import counted
from kafkalert.serde.build import codec
from kafkalert.serde.codec import Codec


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be seeded. `path` is a file or "-"; `strict` and `prune` as on the command line."""

    kind: Kind
    path: str
    strict: bool = False
    prune: bool = False


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told and asked.

    `approve` is given the changes, one line each, and returns where they are wanted; `progress` opens a display of a
    phase with that title; `tell` is given the bad lines of a file of that name.
    """

    approve: Callable[[Sequence[str]], None]
    progress: Callable[[str], AbstractContextManager[OnProgress]]
    tell: Callable[[str, BadLines], None]


def seed(
    settings: Settings, request: Request, audience: Audience, stopping: Stopping, clock: Clock | None = None
) -> Summary:
    """Write the rows of a file to their topic on the active cluster; what became of them.

    With `strict` and a bad line nothing is written, and the summary says so. A stop ends it within a few seconds;
    what was acknowledged by then is told.

    Raises:
        UsageError: the file cannot be opened.
        ConfigError: there is no such topic, or no such schema in the registry.
        UnreachableError: the cluster or the registry does not answer, or no longer.
        RefusedError: what `audience.approve` raises; or --prune, with a file that does not tell what is to stay.
    """
    time = clock or SystemClock()
    records = codec(settings.serde)
    writer = Writer(settings, request.kind, records, clock=time, stop=stopping.event)
    patience = Patience(stop=stopping.event)
    found: Inspection | None = None
    too_many = Stale((), 0)
    with ExitStack() as stack:
        source = stack.enter_context(Source(request.path, patience=patience))
        name = source.name
        check_topic(settings, request.kind)
        if request.strict or request.prune:
            path = stack.enter_context(readable_twice(request.path, source))
            with audience.progress("Checking") as on_progress:
                found = inspect(path, request.kind, on_progress=on_progress, keep_keys=request.prune)
            audience.tell(name, found.bad)
            if request.prune:
                too_many = _stale(settings, request, records, found, name, audience)
            elif found.bad.count:
                writer.written.bad = found.bad
                return writer.summary(0.0)
            source = stack.enter_context(Source(path, patience=patience))
        audience.approve(_changes(settings, request, name, found, too_many))
        began = time.monotonic()
        try:
            with audience.progress("Writing") as on_progress:
                writer.rows(source, on_progress)
            if too_many.keys and not (writer.written.interrupted or writer.written.failed.count):
                writer.tombstones(too_many.keys)
        except KafkalertError as error:
            error.args = (f"{error} {acknowledged(writer.written.acknowledged, writer.written.rows)}.",)
            raise
        if found is None:
            audience.tell(name, writer.written.bad)
        audience.tell(name, writer.written.failed)
        return writer.summary(time.monotonic() - began)


def acknowledged(count: int, of: int) -> str:
    """How far it came: "12 of 1,000 rows were acknowledged"."""
    return f"{count:,} of {counted(of, 'row')} {'was' if count == 1 else 'were'} acknowledged"


def _stale(
    settings: Settings, request: Request, records: Codec, found: Inspection, name: str, audience: Audience
) -> Stale:
    """Return what --prune would remove. Raises RefusedError for a file that does not tell what is to stay."""
    if count := found.bad.count:
        raise RefusedError(
            f"{name} has {counted(count, 'bad line')}: --prune cannot know what it lacks. Nothing was written.",
            hint="Correct them, or leave --prune out.",
        )
    if not found.rows:
        raise RefusedError(
            f"{name} has no rows, and --prune would remove all; nothing was written.", hint="Name another file."
        )
    with audience.progress("Reading the topic"):
        return stale(settings, request.kind, records, found.keys)


def _changes(settings: Settings, request: Request, name: str, found: Inspection | None, too_many: Stale) -> list[str]:
    """Return what will be done, one line each."""
    topic, cluster = settings.topic(request.kind.topic), settings.active.name
    rows = "the rows" if found is None else counted(found.rows, "row")
    lines = [f"write {rows} of {name} to {topic} on {cluster}"]
    if request.prune:
        lines.append(f"delete {counted(len(too_many.keys), 'row')} of {topic} on {cluster} that {name} lacks")
    if too_many.unreadable:
        lines.append(f"leave {counted(too_many.unreadable, 'key')} of {topic} alone that cannot be read")
    return lines
