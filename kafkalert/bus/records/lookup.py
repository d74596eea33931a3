"""Finds places on a cluster by the ids of records, from where they probably lie back.

An offset of the other cluster says nothing here, and a record's time is its producer's. The id is the same on both.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Protocol

from kafkalert.bus.records.marks import Mark
from kafkalert.bus.records.partitions import Partition

SECONDS: Final = 10.0
"""How long reading may take."""
_NEAR: Final = 500
"""How far around the place that is likely the first look reads."""
_WINDOWS: Final = (5_000, 50_000, 500_000)
"""From so many offsets before the likely place on, the rest of a partition is read next; then all of it."""
_POLL_SECONDS: Final = 0.2


class Clock(Protocol):
    """What tells how much time has passed."""

    def monotonic(self) -> float:
        """Seconds, which never go back."""
        ...


class Reader(Protocol):
    """What reads marks of many partitions; see `mark_reader.MarkReader`."""

    positions: dict[Partition, int]

    def start(self, at: Mapping[Partition, int]) -> None:
        """Read these, and no others."""
        ...

    def stop(self, partitions: Sequence[Partition]) -> None:
        """Read these no longer."""
        ...

    def pump(self, seconds: float) -> list[tuple[Partition, Mark]]:
        """Return what has come."""
        ...


@dataclass(frozen=True, slots=True)
class Sought:
    """One partition. `ids`: by each who has a say, ids behind which he lets go on, the best one first.

    `start`, `end`: of the log. `near`: where the best ones probably lie. `later`: by each the ids behind which he does
    not let go on; they lie further on, unless one of his ids is not what it seems, and then the lowest of them counts.
    """

    ids: Sequence[Sequence[bytes]]
    start: int
    end: int
    near: int
    later: Sequence[Collection[bytes]] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """The offset `after` the record of the id that stands at `rank` in the ids of who has the `say`, by number.

    `ranks`: of each who has a say, the rank of his best id that was found. `native`: whether one of these records was
    written to this cluster itself.
    """

    after: int
    rank: int
    say: int = 0
    ranks: tuple[int, ...] = field(default=(), compare=False)
    native: bool = field(default=False, compare=False)


def find(
    sought: Mapping[Partition, Sought], reader: Reader, clock: Clock, seconds: float = SECONDS
) -> dict[Partition, Found]:
    """Behind the best id that is found of each who has a say, the lowest of these places.

    Absent is a partition where one of them has no id that is found. Reads near the likely place first, then windows
    that grow back from there to the end; the first of them that holds an id of each, and of whom has any a later one,
    tells. Of a record and its repeats the first one counts, and as anybody may repeat an id, no window begins behind
    the likely place: one that did might have the repeat alone. Raises KafkalertError where the cluster cannot be read.
    """
    give_up = clock.monotonic() + seconds
    found: dict[Partition, Found] = {}
    unsure: dict[Partition, Found] = {}
    left = {
        partition: what for partition, what in sought.items() if what.ids and all(what.ids) and what.start < what.end
    }
    for span in _SPANS:
        if not left or clock.monotonic() > give_up:
            break
        sure, likely = _read(left, {partition: span(what) for partition, what in left.items()}, reader, clock, give_up)
        found |= sure
        unsure |= likely
        left = {partition: what for partition, what in left.items() if partition not in found}
    return unsure | found  # where no later one is found at all, none has crossed


def native_records_behind(
    logs: Mapping[Partition, tuple[int, int]], reader: Reader, clock: Clock, seconds: float = SECONDS
) -> dict[Partition, int]:
    """How many offsets of each log, from its start to its end, lie behind the newest record that came from elsewhere.

    All of them where there is none, or where time was too short to find it. Raises KafkalertError.
    """
    give_up = clock.monotonic() + seconds
    behind = {partition: end - start for partition, (start, end) in logs.items()}
    left = {partition for partition, many in behind.items() if many}
    for window in (_NEAR, *_WINDOWS, None):
        if not left or clock.monotonic() > give_up:
            break
        begins = {
            partition: logs[partition][0] if window is None else max(logs[partition][0], logs[partition][1] - window)
            for partition in left
        }
        readings = {partition: _Newest() for partition in left}
        read = _read_all(
            readings, {partition: (begins[partition], logs[partition][1]) for partition in left}, reader, clock, give_up
        )
        newest = {partition: at for partition in read if (at := readings[partition].offset) is not None}
        behind |= {partition: logs[partition][1] - 1 - at for partition, at in newest.items()}
        left -= newest.keys() | {partition for partition in left if begins[partition] == logs[partition][0]}
    return behind


def ids_at(offsets: Mapping[Partition, int], reader: Reader, clock: Clock, seconds: float) -> dict[Partition, bytes]:
    """Return the id of the record at exactly each offset.

    An offset is absent where there is none, or time was too short to read it.

    Raises KafkalertError where the cluster cannot be read.
    """
    looks = {partition: _Only() for partition in offsets}
    spans = {partition: (offset, offset + 1) for partition, offset in offsets.items()}
    _read_all(looks, spans, reader, clock, clock.monotonic() + seconds)
    return {partition: look.id for partition, look in looks.items() if look.id}


_SPANS: Final[Sequence[Callable[[Sought], tuple[int, int]]]] = (
    lambda sought: (max(sought.start, min(sought.near, sought.end) - _NEAR), min(sought.end, sought.near + _NEAR)),
    *(
        partial(lambda window, sought: (max(sought.start, min(sought.near, sought.end) - window), sought.end), window)
        for window in _WINDOWS
    ),
    lambda sought: (sought.start, sought.end),
)


def _read(
    sought: Mapping[Partition, Sought],
    spans: Mapping[Partition, tuple[int, int]],
    reader: Reader,
    clock: Clock,
    give_up: float,
) -> tuple[dict[Partition, Found], dict[Partition, Found]]:
    """Return what the spans tell, and what they tell without any of somebody's later ids.

    One that was not read to its end, or lacks the ids of somebody, tells nothing.
    """
    searches = {partition: _Search(what) for partition, what in sought.items()}
    read = _read_all(searches, spans, reader, clock, give_up)
    whole = {partition: searches[partition] for partition in read if searches[partition].is_whole}
    return (
        {partition: search.lowest() for partition, search in whole.items() if search.is_sure},
        {partition: search.lowest() for partition, search in whole.items() if not search.is_sure},
    )


class _Reading(Protocol):
    """What is made of one partition's marks."""

    @property
    def is_over(self) -> bool:
        """Whether nothing that follows can tell more."""
        ...

    def take(self, mark: Mark) -> None:
        """Take the next record; offsets rise."""
        ...


def _read_all(
    readings: Mapping[Partition, _Reading],
    spans: Mapping[Partition, tuple[int, int]],
    reader: Reader,
    clock: Clock,
    give_up: float,
) -> set[Partition]:
    """Read the spans, from their starts to before their ends; those that were, as far as they can tell anything."""
    left = {partition: stop for partition, (start, stop) in spans.items() if start < stop}
    reader.start({partition: spans[partition][0] for partition in left})
    while left and clock.monotonic() < give_up:
        for partition, mark in reader.pump(_POLL_SECONDS):
            if partition in left and mark.offset < left[partition]:
                readings[partition].take(mark)
        done = [
            partition
            for partition, stop in left.items()
            if reader.positions[partition] >= stop or readings[partition].is_over
        ]
        reader.stop(done)
        for partition in done:
            del left[partition]
    return readings.keys() - left.keys()


class _Newest:
    """The newest record that came from elsewhere: its offset, None where there is none."""

    is_over = False

    def __init__(self) -> None:
        self.offset: int | None = None

    def take(self, mark: Mark) -> None:
        """Take the next record; offsets rise."""
        if not mark.native:
            self.offset = mark.offset


class _Only:
    """The id of the one record there is to read; empty where there is none."""

    is_over = False

    def __init__(self) -> None:
        self.id = b""

    def take(self, mark: Mark) -> None:
        """Check that record."""
        self.id = mark.id


class _Search:
    """What one reading of a partition has found."""

    def __init__(self, what: Sought) -> None:
        self._ranks = _ranks(what.ids)
        self._later: dict[bytes, list[int]] = defaultdict(list)
        for say, ids in enumerate(what.later):
            for id_ in ids:
                self._later[id_].append(say)
        self._says = len(what.ids)
        self._bounded = {say for say, ids in enumerate(what.later) if ids}
        self._best: dict[int, Found] = {}
        self._bounds: dict[int, int] = {}

    def take(self, mark: Mark) -> None:
        """Take the next record; offsets rise."""
        for say, rank in self._ranks.get(mark.id, ()):
            if say not in self._best or rank < self._best[say].rank:
                self._best[say] = Found(mark.offset + 1, rank, say, native=mark.native)
        for say in self._later.get(mark.id, ()):
            self._bounds.setdefault(say, mark.offset + 1)

    @property
    def is_whole(self) -> bool:
        """Whether an id of each was found."""
        return len(self._best) == self._says

    @property
    def is_sure(self) -> bool:
        """Whether a later id was found of each who has any."""
        return self._bounded <= self._bounds.keys()

    @property
    def is_over(self) -> bool:
        """Whether nothing that follows can tell more."""
        return self.is_whole and self.is_sure and all(found.rank == 0 for found in self._best.values())

    def lowest(self) -> Found:
        """Return the lowest place of all."""
        bounded = [
            replace(found, after=min(found.after, self._bounds.get(say, found.after)))
            for say, found in self._best.items()
        ]
        ranks = tuple(self._best[say].rank for say in range(self._says))
        native = any(found.native for found in bounded)
        return replace(min(bounded, key=lambda found: found.after), ranks=ranks, native=native)


def _ranks(ids: Sequence[Sequence[bytes]]) -> dict[bytes, list[tuple[int, int]]]:
    """By id: of whom it is, by number, and its rank there."""
    ranks: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
    for say, each in enumerate(ids):
        for rank, id_ in enumerate(each):
            ranks[id_].append((say, rank))
    return ranks
