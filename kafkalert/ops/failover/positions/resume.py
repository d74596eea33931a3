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
            one: Sought(
                [[claim.id for claim in say.made] for say in each],
                self.starts[one],
                self.ends[one],
                self._near(one, reached.get(one), min(say.made[0].offset for say in each)),
                [say.later for say in each],
            )
            for one, each in chosen.items()
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
            doubtful = {one: (self.starts[one], self.ends[one]) for one, what in found.items() if what.native}
            moved = native_records_behind(doubtful, reader, self.clock) if doubtful else {}
            again = {
                one: replace(sought[one], near=max(self.starts[one], sought[one].near - many))
                for one, many in moved.items()
                if many
            }
            if again:
                found = {one: what for one, what in found.items() if one not in again}
                found |= find(again, reader, self.clock, seconds)
        finally:
            reader.close()
        return {one: replace(what, after=min(what.after, self.stable[one])) for one, what in found.items()}

    def _near(self, one: Partition, reached: int | None, claimed: int) -> int:
        """Where it probably lies, or before that: a record may come again, and the first one counts."""
        return self.starts[one] if reached is None else self.ends[one] - max(0, reached - claimed)


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
    told = {one: at for one, end in reached.items() if (at := _reached(end, carried.get(one))) is not None}
    until = None if whole is None else whole - round(overlap * 1000)
    chosen = {one: [] if until is None else _with_ids(made[one].settled(until)) for one in reached.keys() & made.keys()}
    found = logs.find(chosen, told)
    # What the flow has confirmed tells more, where its worker answers.
    latest = {one: _with_ids(made[one].settled(FOR_EVER)) for one in chosen if one not in carried}
    crossed = logs.find(latest, told)
    points = []
    for one, end_there in reached.items():
        start, end = logs.starts[one], logs.ends[one]
        # Rather from where it last was, or from the beginning, than past what nobody has processed.
        offset, time = _within(start, end, known.committed.get(one), known.tried.get(one)), None
        if one in found:
            offset = max(_within(start, end, known.committed.get(one)), found[one].after)
            time = chosen[one][found[one].say].made[found[one].rank].time
        ranks = enumerate(crossed[one].ranks) if one in crossed else ()
        bound = min((latest[one][say].made[rank].offset for say, rank in ranks), default=None)
        lost = stranded(end_there, carried.get(one), bound) if all_read else None
        points.append(ResumePoint(group, one, offset, end - offset, time, lost))
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
    return next((one for one in offsets if one is not None and start <= one <= end), start)


def _with_ids(says: Sequence[Say]) -> list[Say]:
    """Of each instance's claims, those with an id; of several with one id the oldest, as the others are repeats."""
    return [Say(_first_of_each(say.made), _others(say)) for say in says]


def _first_of_each(made: Sequence[Claim]) -> list[Claim]:
    found: dict[bytes, Claim] = {}
    for one in reversed(made):
        # Who has nothing to do claims the same each second.
        if one.id and one.offset == found.get(one.id, one).offset:
            found[one.id] = one
    return list(found.values())[::-1]


def _others(say: Say) -> list[bytes]:
    """Return the later ids, without those that stood before already."""
    before = {one.id for one in say.made}
    return [one for one in dict.fromkeys(say.later) if one not in before]
