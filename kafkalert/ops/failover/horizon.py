"""How far back a group has to go where its old cluster cannot be asked: by what was seen of it from outside. Pure.

Of a dead cluster nobody knows to the record what was processed and what of it had crossed. But heartbeats reach the
target without the mirror, and tell which record each group had committed last (`claims.py`); and the newest copies of
outputs on the target tell until when the flow carried those. What was committed by then, less an overlap for clocks and
for what was on its way, was processed and its alerts have crossed. The rest is processed again: the same entries give
the same ids. The place is found by the record's id (`lookup.py`). Only where heartbeats tell no ids it is found by the
record's time, which is its producer's and may be any.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from kafkalert.bus import place
from kafkalert.ops.failover.beats import Beat

OVERLAP_SECONDS: Final = 80.0
"""Each half covers what may lie between two times that are compared: 30 s by which clocks of two machines differ, 9 s
for which an output is on its way, and the second by which what a beat tells is old. By ids one half would do; the other
is for records that were written to the target itself, and took so long to be processed on the old cluster."""

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


def whole_until(crossed: Mapping[Partition, int], *, healthy: bool) -> int | None:
    """The moment (ms) up to which all outputs have crossed, by their copies on the target; None without any copy.

    `crossed` has the time of the newest copy of each partition, which is when a stage made it. A flow that runs may be
    late in some of them, so the oldest of these times counts; but a partition that brought nothing for QUIET_SECONDS,
    while others did, is taken to be quiet. Where not all tasks of the flow ran, each partition counts, as it may belong
    to the task that had failed.
    """
    if not healthy:
        return min(crossed.values(), default=None)
    newest = max(crossed.values(), default=0)
    return min((time for time in crossed.values() if time >= newest - round(QUIET_SECONDS * 1000)), default=None)


def quiet_until(beats: Iterable[Beat], old: str) -> int | None:
    """The newest beat's time (ms), if no instance on the cluster `old` made an alert in the QUIET_SECONDS before it.

    Then nothing waits to cross, however old the newest copy is. None where one did, or beats do not reach back so far.
    """
    heard = sorted((one for one in beats if one.cluster == old), key=lambda one: one.time)
    if not heard or heard[-1].time - heard[0].time < QUIET_SECONDS * 1000:
        return None
    since = heard[-1].time - round(QUIET_SECONDS * 1000)
    made: dict[str, int] = {}
    for beat in heard:
        alerts = sum(beat.totals.alerts.values())
        if beat.time >= since and alerts > made.get(beat.instance, 0 if beat.instance in made else alerts):
            return None
        made[beat.instance] = alerts
    return heard[-1].time


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


def stranded(seen: Sequence[Sight], carried: int | None, crossed: int | None) -> int | None:
    """How many records of a partition may be on the old cluster alone, as of the last beat; None if not known.

    `carried` is the last offset that the flow confirmed. It does not count what it dropped because it came from the
    target, so it says too much rather than too little. What came behind `crossed`, an offset before which
    everything is known to have crossed, is another bound.
    """
    if not seen:
        return None
    end = seen[-1].end
    if not end:  # it never had any
        return 0
    bounds = [] if carried is None else [end - (carried + 1)]
    if crossed is not None:
        bounds.append(end - crossed)
    return max(0, min(bounds)) if bounds else None
