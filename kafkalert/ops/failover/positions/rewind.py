"""How far back a group has to go where its old cluster cannot be asked: by what was seen of it from outside. Pure.

Of a dead cluster nobody knows to the record what was processed and what of it had crossed. But heartbeats reach the
target without the mirror, and tell which record each group had committed last (`reported.py`); and the newest copies of
outputs on the target tell until when the flow carried those. What was committed by then, less an overlap for clocks and
for what was on its way, was processed and its alerts have crossed. The rest is processed again: the same entries give
the same ids. The place is found by the record's id (`lookup.py`); its time is its producer's, and may be any.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from kafkalert.bus.records.partitions import Partition, parse_partition
from kafkalert.ops.failover.status.heartbeats import RUNNING, HeartbeatRecord

OVERLAP_SECONDS: Final = 80.0
"""Half of it covers what may lie between two times that are compared: 30 s by which clocks of two machines differ, 9 s
for which an output is on its way, and the second by which what a heartbeat tells is old. The other half is for records
that were written to the target itself, and took so long to be processed on the old cluster."""

QUIET_SECONDS: Final = 600.0
"""A partition whose newest copy is so much older than another's has nothing to carry, rather than much."""

FRESH_MS: Final = 3000
"""An end that was told so long before its cluster was last heard is an end of before: much may have come since."""

_LEAST: Final = 2


@dataclass(frozen=True, slots=True)
class End:
    """How far a partition reached on the old cluster; `age`: ms from when that was told until the cluster was heard."""

    offset: int
    age: int

    @property
    def is_fresh(self) -> bool:
        """Whether it is that of the cluster's last moments."""
        return self.age <= FRESH_MS


def ends_told(heartbeats: Iterable[HeartbeatRecord], old: str) -> dict[str, dict[Partition, End]]:
    """By stage and partition, the highest end on the cluster `old` that heartbeats tell, which are in the log's order.

    Who does not run fetches nothing, and so knows no end. How much time has passed is told by the clock of one and the
    same instance, as those of two machines differ.
    """
    told: dict[str, dict[Partition, tuple[int, int]]] = defaultdict(dict)
    first: dict[str, int] = {}
    now, heard = 0, -1
    for heartbeat in heartbeats:
        now = max(now, heartbeat.time - first.setdefault(heartbeat.instance, heartbeat.time - now))
        if old in heartbeat.taken_ms_ago:
            heard = max(heard, now - heartbeat.taken_ms_ago[old])
        if heartbeat.cluster != old or heartbeat.state != RUNNING:
            continue
        age = (heartbeat.loop_turned_ms_ago or 0) if heartbeat.ends_ms_ago is None else heartbeat.ends_ms_ago
        for word, end in heartbeat.ends.items():
            with suppress(ValueError):  # some other program's heartbeat
                partition = parse_partition(word)
                known = told[heartbeat.stage].get(partition, (end, 0))
                if end >= known[0]:
                    told[heartbeat.stage][partition] = end, now - age
    heard = now if heard < 0 else heard
    return {
        stage: {partition: End(offset, max(0, heard - at)) for partition, (offset, at) in ends.items()}
        for stage, ends in told.items()
    }


def whole_until(
    crossed: Mapping[Partition, int], *, healthy: bool, others: Mapping[Partition, int] | None = None
) -> int | None:
    """Return the moment (ms) up to which all outputs have crossed, by their copies on the target.

    It returns None without any copy.

    `crossed` has the time of the newest copy of each partition, which is when a stage made it. A flow that runs may be
    late in some of them, so the oldest of these times counts; but a partition that brought nothing for QUIET_SECONDS,
    while others did, is taken to be quiet. Where not all tasks of the flow ran, each partition counts, as it may belong
    to the task that had failed.

    `others` has the time of the newest record of a partition that holds no copy lately: when it was made, stages were
    on the target, and nothing came since. Anybody may have written it, so it only makes the moment an earlier one.
    """
    if not crossed:
        return None
    newest = max(crossed.values())
    since = newest - round(QUIET_SECONDS * 1000)
    times = [time for time in crossed.values() if time >= since or not healthy]
    return min([*times, *(time for time in (others or {}).values() if time >= since)])


def quiet_until(heartbeats: Iterable[HeartbeatRecord], old: str, *, two_hop: bool = False) -> int | None:
    """Return the newest moment (ms) at which `old` took heartbeats, and no alert was made QUIET_SECONDS before.

    Then nothing waited to cross at that moment, however old the newest copy is. Of later heartbeats only the alerts
    count: from a cluster that is gone nothing crosses, however quiet it is. Two heartbeats have to tell of such a
    moment, as a single one may be anybody's. None where an alert was made, or heartbeats do not reach back so far.
    `two_hop`: nor may an entry have been read then, as it makes records for the second hop without any alert.
    """
    heard = sorted((beat for beat in heartbeats if beat.cluster == old), key=lambda beat: beat.time)
    moments = sorted(beat.time - beat.taken_ms_ago[old] for beat in heard if old in beat.taken_ms_ago)
    if len(moments) < _LEAST or heard[0].time > moments[-2] - round(QUIET_SECONDS * 1000):
        return None
    since = moments[-2] - round(QUIET_SECONDS * 1000)
    before: dict[str, int] = {}
    for heartbeat in heard:
        made = heartbeat.totals.entries if two_hop else sum(heartbeat.totals.alerts.values())
        if heartbeat.time >= since and made > before.get(heartbeat.instance, made):
            return None
        before[heartbeat.instance] = made
    return moments[-2]


def stranded(end: End | None, carried: int | None, crossed: int | None) -> int | None:
    """How many records of a partition may be on the old cluster alone, as of the last heartbeat; None if not known.

    `end` is that of the partition there, by heartbeats, None where none tells, and worth nothing where it is of before.
    `carried` is the last offset that the flow confirmed. It does not count what it dropped because it came from the
    target, so it says too much rather than too little. What came behind `crossed`, an offset before which everything is
    known to have crossed, is another bound.
    """
    if end is None or not end.is_fresh:
        return None
    if not end.offset:  # it never had any
        return 0
    bounds = [] if carried is None else [end.offset - (carried + 1)]
    if crossed is not None:
        bounds.append(end.offset - crossed)
    return max(0, min(bounds)) if bounds else None
