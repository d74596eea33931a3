"""Which letters an operator means."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kafkalert.config.sections import Settings
from kafkalert.errors import UsageError
from kafkalert.ops.deadletters.contents import Contents
from kafkalert.ops.deadletters.letter import Letter
from kafkalert.ops.offsets import Ago, Time, parse_time
from kafkalert.ops.tail.request import topic_name

_PLACE: Final = re.compile(r"([0-9]{1,9}):([0-9]{1,18})", re.ASCII)
HINT: Final = "`kafkalert dlq list --letters` shows the place of each."

Place = tuple[int, int]
"""Partition and offset of a letter."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a letter has to be; nothing is every letter. `since` and `until` are ms, the second one exclusive."""

    places: tuple[Place, ...] = ()
    stage: str = ""
    reason: str = ""
    topic: str = ""
    since: int | None = None
    until: int | None = None

    @classmethod
    def parse(
        cls,
        settings: Settings,
        now_ms: int,
        *,
        places: Sequence[str] = (),
        stage: str | None = None,
        reason: str | None = None,
        topic: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> "Selection":
        """Return what the command line says. Raises UsageError."""
        return cls(
            places=tuple(dict.fromkeys(map(place, places))),
            stage=stage or "",
            reason=reason or "",
            topic=topic_name(settings, topic) if topic else "",
            since=None if since is None else _ms(since, now_ms),
            until=None if until is None else _ms(until, now_ms),
        )

    @property
    def is_empty(self) -> bool:
        """Whether it names nothing, and so means all."""
        return self == Selection()

    def takes(self, letter: Letter) -> bool:
        """Whether a letter is of what it asks for, wherever it lies."""
        if any(asked not in ("", said) for asked, said in self._asked(letter)):
            return False
        if self.since is None and self.until is None:
            return True
        after = self.since is None or (letter.time is not None and letter.time >= self.since)
        return after and (self.until is None or (letter.time is not None and letter.time < self.until))

    def of(self, contents: Contents, *, done: bool) -> Iterator[Letter]:
        """Yield the letters that are meant; `done`: also those with which something was done.

        One that is named by its place comes in any case. Raises UsageError for a place where no letter lies.
        """
        if not self.places:
            found = contents.letters.values() if done else contents.open()
            yield from filter(self.takes, found)
            return
        by_place = {
            (copy.partition, copy.offset): letter
            for letter in contents.letters.values()
            for copy in contents.copies(letter)
        }
        if missing := [one for one in self.places if one not in by_place]:
            raise UsageError(
                f"No dead letter lies at {missing[0][0]}:{missing[0][1]} in {contents.topic} on {contents.cluster}.",
                hint=HINT,
            )
        yield from filter(self.takes, {(one := by_place[named]).name: one for named in self.places}.values())

    def _asked(self, letter: Letter) -> Iterator[tuple[str, str]]:
        yield self.stage, letter.stage
        yield self.reason, letter.reason
        yield self.topic, letter.topic


def place(text: str) -> Place:
    """Return the place that PARTITION:OFFSET names. Raises UsageError."""
    found = _PLACE.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is no place of a dead letter; write PARTITION:OFFSET, such as 3:17.", hint=HINT)
    return int(found[1]), int(found[2])


def _ms(text: str, now_ms: int) -> int:
    """Return a time in ms: `1h`, `@-1h`, `2026-01-31T08:00`. Raises UsageError."""
    stated = text.removeprefix("@")
    found: Time | Ago
    try:
        found = parse_time(f"-{stated}")
    except UsageError:
        found = parse_time(stated)
    return found.ms if isinstance(found, Time) else found.time(now_ms).ms
