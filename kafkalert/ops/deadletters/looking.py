"""Looking at dead letters: all of them by stage and reason, each in a line, one in full. Nothing is changed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from confluent_kafka import Message

from kafkalert.config.pipeline import SCHEMAS
from kafkalert.config.sections import Cluster, Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.engine.deadletter import own_headers
from kafkalert.errors import DecodingError, UnreachableError, UsageError
from kafkalert.model.moment import moment
from kafkalert.ops.deadletters.contents import Contents
from kafkalert.ops.deadletters.current_rows import outdated
from kafkalert.ops.deadletters.grouping import Group, grouped
from kafkalert.ops.deadletters.judging import Judge, Verdict, judge
from kafkalert.ops.deadletters.letter import Letter, Note
from kafkalert.ops.deadletters.planning import OUTDATED, VERSION
from kafkalert.ops.deadletters.reading import Box, OnProgress
from kafkalert.ops.deadletters.restored import restored
from kafkalert.ops.deadletters.selection import HINT, Place, Selection
from kafkalert.ops.masks import Tree, guard_header
from kafkalert.ops.tail.record import Reader
from kafkalert.ops.tail.request import own_topics
from kafkalert.serde import build
from kafkalert.tables.kinds import STAGE as TABLES_STAGE

Progress = Callable[[str], AbstractContextManager[OnProgress]]


@dataclass(frozen=True, slots=True)
class Line:
    """One letter in a line. `state`: "open", "replayed" or "dropped". `place`: PARTITION:OFFSET of the letter."""

    version: int
    cluster: str
    place: str
    stage: str
    reason: str
    time: datetime | None
    topic: str
    from_partition: int | None
    from_offset: int | None
    from_cluster: str
    replays: int
    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One letter in full.

    `passes`: whether its record would pass now, None where only the stage can tell; `why_not` says why. `schema`: of
    the value by its own bytes, empty where nobody knows it; `expected`: the one that its topic has. `key`, `value` and
    the record's own headers are masked. `by`, `done` and `why`: who replayed or dropped it, when, and why.
    """

    version: int
    cluster: str
    place: str
    stage: str
    reason: str
    time: datetime | None
    topic: str
    from_partition: int | None
    from_offset: int | None
    from_cluster: str
    record_time: datetime | None
    replays: int
    state: str
    by: str | None
    done: datetime | None
    why: str | None
    detail: str
    passes: bool | None
    why_not: str
    schema: str
    expected: str
    key_bytes: int | None
    value_bytes: int | None
    key: Tree
    value: Tree
    headers: dict[str, Tree]


class Letters:
    """The dead letters of a context on one cluster."""

    def __init__(self, settings: Settings, cluster: Cluster, progress: Progress, clock: Clock | None = None) -> None:
        self._settings = settings
        self._cluster = cluster
        self._progress = progress
        self._clock = clock or SystemClock()
        self._box = Box(settings, cluster, self._clock)

    def contents(self, selection: Selection) -> Contents:
        """Return what lies there, as far as it may be meant.

        Raises MissingTopicsError, UnreachableError, DeniedError.
        """
        with self._progress("Reading") as told:
            return self._box.contents(selection.since, told)

    def groups(self, contents: Contents, selection: Selection, *, done: bool) -> list[Group]:
        """Return the letters that are meant, by stage and reason; `done`: also those with which something was done."""
        return grouped(self._cluster.name, selection.of(contents, done=done))

    def lines(self, contents: Contents, selection: Selection, *, done: bool) -> list[Line]:
        """Return the letters that are meant, in the order in which they were put away."""
        letters = sorted(selection.of(contents, done=done), key=lambda one: (one.time or 0, one.place))
        return [_line(self._cluster.name, one, contents.notes.get(one.name)) for one in letters]

    def show(self, place: Place) -> Shown:
        """Return one letter in full. Raises UsageError where none lies there, UnreachableError."""
        selection = Selection(places=(place,))
        contents = self.contents(selection)
        (letter,) = selection.of(contents, done=True)
        for _, message in self._box.records([letter]):
            with judge(self._settings) as asked:
                verdict = self._verdict(asked, letter, message)
            return self._shown(letter, contents.notes.get(letter.name), verdict, message)
        raise UsageError(f"The dead letter at {letter.place} has expired just now.", hint=HINT)

    def _verdict(self, asked: Judge, letter: Letter, message: Message) -> Verdict:
        try:
            verdict = asked.verdict(letter, message)
            if letter.stage == TABLES_STAGE and verdict.outcome == "passes":
                other = next((name for name in self._settings.context.clusters if name != self._cluster.name), "")
                rows = {letter.name: restored(letter, message)}
                if outdated(self._cluster, other, asked.tables, rows, self._clock):
                    return Verdict("impossible", OUTDATED)
        except UnreachableError as error:  # a registry: the rest of the letter is shown all the same
            return Verdict("unknown", str(error))
        return verdict

    def _shown(self, letter: Letter, note: Note | None, verdict: Verdict, message: Message) -> Shown:
        line = _line(self._cluster.name, letter, note)
        schema, key, value = self._decoded(message)
        return Shown(
            **{name: getattr(line, name) for name in Line.__dataclass_fields__ if name in Shown.__dataclass_fields__},
            record_time=None if letter.record_time is None else moment(letter.record_time),
            by=None if note is None else note.by,
            done=None if note is None or note.time is None else moment(note.time),
            why=None if note is None else note.why,
            passes={"passes": True, "unknown": None}.get(verdict.outcome, False),
            why_not=verdict.why,
            schema=schema,
            expected=self._expected(letter),
            key_bytes=letter.key_bytes,
            value_bytes=letter.value_bytes,
            key=key,
            value=value,
            headers={name: guard_header(name, raw) for name, raw in own_headers(message)},
        )

    def _decoded(self, message: Message) -> tuple[str, Tree, Tree]:
        """Return the value's schema, key and value, guarded: by what their own bytes say."""
        reader = Reader(build.codec(self._settings.serde), own_topics(self._settings), {})
        try:
            record = reader.read(message)
        except (DecodingError, UnreachableError):
            return "", None, None
        return record.schema, record.key, record.value

    def _expected(self, letter: Letter) -> str:
        """Return the schema that a record of the letter's topic should have."""
        return SCHEMAS.get(own_topics(self._settings).get(letter.topic, ""), ("", ""))[1]


def _line(cluster: str, letter: Letter, note: Note | None) -> Line:
    return Line(
        version=VERSION,
        cluster=cluster,
        place=letter.place,
        stage=letter.stage,
        reason=letter.reason,
        time=None if letter.time is None else moment(letter.time),
        topic=letter.topic,
        from_partition=letter.from_partition,
        from_offset=letter.from_offset,
        from_cluster=letter.cluster,
        replays=letter.replays,
        state="open" if note is None else note.what,
        detail=letter.detail,
    )
