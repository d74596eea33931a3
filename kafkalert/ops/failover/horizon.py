"""How far back a group has to go where its old cluster cannot be asked: by what was seen of it from outside. Pure.

Of a dead cluster nobody knows to the record what was processed and what of it had crossed. But heartbeats reach the
target without the mirror, and tell which record each group had committed last (`claims.py`); and the newest copies of
outputs on the target tell until when the flow carried those. What was committed by then, less an overlap for clocks and
for what was on its way, was processed and its alerts have crossed. The rest is processed again: the same entries give
the same ids. The place is found by the record's id (`lookup.py`); its time is its producer's, and may be any.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from kafkalert.bus import place
from kafkalert.ops.failover.beats import Beat

OVERLAP_SECONDS: Final = 80.0
"""Half of it covers what may lie between two times that are compared: 30 s by which clocks of two machines differ, 9 s
for which an output is on its way, and the second by which what a beat tells is old. The other half is for records that
were written to the target itself, and took so long to be processed on the old cluster."""

QUIET_SECONDS: Final = 600.0
"""A partition whose newest copy is so much older than another's has nothing to carry, rather than much."""

_LEAST: Final = 2
Partition = tuple[str, int]


def ends_told(beats: Iterable[Beat], old: str) -> dict[str, dict[Partition, int]]:
    """By stage and partition, the end that it reached on the cluster `old`, by the highest that heartbeats tell."""
    found: dict[str, dict[Partition, int]] = defaultdict(dict)
    for beat in beats:
        if beat.cluster != old:
            continue
        for word, end in beat.ends.items():
            with suppress(ValueError):  # some other program's beat
                one = place.read(word)
                found[beat.stage][one] = max(end, found[beat.stage].get(one, 0))
    return dict(found)


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
    """The newest moment (ms) at which `old` took heartbeats, if no instance made an alert there QUIET_SECONDS before.

    Then nothing waited to cross at that moment, however old the newest copy is. Of later beats only the alerts count:
    from a cluster that is gone nothing crosses, however quiet it is. Two beats have to tell of such a moment, as a
    single one may be anybody's. None where an alert was made, or beats do not reach back so far.
    """
    heard = sorted((one for one in beats if one.cluster == old), key=lambda one: one.time)
    moments = sorted(one.time - one.taken_ms_ago[old] for one in heard if old in one.taken_ms_ago)
    if len(moments) < _LEAST or heard[0].time > moments[-2] - round(QUIET_SECONDS * 1000):
        return None
    since = moments[-2] - round(QUIET_SECONDS * 1000)
    made: dict[str, int] = {}
    for beat in heard:
        alerts = sum(beat.totals.alerts.values())
        if beat.time >= since and alerts > made.get(beat.instance, 0 if beat.instance in made else alerts):
            return None
        made[beat.instance] = alerts
    return moments[-2]


def stranded(end: int | None, carried: int | None, crossed: int | None) -> int | None:
    """How many records of a partition may be on the old cluster alone, as of the last beat; None if not known.

    `end` is that of the partition there, by heartbeats, None where none tells. `carried` is the last offset that the
    flow confirmed. It does not count what it dropped because it came from the target, so it says too much rather than
    too little. What came behind `crossed`, an offset before which everything is known to have crossed, is another
    bound.
    """
    if end is None:
        return None
    if not end:  # it never had any
        return 0
    bounds = [] if carried is None else [end - (carried + 1)]
    if crossed is not None:
        bounds.append(end - crossed)
    return max(0, min(bounds)) if bounds else None
