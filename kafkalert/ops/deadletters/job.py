"""Replaying and dropping letters, from beginning to end: look, judge, ask, write."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from confluent_kafka import Message

from kafkalert.bus.records.marks import ID_HEADER, REPLAYED_HEADER
from kafkalert.config.sections import Settings
from kafkalert.engine import deadletter as names
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import UnreachableError
from kafkalert.ops.deadletters.contents import Contents
from kafkalert.ops.deadletters.current_rows import outdated
from kafkalert.ops.deadletters.judging import Judge, Verdict, judge
from kafkalert.ops.deadletters.letter import Letter, What
from kafkalert.ops.deadletters.parcels import Out, Parcel, write_all
from kafkalert.ops.deadletters.planning import OUTDATED, Fate, Fates, done_words, fate, summed
from kafkalert.ops.deadletters.reading import Box, Look, OnProgress
from kafkalert.ops.deadletters.restored import restored
from kafkalert.ops.deadletters.selection import Selection
from kafkalert.ops.deadletters.writing import Writer
from kafkalert.ops.failover.switch.order import LONGEST, operator
from kafkalert.ops.wording import counted
from kafkalert.tables.kinds import STAGE as TABLES_STAGE

_BY_OTHERS: Final = "Somebody else did it meanwhile."


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told and asked.

    `approve` is given the changes, one line each, and returns where they are wanted; `progress` opens a display of a
    phase with that title.
    """

    approve: Callable[[Sequence[str]], None]
    progress: Callable[[str], AbstractContextManager[OnProgress]]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done with the letters that are meant. `again`, `anyway`: see `planning.fate`."""

    selection: Selection
    again: bool = False
    anyway: bool = False
    dry_run: bool = False
    why: str = ""


@dataclass(slots=True)
class Course:
    """How far a replay or a drop is: the letters by name, and what became of each. Kept where it is interrupted."""

    cluster: str = ""
    fates: dict[str, Fate] = field(default_factory=dict)

    def become(self, what: What) -> Callable[[str], None]:
        """Return what notes that a letter was replayed or dropped."""

        def note(name: str) -> None:
            self.fates[name] = Fate(self.fates[name].letter, what)

        return note

    def not_taken(self, name: str, why: str) -> None:
        """Note that the cluster did not take a letter's record."""
        self.fates[name] = Fate(self.fates[name].letter, "not taken", why)

    def summed(self) -> list[Fates]:
        """Return it by stage, reason and fate."""
        return summed(self.cluster, self.fates.values())

    def count(self, *states: str) -> int:
        """How many letters are in one of `states`."""
        return sum(one.state in states for one in self.fates.values())


class Job:
    """Replays and drops letters on the active cluster of `settings`, once. `course` tells how far it came.

    `box` and `begin` are given by tests: what is read, and who writes.
    """

    def __init__(
        self,
        settings: Settings,
        order: Order,
        audience: Audience,
        *,
        clock: Clock | None = None,
        box: Box | None = None,
        begin: Callable[[], Writer] | None = None,
    ) -> None:
        self._settings, self._order, self._audience = settings, order, audience
        self._clock = clock or SystemClock()
        self._cluster = settings.active
        self._box = box or Box(settings, self._cluster, self._clock)
        self._begin = begin or (lambda: Writer(settings, settings.active, self._clock))
        self.course = Course(self._cluster.name)

    def replay(self) -> Course:
        """Write the records of letters where they came from, each with a note behind its letter.

        Raises UsageError, UnreachableError, RefusedError, OutcomeUnknownError; and what `approve` raises.
        """
        with judge(self._settings) as asked:
            contents, verdicts = self._judged(asked)
            order = self._order
            for letter in order.selection.of(contents, done=order.again):
                note = contents.notes.get(letter.name)
                verdict = verdicts.get(letter.name) or Verdict("impossible", "The letter has expired.")
                self.course.fates[letter.name] = fate(letter, verdict, note, again=order.again, anyway=order.anyway)
            self._check_rows(asked)
            wanted = self._wanted()
            if order.dry_run or not wanted:
                return self.course
            self._box.check({letter.topic for letter in wanted})
            self._audience.approve(_changes(self._cluster.name, self.course.fates.values()))
            with self._begun(contents):
                self._check_rows(asked)
                self._write(self._replays(contents), "replayed")
        return self.course

    def drop(self) -> Course:
        """Note that letters are done with. Raises as `replay`."""
        contents = self._contents()
        for letter in self._order.selection.of(contents, done=False):
            note = contents.notes.get(letter.name)
            done = None if note is None else Fate(letter, "done before", done_words(note))
            self.course.fates[letter.name] = done or Fate(letter, "to drop")
        wanted = self._wanted()
        if self._order.dry_run or not wanted:
            return self.course
        reasons = sorted({f"{letter.stage} {letter.reason}" for letter in wanted})
        named = f"{counted(len(wanted), 'letter')} of {contents.topic} on {self._cluster.name}"
        self._audience.approve([f"drop {named} ({', '.join(reasons)}): `dlq list` no longer counts them"])
        with self._begun(contents):
            self._write(
                (Parcel(one.name, self._notes(contents, one, "dropped", one.replays)) for one in self._wanted()),
                "dropped",
            )
        return self.course

    def _contents(self, look: Look = lambda *_: None) -> Contents:
        """Return what lies there; without all of it nobody knows what was done before. Raises UnreachableError."""
        since = None if self._order.selection.places else self._order.selection.since
        with self._audience.progress("Reading") as told:
            contents = self._box.contents(since, told, look)
        _check_whole(contents)
        return contents

    def _judged(self, asked: Judge) -> tuple[Contents, dict[str, Verdict]]:
        """Return what lies there, and a verdict on each letter that may be meant."""
        verdicts: dict[str, Verdict] = {}
        selection = self._order.selection

        def look(letter: Letter, message: Message) -> None:
            named = not selection.places or (letter.partition, letter.offset) in selection.places
            if named and letter.name not in verdicts and selection.takes(letter):
                verdicts[letter.name] = asked.verdict(letter, message)

        return self._contents(look), verdicts

    def _wanted(self) -> list[Letter]:
        return [one.letter for one in self.course.fates.values() if one.wanted]

    def _check_rows(self, asked: Judge) -> None:
        """Let rows of tables stay that are no longer the last ones of their keys."""
        rows = {one.name: one for one in self._wanted() if one.stage == TABLES_STAGE}
        if not rows:
            return
        records = {letter.name: restored(letter, message) for letter, message in self._box.records(rows.values())}
        other = next((name for name in self._settings.context.clusters if name != self._cluster.name), "")
        with self._audience.progress("Comparing with the rows that are there") as told:
            late = outdated(self._cluster, other, asked.tables, records, self._clock, told)
        for name in late | (rows.keys() - records.keys()):
            self.course.fates[name] = Fate(rows[name], "stays", OUTDATED)

    @contextmanager
    def _begun(self, contents: Contents) -> Iterator[None]:
        """From here on nobody else replays or drops on this cluster; what others have done by now is left out."""
        known = dict(contents.notes)
        self._writer = self._begin()
        try:
            self._box.again(contents)
            _check_whole(contents)
            for letter in self._wanted():
                if contents.notes.get(letter.name) != known.get(letter.name):
                    self.course.fates[letter.name] = Fate(letter, "done before", _BY_OTHERS)
            yield
        finally:
            self._writer.close()

    def _replays(self, contents: Contents) -> Iterator[Parcel]:
        """Yield what is written for each letter that is replayed."""
        for letter, message in self._box.records(self._wanted()):
            number = contents.next_replay(letter.record)
            record = restored(letter, message)
            timestamp = record.timestamp or letter.time or 0
            out = Out(record.topic, record.key, record.value, record.replayed(number), timestamp=timestamp)
            yield Parcel(letter.name, (out, *self._notes(contents, letter, "replayed", number)))

    def _notes(self, contents: Contents, letter: Letter, what: What, number: int) -> tuple[Out, ...]:
        """Return a note for each partition in which the letter lies, so that none of its copies outlives them all."""
        told = [
            (names.DONE, what),
            (names.LETTER, letter.name),
            (names.BY, operator(self._settings)),
            (names.WHY, self._order.why[:LONGEST]),
            (names.TIME, str(self._clock.wall_ms())),
            (REPLAYED_HEADER, str(number)),
        ]
        partitions = sorted({one.partition for one in contents.copies(letter)})
        return tuple(
            Out(contents.topic, None, None, [(ID_HEADER, uuid4().hex), *told], partition) for partition in partitions
        )

    def _write(self, parcels: Iterable[Parcel], what: What) -> None:
        wanted, done = len(self._wanted()), 0
        note = self.course.become(what)
        with self._audience.progress("Writing") as told:

            def taken(name: str) -> None:
                nonlocal done
                done += 1
                note(name)
                told(done, wanted)

            write_all(parcels, self._writer, taken, self.course.not_taken)
        for letter in self._wanted():
            self.course.fates[letter.name] = Fate(letter, "stays", "The letter has expired.")


def _check_whole(contents: Contents) -> None:
    if contents.unread:
        raise UnreachableError(
            f"{', '.join(contents.unread)} on {contents.cluster} did not answer, so what was done before is not known; "
            "nothing was changed.",
            hint="Try again once it answers.",
        )


def _changes(cluster: str, fates: Iterable[Fate]) -> list[str]:
    """Return what a replay will do, one line for each stage, reason and topic; and what it leaves."""
    wanted: Counter[tuple[str, str, str, bool]] = Counter()
    left: Counter[tuple[str, str, str]] = Counter()
    for one in fates:
        letter = one.letter
        if one.wanted:
            wanted[letter.topic, letter.stage, letter.reason, one.state == "to try"] += 1
        else:
            left[letter.stage, letter.reason, one.why] += 1
    lines = [
        f"write {counted(number, 'record')} to {topic} on {cluster} ({stage} {reason}"
        + ("; not known to pass)" if tried else ")")
        for (topic, stage, reason, tried), number in sorted(wanted.items())
    ]
    return lines + [
        f"leave {counted(number, 'letter')} ({stage} {reason}): {why}"
        for (stage, reason, why), number in sorted(left.items())
    ]
