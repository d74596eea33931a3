"""What instances told of where they were: places that they had committed, with ids that find them elsewhere. Pure."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from kafkalert.bus.records.partitions import Partition, parse_partition
from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord


@dataclass(frozen=True, slots=True)
class Claim:
    """By a heartbeat of `time` (ms, the instance's clock) everything before `offset` was processed and delivered.

    `id` is that of the last record before it; empty where that is not known.
    """

    time: int
    instance: str
    offset: int
    id: bytes


@dataclass(frozen=True, slots=True)
class Say:
    """What one instance tells of a moment: its claims up to then, the newest first, and the ids of those after it."""

    made: Sequence[Claim]
    later: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of one partition, and the times (ms) of each instance's heartbeats; both the oldest first."""

    made: Sequence[Claim]
    heartbeats: Mapping[str, Sequence[int]]

    def settled(self, until: int) -> list[Say]:
        """For each instance that had the partition at `until` (ms), what it tells.

        A group may go on behind the claims of all of them, and behind none of the later ones: so no single heartbeat
        moves the place ahead, whoever wrote it, and in whatever name. An instance that has beaten since without the
        partition, and claims it no more, has lost it, after a last commit, and has no say; if that is every one of
        them, all count. Where each made a single claim, nothing is known.
        """
        each: dict[str, list[Claim]] = defaultdict(list)
        later: dict[str, list[bytes]] = defaultdict(list)
        for claim in self.made:
            if claim.time <= until:
                each[claim.instance].append(claim)
            else:
                later[claim.instance].append(claim.id)
        for made in each.values():
            made.reverse()
        lost = {name for name, made in each.items() if name not in later and self._has_left(name, made[0].time, until)}
        says = {name: made for name, made in sorted(each.items()) if name not in lost or len(lost) == len(each)}
        if all(len(made) + len(later[name]) == 1 for name, made in says.items()):
            return []
        return [Say(made, [id_ for id_ in later[name] if id_]) for name, made in says.items()]

    def _has_left(self, instance: str, time: int, until: int) -> bool:
        times = self.heartbeats[instance]
        return time < times[bisect_right(times, until) - 1]


def claims(heartbeats: Iterable[HeartbeatRecord], old: str) -> dict[str, dict[Partition, Claims]]:
    """By stage and partition, what instances on the cluster `old` claimed in `heartbeats`, which are in log order.

    A heartbeat that is older than one before it in its instance's name tells nothing: a clock was set back, or it is
    not the instance's. Nor does a claim that a later one in the same name contradicts.
    """
    made: dict[str, dict[Partition, list[Claim]]] = defaultdict(lambda: defaultdict(list))
    times: dict[str, list[int]] = defaultdict(list)
    for heartbeat in heartbeats:
        if heartbeat.cluster != old or (times[heartbeat.instance] and heartbeat.time < times[heartbeat.instance][-1]):
            continue
        times[heartbeat.instance].append(heartbeat.time)
        for word, at in heartbeat.committed.items():
            with suppress(ValueError):  # some other program's heartbeat
                made[heartbeat.stage][parse_partition(word)].append(
                    Claim(heartbeat.time, heartbeat.instance, at.offset, bytes.fromhex(at.id))
                )
    return {
        stage: {partition: Claims(_rising(found), times) for partition, found in partitions.items()}
        for stage, partitions in made.items()
    }


def _rising(made: Sequence[Claim]) -> tuple[Claim, ...]:
    """Without each instance's claims that are ahead of a later one of its own, or say something else of its offset."""
    least: dict[str, tuple[int, bytes]] = {}
    kept: list[Claim] = []
    for claim in reversed(made):
        told = claim.offset, claim.id
        bound = least.setdefault(claim.instance, told)
        if claim.offset < bound[0] or told == bound:
            least[claim.instance] = told
            kept.append(claim)
    return tuple(reversed(kept))
