"""Which records of a flow's source expired before they crossed: nobody can carry them any more.

A flow confirms each second what it has carried. Where the source's log begins behind what was confirmed, the records
between are gone. Once a later record has crossed, the flow confirms that one, and only the step over the gap tells of
it. It is told for a day at most: not after the log begins behind that record, since what expired later had crossed; and
not after the step is no longer among the newest commits, which alone are read. Nothing else is between two
confirmations but what came from the other cluster, which the flow drops. So this is said of the cluster in use only,
from the switch to it on; and as a number that it is at most.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from kafkalert.bus.connect.flow import Flow, offsets_topic
from kafkalert.bus.control.state import View
from kafkalert.bus.records.mark_reader import Places
from kafkalert.bus.records.partitions import Partition, partition_word
from kafkalert.bus.records.watermarks import MissingTopicsError
from kafkalert.config.sections import Cluster, Settings
from kafkalert.engine.clock import Clock
from kafkalert.ops.active import standing
from kafkalert.ops.mirror.carried import carried_if_told
from kafkalert.ops.mirror.condition import TOPIC_SECONDS, partitions
from kafkalert.ops.mirror.confirmed import NEWEST, Confirmed, confirmed

TOLD_MS: Final = 86_400_000
STEADY_MS: Final = 10_000
"""A flow that runs and has something to carry confirms each second; what lay in such a step had crossed."""
_WORKER_SECONDS: Final = 1.5


@dataclass(frozen=True, slots=True)
class Expired:
    """What of a topic was gone before it crossed: `records`, at most.

    `anew`: the flow has confirmed more than the topic ever held, so it was deleted and made anew; how many records of
    the old one had not crossed nobody knows.
    """

    topic: str
    records: int
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What expired, by topic. `since` (ms): what the flow had passed over before that is not known; None: all is."""

    topics: tuple[Expired, ...] = ()
    since: int | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """A partition of the source: its first offset and the one after its last, and what its flow confirmed, in order.

    `base`: before that offset everything is known to have crossed.
    """

    start: int
    end: int
    base: int
    confirmed: Sequence[Confirmed]

    @property
    def is_anew(self) -> bool:
        """Whether the flow has confirmed what this log never held."""
        return bool(self.confirmed) and self.confirmed[-1].offset >= self.end

    def gone(self, now: int) -> int:
        """How many records expired, at most, before the flow could carry them."""
        if not self.confirmed or self.is_anew:
            return 0
        for before, after in (*pairwise(self.confirmed), (self.confirmed[-1], None)):
            if after is not None and (
                after.offset < self.start or after.at - before.at < STEADY_MS or now - after.at > TOLD_MS
            ):
                continue
            if gone := max(0, self.start - max(self.base, before.offset + 1)):
                return gone
            if before.offset >= self.start:
                break
        return 0

    def is_in_doubt(self, now: int) -> bool:
        """Whether there may have been a step over a gap, within the day, before the first commit that is known."""
        if not self.confirmed or self.is_anew:
            return False
        first = self.confirmed[0]
        return self.base < self.start <= first.offset and now - first.at <= TOLD_MS


def words(found: Sequence[Expired], source: str) -> str:
    """Return what is gone, as the beginning or the end of a sentence; empty where nothing is."""
    gone = [f"{loss.records:,} of {loss.topic}" for loss in found if loss.records]
    anew = [loss.topic for loss in found if loss.anew]
    told = []
    if gone:
        told.append(f"records expired on {source} before they crossed, at most {', '.join(gone)}")
    if anew:
        told.append(f"made anew on {source}: {', '.join(anew)}; what had not crossed before is lost, ? records")
    return "; ".join(told)


def expired(settings: Settings, flow: Flow, clock: Clock, give_up: float) -> Told:
    """Return what expired on the source of `flow` before it crossed.

    Nothing where that cannot be told: of the cluster that is not in use, and after a forced switch to it. Raises
    KafkalertError.
    """
    source, target = settings.clusters[flow.source], settings.clusters[flow.target]
    view = standing(settings)
    if view.active != flow.source:
        return Told()
    there = partitions(settings, flow.source, seconds=TOPIC_SECONDS)
    asked = [(topic, number) for topic, count in there.items() for number in range(count)]
    bases = bases_of(view, flow.source, asked)
    if not bases:
        return Told()
    places = Places(source)
    starts = places.starts(asked)
    told = confirmed(target, flow, clock, give_up) if any(starts.values()) else {}
    newest = carried_if_told(settings, flow, _WORKER_SECONDS)  # perhaps not among the newest of their topic
    ends = places.ends(asked)  # asked last: whatever had been confirmed by then lies before them
    now = clock.wall_ms()
    logs = {
        partition: Log(
            starts[partition], ends[partition], base, _joined(told.get(partition, ()), newest.get(partition), now)
        )
        for partition, base in bases.items()
    }
    is_known = not any(log.is_in_doubt(now) for log in logs.values()) or _reach_back(target, now - TOLD_MS)
    return Told(tuple(summed(logs, now)), None if is_known else _oldest(told.values(), now))


def bases_of(view: View, source: str, partitions: Iterable[Partition]) -> dict[Partition, int]:
    """By partition the offset of `source` before which nothing is missing, where it is in use and that is known."""
    if view.active != source:
        return {}
    if view.commit is None:
        return dict.fromkeys(partitions, 0)
    found: dict[Partition, int] = {}
    with suppress(AttributeError, TypeError, ValueError):  # JSON that anybody may have written
        ends = view.commit.detail.get("ends", {}).get(source, {})
        found = {partition: int(ends[word]) for partition in partitions if (word := partition_word(partition)) in ends}
    return found


def summed(logs: Mapping[Partition, Log], now: int) -> list[Expired]:
    """By topic; those without are left out."""
    found: dict[str, Expired] = {}
    for (topic, _), log in logs.items():
        gone, before = log.gone(now), found.get(topic, Expired(topic, 0))
        if gone or log.is_anew:
            found[topic] = Expired(topic, before.records + gone, before.anew or log.is_anew)
    return list(found.values())


def _reach_back(cluster: Cluster, time: int) -> bool:
    """Whether the commits that are read, the newest of the workers beside `cluster`, reach back to `time` (ms)."""
    places = Places(cluster)
    try:
        partitions = places.partitions([offsets_topic(cluster.name)])
    except MissingTopicsError:
        return True
    first, ends = places.since(dict.fromkeys(partitions, time)), places.ends(partitions)
    return all(ends[partition] - offset <= NEWEST for partition, offset in first.items())


def _oldest(told: Iterable[Sequence[Confirmed]], now: int) -> int:
    """When the oldest of these was confirmed, as far as that can be."""
    return max(now - TOLD_MS, min((commits[0].at for commits in told if commits), default=now))


def _joined(told: Sequence[Confirmed], newest: int | None, now: int) -> Sequence[Confirmed]:
    is_known = newest is None or (told and told[-1].offset == newest)
    return told if is_known else (*told, Confirmed(newest or 0, now))
