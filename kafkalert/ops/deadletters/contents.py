"""What lies in kafkalert.deadletter, as far as it was read: letters, and what was done with them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kafkalert.bus.records.partitions import Partition
from kafkalert.ops.deadletters.letter import Letter, Note


@dataclass(slots=True)
class Contents:
    """Letters by name, each once, with the first place where it lies; and the last note about each.

    Args:
        cluster: where it was read.
        topic: the topic's name there.
        strangers: how many records were neither letter nor note.
        unread: partitions that did not answer.
        ends: up to where each partition was read.
    """

    cluster: str
    topic: str
    letters: dict[str, Letter] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)
    strangers: int = 0
    unread: list[str] = field(default_factory=list)
    ends: dict[Partition, int] = field(default_factory=dict)
    _copies: dict[str, list[Letter]] = field(default_factory=dict)
    _replays: dict[str, int] = field(default_factory=dict)

    def take(self, one: Letter | Note | None) -> None:
        """Take a record of the topic; those of a partition come in order."""
        if one is None:
            self.strangers += 1
            return
        self._replays[one.record] = max(self._replays.get(one.record, 0), one.replays)
        if isinstance(one, Note):
            self.notes[one.letter] = one
        elif one.name in self.letters:
            self._copies.setdefault(one.name, []).append(one)
        else:
            self.letters[one.name] = one

    def copies(self, letter: Letter) -> Iterable[Letter]:
        """Return all letters that are this one."""
        return (self.letters[letter.name], *self._copies.get(letter.name, ()))

    def open(self) -> Iterator[Letter]:
        """Yield the letters with which nothing was done."""
        return (letter for name, letter in self.letters.items() if name not in self.notes)

    def next_replay(self, record: str) -> int:
        """Return the number of the next replay of a record: one that none before it had, and none after it gets."""
        self._replays[record] = self._replays.get(record, 0) + 1
        return self._replays[record]
