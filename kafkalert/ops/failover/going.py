"""Where each group goes on after a forced switch, by ids on the target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kafkalert.bus.lookup import Found, Sought, find
from kafkalert.bus.mark_reader import MarkReader
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.ops.failover.claims import Claims, Say
from kafkalert.ops.failover.cut import FOR_EVER
from kafkalert.ops.failover.horizon import Partition, stranded


@dataclass(frozen=True, slots=True)
class Going:
    """Where a group goes on with a partition.

    `since`: the time (ms) whose state it goes back to; None where that is not known, and it goes on where it last was
    on the target, or at the beginning. `again`: how many records follow there. `stranded`: as of `horizon.stranded`.
    """

    group: str
    partition: Partition
    offset: int
    again: int
    since: int | None
    stranded: int | None


@dataclass(frozen=True, slots=True)
class Logs:
    """The partitions of the target, from `starts` to `ends`, to be read for records that came from `old`."""

    cluster: Cluster
    old: str
    starts: Mapping[Partition, int]
    ends: Mapping[Partition, int]
    clock: Clock

    def find(
        self, chosen: Mapping[Partition, Sequence[Say]], reached: Mapping[Partition, int]
    ) -> dict[Partition, Found]:
        """Where records lie that claims name; see `lookup.find`. `reached`: the partition's end on the old cluster."""
        sought = {
            one: Sought(
                [[claim.id for claim in say.made] for say in each],
                self.starts[one],
                self.ends[one],
                self.ends[one] - max(0, reached.get(one, 0) - min(say.made[0].offset for say in each)),
                [say.later for say in each],
            )
            for one, each in chosen.items()
            if each and all(say.made for say in each)
        }
        if not sought:
            return {}
        reader = MarkReader(self.cluster, self.old)
        try:
            return find(sought, reader, self.clock)
        finally:
            reader.close()


def goings_of(
    group: str,
    reached: Mapping[Partition, int | None],
    made: Mapping[Partition, Claims],
    known: Mapping[Partition, int],
    logs: Logs,
    carried: Mapping[Partition, int],
    whole: int | None,
    overlap: float,
    *,
    all_read: bool,
) -> list[Going]:
    """Where a group goes on: behind what it is known to have processed, else where it last was on the target.

    `reached` has each partition that it may read, and its end on the old cluster where heartbeats tell one.
    """
    told = {one: end for one, end in reached.items() if end is not None}
    until = None if whole is None else whole - round(overlap * 1000)
    chosen = {one: [] if until is None else _with_ids(made[one].settled(until)) for one in reached.keys() & made.keys()}
    found = logs.find(chosen, told)
    # What the flow has confirmed tells more, where its worker answers.
    latest = {one: _with_ids(made[one].settled(FOR_EVER)) for one in chosen if one not in carried}
    crossed = logs.find(latest, told)
    goings = []
    for one, end_there in reached.items():
        start, end = logs.starts[one], logs.ends[one]
        last = known.get(one, -1)
        # Rather from where it last was, or from the beginning, than past what nobody has processed.
        offset, time = last if start <= last <= end else start, None
        if one in found:
            offset, time = max(offset, found[one].after), chosen[one][found[one].say].made[found[one].rank].time
        bound = latest[one][crossed[one].say].made[crossed[one].rank].offset if one in crossed else None
        lost = stranded(end_there, carried.get(one), bound) if all_read else None
        goings.append(Going(group, one, offset, end - offset, time, lost))
    return goings


def _with_ids(says: Sequence[Say]) -> list[Say]:
    """Of each instance's claims, those with an id; of several with the same one, the newest."""
    return [
        Say(list({one.id: one for one in reversed(say.made) if one.id}.values())[::-1], _others(say)) for say in says
    ]


def _others(say: Say) -> list[bytes]:
    """The later ids, without those that stood before already."""
    before = {one.id for one in say.made}
    return [one for one in dict.fromkeys(say.later) if one not in before]
