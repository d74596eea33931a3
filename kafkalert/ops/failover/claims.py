"""What instances told of where they were: places that they had committed, with ids that find them elsewhere. Pure."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from kafkalert.bus import place
from kafkalert.ops.failover.beats import Beat

Partition = tuple[str, int]


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
class Claims:
    """The claims of one partition, and when each instance beat at all (ms); both the oldest first."""

    made: Sequence[Claim]
    beaten: Mapping[str, Sequence[int]]

    def settled(self, until: int) -> list[list[Claim]]:
        """For each instance that had the partition at `until` (ms), its claims up to then, the newest first.

        A group may go on behind the claims of all of them: so no single heartbeat moves the place ahead, whoever wrote
        it. An instance that has beaten since without the partition has lost it, after a last commit, and has no say;
        if that is every one of them, all count.
        """
        each: dict[str, list[Claim]] = defaultdict(list)
        for one in self.made:
            if one.time <= until:
                each[one.instance].insert(0, one)
        lost = {name for name, made in each.items() if self._has_beaten_since(name, made[0].time, until)}
        return [made for name, made in sorted(each.items()) if name not in lost or len(lost) == len(each)]

    def _has_beaten_since(self, instance: str, time: int, until: int) -> bool:
        beaten = self.beaten[instance]
        return time < beaten[bisect_right(beaten, until) - 1]


def claims(beats: Iterable[Beat], old: str) -> dict[str, dict[Partition, Claims]]:
    """By stage and partition, what instances on the cluster `old` claimed."""
    made: dict[str, dict[Partition, list[Claim]]] = defaultdict(lambda: defaultdict(list))
    beaten: dict[str, list[int]] = defaultdict(list)
    for beat in sorted((one for one in beats if one.cluster == old), key=lambda one: one.time):
        beaten[beat.instance].append(beat.time)
        for word, at in beat.committed.items():
            with suppress(ValueError):  # some other program's beat
                made[beat.stage][place.read(word)].append(
                    Claim(beat.time, beat.instance, at.offset, bytes.fromhex(at.id))
                )
    return {
        stage: {one: Claims(tuple(found), beaten) for one, found in partitions.items()}
        for stage, partitions in made.items()
    }
