"""Letters by stage and reason; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from kafkalert.model.moment import moment
from kafkalert.ops.deadletters.letter import Letter
from kafkalert.ops.deadletters.planning import VERSION


@dataclass(frozen=True, slots=True)
class Group:
    """Letters of one stage and reason.

    `again`: how many of them had been replayed before, and failed again. `first`, `last`: when they were put away, None
    where that is not known. `topics`: where their records lay. `example`: the place of the last one, PARTITION:OFFSET.
    """

    version: int
    cluster: str
    stage: str
    reason: str
    letters: int
    again: int
    first: datetime | None
    last: datetime | None
    topics: tuple[str, ...]
    example: str


def grouped(cluster: str, letters: Iterable[Letter]) -> list[Group]:
    """Return one group for each stage and reason, by their names."""
    found: dict[tuple[str, str], list[Letter]] = {}
    for letter in letters:
        found.setdefault((letter.stage, letter.reason), []).append(letter)
    return [_group(cluster, *names, members) for names, members in sorted(found.items())]


def _group(cluster: str, stage: str, reason: str, letters: list[Letter]) -> Group:
    times = [one.time for one in letters if one.time is not None]
    return Group(
        version=VERSION,
        cluster=cluster,
        stage=stage,
        reason=reason,
        letters=len(letters),
        again=sum(one.replays > 0 for one in letters),
        first=moment(min(times) // 1000 * 1000) if times else None,
        last=moment(max(times) // 1000 * 1000) if times else None,
        topics=tuple(sorted({one.topic for one in letters})),
        example=max(letters, key=lambda one: one.time or 0).place,
    )
