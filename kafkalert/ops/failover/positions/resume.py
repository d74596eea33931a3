"""Where each group goes on after a forced switch, by ids on the target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from kafkalert.bus.records.lookup import SECONDS, Found, Sought, find, native_records_behind
from kafkalert.bus.records.mark_reader import MarkReader
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.ops.failover.positions.exact import FOR_EVER
from kafkalert.ops.failover.positions.groups import Known
from kafkalert.ops.failover.positions.reported import Claim, Claims, Say
from kafkalert.ops.failover.positions.rewind import End, stranded

LONG_SECONDS: Final = 60.0
"""How long places are looked for where nobody knows near what. The operator waits; else much would be done again."""


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where a group goes on with a partition.

    `since`: the time (ms) whose state it goes back to; None where that is not known, and it goes on where it last was
    on the target, or at the beginning. `again`: how many records follow there. `stranded`: as of `rewind.stranded`.
    """

    group: str
    partition: Partition
    offset: int
    again: int
    since: int | None
    stranded: int | None


@dataclass(frozen=True, slots=True)
class Logs:
    """The partitions of the target, from `starts` to `ends`, to be read for records that came from `old`.

    From `stable` on there may be records of a transaction that is open.
    """

    cluster: Cluster
    old: str
    starts: Mapping[Partition, int]
    ends: Mapping[Partition, int]
    stable: Mapping[Partition, int]
    clock: Clock

    def find(
        self, chosen: Mapping[Partition, Sequence[Say]], reached: Mapping[Partition, int]
    ) -> dict[Partition, Found]:
        """Where records lie that claims name; see `lookup.find`. `reached`: the partition's end on the old cluster.

        Nobody has processed what is in a transaction that is open, so no place lies behind its begin.
        """
        sought = {
            partition: Sought(
                [[claim.id for claim in say.made] for say in each],
                self.starts[partition],
                self.ends[partition],
                self._near(partition, reached.get(partition), min(say.made[0].offset for say in each)),
                [say.later for say in each],
            )
            for partition, each in chosen.items()
            if each and all(say.made for say in each)
        }
        if not sought:
            return {}
        reader = MarkReader(self.cluster, self.old, uncommitted=True)
        try:
            seconds = SECONDS if sought.keys() <= reached.keys() else LONG_SECONDS
            found = find(sought, reader, self.clock, seconds)
            # What others have written here since the old cluster's death moves the likely place ahead, by as many
            # records; and their records may repeat an id. Its copy, if there is one, lies before all of them.
            doubtful = {
                partition: (self.starts[partition], self.ends[partition])
                for partition, what in found.items()
                if what.native
            }
            moved = native_records_behind(doubtful, reader, self.clock) if doubtful else {}
            again = {
                partition: replace(sought[partition], near=max(self.starts[partition], sought[partition].near - many))
                for partition, many in moved.items()
                if many
            }
            if again:
                found = {partition: what for partition, what in found.items() if partition not in again}
                found |= find(again, reader, self.clock, seconds)
        finally:
            reader.close()
        return {
            partition: replace(what, after=min(what.after, self.stable[partition])) for partition, what in found.items()
        }

    def _near(self, partition: Partition, reached: int | None, claimed: int) -> int:
        """Where it probably lies, or before that: a record may come again, and the first one counts."""
        return self.starts[partition] if reached is None else self.ends[partition] - max(0, reached - claimed)


def points_of(
    group: str,
    reached: Mapping[Partition, End | None],
    made: Mapping[Partition, Claims],
    known: Known,
    logs: Logs,
    carried: Mapping[Partition, int],
    whole: int | None,
    overlap: float,
    *,
    all_read: bool,
) -> list[ResumePoint]:
    """Where a group goes on: behind what it is known to have processed, else where it last was on the target.

    `reached` has each partition that it may read, and its end on the old cluster where heartbeats tell one.
    """
    told = {
        partition: at for partition, end in reached.items() if (at := _reached(end, carried.get(partition))) is not None
    }
    until = None if whole is None else whole - round(overlap * 1000)
    chosen = {
        partition: [] if until is None else _with_ids(made[partition].settled(until))
        for partition in reached.keys() & made.keys()
    }
    found = logs.find(chosen, told)
    # What the flow has confirmed tells more, where its worker answers.
    latest = {
        partition: _with_ids(made[partition].settled(FOR_EVER)) for partition in chosen if partition not in carried
    }
    crossed = logs.find(latest, told)
    points = []
    for partition, end_there in reached.items():
        start, end = logs.starts[partition], logs.ends[partition]
        # Rather from where it last was, or from the beginning, than past what nobody has processed.
        offset, time = _within(start, end, known.committed.get(partition), known.tried.get(partition)), None
        if partition in found:
            offset = max(_within(start, end, known.committed.get(partition)), found[partition].after)
            time = chosen[partition][found[partition].say].made[found[partition].rank].time
        ranks = enumerate(crossed[partition].ranks) if partition in crossed else ()
        bound = min((latest[partition][say].made[rank].offset for say, rank in ranks), default=None)
        lost = stranded(end_there, carried.get(partition), bound) if all_read else None
        points.append(ResumePoint(group, partition, offset, end - offset, time, lost))
    return points


def _reached(end: End | None, carried: int | None) -> int | None:
    """Return the end of a partition on the old cluster, or a little less.

    It returns None where all that is known of it is of before.
    """
    told = [] if end is None else [end.offset]
    if carried is not None:
        return max([*told, carried + 1])
    return end.offset if end is not None and end.is_fresh else None


def _within(start: int, end: int, *offsets: int | None) -> int:
    """Return the first of `offsets` that the log has; without one its start."""
    return next((offset for offset in offsets if offset is not None and start <= offset <= end), start)


def _with_ids(says: Sequence[Say]) -> list[Say]:
    """Of each instance's claims, those with an id; of several with one id the oldest, as the others are repeats."""
    return [Say(_first_of_each(say.made), _others(say)) for say in says]


def _first_of_each(made: Sequence[Claim]) -> list[Claim]:
    found: dict[bytes, Claim] = {}
    for claim in reversed(made):
        # Who has nothing to do claims the same each second.
        if claim.id and claim.offset == found.get(claim.id, claim).offset:
            found[claim.id] = claim
    return list(found.values())[::-1]


def _others(say: Say) -> list[bytes]:
    """Return the later ids, without those that stood before already."""
    before = {claim.id for claim in say.made}
    return [id_ for id_ in dict.fromkeys(say.later) if id_ not in before]
