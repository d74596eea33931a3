"""Where each group goes on after a forced switch: by ids on the target, by times only where no heartbeat tells ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kafkalert.bus.lookup import Found, Sought, find
from kafkalert.bus.mark_reader import MarkReader, Places
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.ops.failover.claims import Claim, Claims
from kafkalert.ops.failover.horizon import Partition, Sight, go_back_to, stranded

_EVER: Final = 2**63 - 1

Chosen = Sequence[Sequence[Claim]]
"""The claims of each instance that has a say, the best first."""


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

    def find(self, chosen: Mapping[Partition, Chosen], reached: Mapping[Partition, int]) -> dict[Partition, Found]:
        """Where records lie that claims name; see `lookup.find`. `reached`: the partition's end on the old cluster."""
        sought = {
            one: Sought(
                [[claim.id for claim in made] for made in each],
                self.starts[one],
                self.ends[one],
                self.ends[one] - max(0, reached.get(one, 0) - min(made[0].offset for made in each)),
            )
            for one, each in chosen.items()
            if each and all(each)
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
    looks: Mapping[Partition, Sequence[Sight]],
    made: Mapping[Partition, Claims],
    known: Mapping[Partition, int],
    logs: Logs,
    places: Places,
    carried: Mapping[Partition, int],
    whole: int | None,
    overlap: float,
    *,
    all_read: bool,
) -> list[Going]:
    """Where a group goes on: by ids, where heartbeats tell any, else by time."""
    reached = {one: seen[-1].end for one, seen in looks.items() if seen}
    until = None if whole is None else whole - round(overlap * 1000)
    chosen = {one: [] if until is None else _with_ids(made[one].settled(until)) for one in looks.keys() & made.keys()}
    found = logs.find(chosen, reached)
    # What the flow has confirmed tells more, where its worker answers.
    latest = {one: _with_ids(made[one].settled(_EVER)) for one in chosen if one not in carried}
    crossed = logs.find(latest, reached)
    since = {one: go_back_to(seen, whole, overlap=overlap) for one, seen in looks.items() if one not in made}
    at = places.since({one: time for one, time in since.items() if time is not None})
    goings = []
    for one, seen in looks.items():
        start, end = logs.starts[one], logs.ends[one]
        last = known.get(one, -1)
        # Rather from where it last was, or from the beginning, than past what nobody has processed.
        offset, time = last if start <= last <= end else start, None
        if one in found:
            offset, time = max(offset, found[one].after), chosen[one][found[one].say][found[one].rank].time
        elif since.get(one) is not None and one in at:
            offset, time = max(offset, at[one]), since[one]
        bound = latest[one][crossed[one].say][crossed[one].rank].offset if one in crossed else None
        lost = stranded(seen, carried.get(one), bound) if all_read else None
        goings.append(Going(group, one, offset, end - offset, time, lost))
    return goings


def _with_ids(each: Sequence[Sequence[Claim]]) -> Chosen:
    """Of each instance's claims, those with an id; of several with the same one, the newest."""
    return [list({one.id: one for one in reversed(made) if one.id}.values())[::-1] for made in each]
