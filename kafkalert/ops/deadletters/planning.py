"""What becomes of letters that an operator wants replayed; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from kafkalert.ops.deadletters.judging import Verdict
from kafkalert.ops.deadletters.letter import Letter, Note
from kafkalert.ops.wording import counted

State = Literal["passes", "to try", "to drop", "stays", "done before", "replayed", "dropped", "not taken"]
VERSION: Final = 1
OUTDATED: Final = "A newer row of its key was written since, or its row is gone; an older row must not replace it."


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one letter."""

    letter: Letter
    state: State
    why: str = ""

    @property
    def wanted(self) -> bool:
        """Whether it is to be replayed or dropped."""
        return self.state in ("passes", "to try", "to drop")


def fate(letter: Letter, verdict: Verdict, note: Note | None, *, again: bool, anyway: bool) -> Fate:
    """Decide about a letter by its verdict and the note that is about it.

    What was replayed or dropped comes again only with `again`; what would not pass, only with `anyway`. What nobody can
    judge is tried once: after that it needs `anyway`, too, so that no repeated command sends it round for ever.
    """
    if note is not None and not again:
        return Fate(letter, "done before", done_words(note))
    if verdict.outcome == "impossible":
        return Fate(letter, "stays", verdict.why)
    tried = f"It has failed again {counted(letter.replays, 'time')}." if letter.replays else ""
    if verdict.outcome == "passes":
        return Fate(letter, "passes", tried)
    if verdict.outcome == "unknown" and (anyway or letter.replays == 0):
        return Fate(letter, "to try", verdict.why)
    if verdict.outcome == "fails" and anyway:
        return Fate(letter, "to try", verdict.why)
    return Fate(letter, "stays", f"{verdict.why} {tried}".rstrip())


def done_words(note: Note) -> str:
    """Say who did what, and why."""
    why = f": {note.why}" if note.why else ""
    return f"{note.by or 'Somebody'} {note.what} it{why}."


@dataclass(frozen=True, slots=True)
class Fates:
    """Letters of one stage, reason and fate. `example` is the place of the first, PARTITION:OFFSET."""

    version: int
    cluster: str
    stage: str
    reason: str
    letters: int
    state: State
    why: str
    example: str


def summed(cluster: str, fates: Iterable[Fate]) -> list[Fates]:
    """Return how many letters have the same fate for the same reason."""
    found: dict[tuple[str, str, State, str], list[Letter]] = {}
    for one in fates:
        found.setdefault((one.letter.stage, one.letter.reason, one.state, one.why), []).append(one.letter)
    return [
        Fates(VERSION, cluster, stage, reason, len(letters), state, why, letters[0].place)
        for (stage, reason, state, why), letters in sorted(found.items(), key=lambda item: item[0])
    ]
