"""How far a flow is behind: which native records of the source are not on the target yet, found by their ids.

Offsets say little: those of records that are dropped on their way, as they came from the target, are not committed, so
a lag in offsets never reaches 0. What the connector has committed has crossed; what lies behind it is read on the
source, and looked for on the target. A flow keeps the order of a partition, so what precedes a record that crossed has
crossed too, also where compaction has taken it on the target since.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from kafkalert.bus.connect.client import Offsets
from kafkalert.bus.connect.flow import Flow
from kafkalert.bus.records.mark_reader import SECONDS, MarkReader, Places
from kafkalert.bus.records.marks import Mark
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster, Settings
from kafkalert.engine.clock import Clock
from kafkalert.ops.mirror.carried import resumes
from kafkalert.ops.mirror.condition import partitions

PER_SECOND: Final = 60_000
"""Records that a busy machine reads for sure; where more lie behind the committed offsets, only the newest are read."""
_OF_SOURCE: Final = 0.6
"""How much of the time may go to the source."""
_WAIT_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Lag:
    """What has yet to cross.

    Attributes:
        records: how many native records are missing on the target.
        seconds: age of the oldest of them by its own timestamp; 0 without any.
        complete: False where others may be missing too, as not all was read: only the newest, or not up to the end.
    """

    records: int
    seconds: float
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Window:
    """What was read of one partition of the source: its native records.

    `from_start`: from the first that may not have crossed on; `to_end`: up to the end that it had.
    """

    native_records: Sequence[Mark]
    from_start: bool = True
    to_end: bool = True


def lag(window: Window, crossed: AbstractSet[bytes], now: int) -> Lag | None:
    """Return what of a window has yet to cross at `now` (ms), given the ids of records that have.

    It returns None if nothing is known.

    Where an early part was not read, one record of the later part that has crossed answers for it. Of an id that was
    written again only the first record counts: nobody can tell whether the others have crossed.
    """
    native_records = _once(window.native_records)
    last = max((place for place, mark in enumerate(native_records) if mark.id in crossed), default=-1)
    rest = native_records[last + 1 :]
    if not rest and not window.to_end:
        return None
    seconds = max(0, now - rest[0].timestamp) / 1000 if rest else 0.0
    return Lag(len(rest), seconds, complete=window.to_end and (window.from_start or last >= 0))


def _once(native_records: Iterable[Mark]) -> list[Mark]:
    """Return the first of each id, in order. A worker that died writes its last outputs again, with the same ids."""
    found: dict[bytes, Mark] = {}
    for mark in native_records:
        found.setdefault(mark.id, mark)
    return list(found.values())


def measure(
    settings: Settings,
    flow: Flow,
    partitions: Sequence[Partition],
    committed: Offsets,
    clock: Clock,
    give_up: float,
    *,
    whole: bool = False,
    most: int | None = None,
) -> dict[Partition, Lag | None]:
    """Return the lag of each partition of the source; None where a cluster could not be read up to its end in time.

    Args:
        settings: where the clusters are.
        flow: what carries.
        partitions: of mirrored topics on the source.
        committed: what has crossed, as the flow's connector says.
        clock: the time.
        give_up: when to be done, on the monotonic clock.
        whole: whether all behind `committed` is read, however much it is, as far as time allows. Its native records are
            held in memory, so this is not for a flow that is far behind.
        most: how many records are read of the source at most, about; as many as time allows without it.

    Raises:
        KafkalertError: a cluster does not answer (UnreachableError), or does not let us read.
    """
    source, target = settings.clusters[flow.source], settings.clusters[flow.target]
    places = Places(source)
    starts, ends = places.starts(partitions), places.ends(partitions)
    behind = {
        partition: max(starts[partition], resumes(committed.get(partition), ends[partition]))
        for partition in partitions
    }
    seconds = max(0.0, give_up - clock.monotonic()) * _OF_SOURCE
    limit = int(PER_SECOND * seconds)
    first = behind if whole else newest(behind, ends, limit if most is None else min(most, limit))
    bounds = (first, ends)
    native_records, read = _read(source, flow.target, bounds, clock, clock.monotonic() + seconds, native=True)
    windows = {
        partition: Window(native_records[partition], first[partition] == behind[partition], partition in read)
        for partition in partitions
    }
    # A copy keeps its record's time, so none lies before the first record of the window's earliest time.
    earliest = {
        partition: min(mark.timestamp for mark in found) for partition, found in native_records.items() if found
    }
    there = Places(target)
    begin = there.since({partition: earliest[partition] for partition in _existing(settings, target.name, earliest)})
    copies, known = _read(target, flow.source, (begin, there.ends(begin)), clock, give_up, native=False)
    now = clock.wall_ms()
    return {
        partition: lag(window, {mark.id for mark in copies[partition]}, now)
        if partition in known or partition not in begin
        else None
        for partition, window in windows.items()
    }


def newest(first: Mapping[Partition, int], ends: Mapping[Partition, int], most: int) -> dict[Partition, int]:
    """From where on to read so that about `most` records are read, each partition giving up the same share."""
    spans = {partition: max(0, ends[partition] - start) for partition, start in first.items()}
    total = sum(spans.values())
    if total <= most:
        return dict(first)
    return {
        partition: ends[partition] - spans[partition] * most // total if spans[partition] else start
        for partition, start in first.items()
    }


def _existing(settings: Settings, cluster: str, wanted: Iterable[Partition]) -> list[Partition]:
    """Those of `wanted` that a cluster has; the mirror makes a topic there only once it carries it."""
    there = partitions(settings, cluster, seconds=SECONDS)
    return [(topic, number) for topic, number in wanted if number < there.get(topic, 0)]


def _read(
    cluster: Cluster,
    other: str,
    bounds: tuple[Mapping[Partition, int], Mapping[Partition, int]],
    clock: Clock,
    give_up: float,
    *,
    native: bool,
) -> tuple[Mapping[Partition, list[Mark]], set[Partition]]:
    """Return marks from the first offsets to before the ends, and the partitions that were read to their end."""
    first, ends = bounds
    found: dict[Partition, list[Mark]] = defaultdict(list)
    wanted = {partition: ends[partition] for partition, start in first.items() if start < ends[partition]}
    if not wanted:
        return found, set(first)
    reader = MarkReader(cluster, other)
    try:
        reader.start({partition: first[partition] for partition in wanted})
        while not reader.reached(wanted) and clock.monotonic() < give_up:
            for partition, mark in reader.pump(_WAIT_SECONDS):
                if mark.native is native and mark.offset < ends[partition]:
                    found[partition].append(mark)
    finally:
        reader.close()
    return found, {
        partition for partition in first if partition not in wanted or reader.positions[partition] >= ends[partition]
    }
