"""How far back a group has to go where its old cluster cannot be asked: by what was seen of it from outside. Pure.

Of a dead cluster nobody knows to the record what was processed and what of it had crossed. But heartbeats reach the
target without the mirror, and tell how far partitions reached and how many records were left; and the newest copies on
the target tell until when the flow carried everything. All that lies before both, less an overlap for clocks and for
what was on its way, was processed and its alerts have crossed. The rest is processed again: the same entries give the
same ids.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from kafkalert.bus import place
from kafkalert.ops.failover.beats import Beat

OVERLAP_SECONDS: Final = 80.0
"""Each half covers what may lie between two times that are compared: 30 s by which clocks of two machines differ, 9 s
for which an output is on its way, and the second by which what a beat tells is old."""

QUIET_SECONDS: Final = 600.0
"""A partition whose newest copy is so much older than another's has nothing to carry, rather than much."""

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Sight:
    """What one heartbeat told of one partition of the old cluster.

    `time`: ms, by the instance's clock. `end`: of the partition. `left`: records before it that were not processed, at
    most.
    """

    time: int
    end: int
    left: int


def sights(beats: Iterable[Beat], old: str) -> dict[str, dict[Partition, list[Sight]]]:
    """By stage and partition, what heartbeats of instances on the cluster `old` told, the oldest first.

    Where a beat tells only the sum of what is left, all of it may be in any of its partitions.
    """
    found: dict[str, dict[Partition, list[Sight]]] = defaultdict(lambda: defaultdict(list))
    for beat in beats:
        if beat.cluster != old:
            continue
        for word, end in beat.ends.items():
            with suppress(ValueError):  # some other program's beat
                left = beat.lags.get(word, beat.lag)
                found[beat.stage][place.read(word)].append(Sight(beat.time, end, max(0, left)))
    return {
        stage: {one: sorted(seen, key=lambda sight: sight.time) for one, seen in partitions.items()}
        for stage, partitions in found.items()
    }


def whole_until(crossed: Mapping[Partition, int], *, healthy: bool, rare: Collection[str] = frozenset()) -> int | None:
    """The moment (ms) up to which everything has crossed, by the copies on the target; None without any copy.

    `crossed` has the time of the newest copy of each partition. A flow that runs may be late in some of them, so the
    oldest of these times counts; but a partition that brought nothing for QUIET_SECONDS, while others did, is taken to
    be quiet, and so are `rare` topics. Where not all tasks of the flow ran, each partition that is not rare counts, as
    it may belong to the task that had failed.
    """
    usual = [time for (topic, _), time in crossed.items() if topic not in rare]
    if not healthy:
        return min(usual, default=None)
    newest = max(crossed.values(), default=None)
    if newest is None:
        return None
    return min((time for time in usual if time >= newest - round(QUIET_SECONDS * 1000)), default=newest)


def go_back_to(seen: Sequence[Sight], whole: int | None, *, overlap: float = OVERLAP_SECONDS) -> int | None:
    """The time (ms) from which the records of a partition are processed again; None if that is not known.

    Half of the overlap goes back from `whole`, to a beat whose outputs have surely crossed: what it says was processed
    is taken as processed. Then to the newest beat at which the partition reached no further than that, which in a
    backlog is much earlier. The other half goes back from there, as that was the instance's clock, and the records
    have their producers'.
    """
    if whole is None:
        return None
    half = round(overlap * 500)
    settled = [one for one in seen if one.time <= whole - half]
    if not settled:
        return None
    position = settled[-1].end - settled[-1].left
    reached = max((one.time for one in settled if one.end <= position), default=None)
    return None if reached is None else max(0, reached - half)


def stranded(
    seen: Sequence[Sight], carried: int | None, whole: int | None, *, overlap: float = OVERLAP_SECONDS
) -> int | None:
    """How many records of a partition may be on the old cluster alone, as of the last beat; None if not known.

    `carried` is the last offset that the flow confirmed. It does not count what it dropped because it came from the
    target, so it says too much rather than too little. What came after a beat of a time when the flow was still
    `whole` is another bound; `overlap` is for clocks.
    """
    if not seen:
        return None
    end = seen[-1].end
    if not end:  # it never had any
        return 0
    bounds = [] if carried is None else [end - (carried + 1)]
    if whole is not None and seen[0].time <= whole - round(overlap * 500):
        bounds.append(end - seen[0].end)
    return max(0, min(bounds)) if bounds else None
