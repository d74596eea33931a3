"""One look at a cluster: where its groups are, where the logs they read begin and end, and what waits there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kafkalert.bus.commit_log import CommitLog
from kafkalert.bus.records.mark_reader import Places
from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.records.watermarks import MissingTopicsError
from kafkalert.bus.transactions import tool
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock
from kafkalert.errors import DeniedError, UsageError
from kafkalert.ops.failover.positions.groups import Groups
from kafkalert.ops.group_names import chosen, inputs
from kafkalert.ops.lag.movement import Observation
from kafkalert.ops.lag.waiting import Reader, Waiting

Key = tuple[str, Partition]
"""A group, and a partition that it reads."""
_COMMITS_SECONDS: Final = 0.05
"""How long commits are waited for at a look; the next one counts what came later."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found: the members of each group, and of each partition that one reads where it is.

    `at`: ms since 1970.
    """

    at: int
    members: Mapping[str, int]
    seen: Mapping[Key, Observation]
    waiting: Mapping[Key, Waiting]


class Looker:
    """Looks at the groups of a context on a cluster, at one of them and in one topic alone where these are named.

    Not for several threads. Every look raises UnreachableError or DeniedError; UsageError where there is no such group
    or topic.
    """

    def __init__(self, settings: Settings, cluster: str, clock: Clock, *, group: str = "", topic: str = "") -> None:
        self._settings = settings
        self._cluster = settings.clusters[cluster]
        self._clock = clock
        self._group = group
        self._topics = {topic, settings.topic(topic)} if topic else set()
        self._groups = Groups(settings, self._cluster)
        self._places = Places(self._cluster)
        self._commits = CommitLog(self._cluster)
        self._reader = Reader(self._cluster, clock)
        self._blind: DeniedError | None = None

    def notes(self) -> list[str]:
        """Return what could not be seen for lack of a right."""
        found = []
        if self._blind is not None:
            found.append(f"{self._blind} So a group that commits the same offset again counts as STOPPED, not STALLED.")
        if self._reader.refused is not None:
            found.append(f"{self._reader.refused} So what waits there is counted by offsets, and its age is not known.")
        return found

    def transaction(self, partition: Partition, stable: int) -> str:
        """Return how Kafka's own tool names who has a transaction open there."""
        return tool(self._cluster, *partition, stable)

    def look(self) -> Look:
        """Look once."""
        if not self._group:
            self._groups.check_seen()
        names = chosen(self._settings, self._cluster.name, self._groups, self._group)
        attendance = self._groups.attendance(names)
        self._follow(names)
        committed = self._groups.committed(names)
        read = {name: {*inputs(self._settings, name), *(topic for topic, _ in committed[name])} for name in names}
        if self._topics and not any(topics & self._topics for topics in read.values()):
            raise UsageError(
                f"No group that was asked for reads {min(self._topics, key=len)} on {self._cluster.name}.",
                hint="`kafkalert group show` lists groups and their topics.",
            )
        topics = {topic for topics in read.values() for topic in topics if not self._topics or topic in self._topics}
        partitions = self._partitions(topics)
        now = self._clock.monotonic()
        starts = self._places.starts(partitions)
        # The last stable offsets after the others: what came in between waits for nobody.
        ends, stable = self._places.high_watermarks(partitions), self._places.ends(partitions)
        self._count()
        seen: dict[Key, Observation] = {}
        waiting: dict[Key, Waiting] = {}
        for name in names:
            own = {
                one: Observation(
                    now,
                    committed[name].get(one),
                    starts[one],
                    max(ends[one], stable[one]),
                    stable[one],
                    self._commits.counts[name, one],
                )
                for one in partitions
                if one[0] in read[name]
            }
            seen |= {(name, one): observation for one, observation in own.items()}
            waiting |= {(name, one): found for one, found in self._reader.read(name, own).items()}
        members = {name: attendance[name].members for name in names}
        return Look(self._clock.wall_ms(), members, seen, waiting)

    def close(self) -> None:
        """Leave the cluster."""
        self._commits.close()
        self._reader.close()

    def _partitions(self, topics: set[str]) -> list[Partition]:
        """Return the partitions of the topics that are there: a group may have committed in one that is gone."""
        try:
            return sorted(self._places.partitions(topics)) if topics else []
        except MissingTopicsError as error:
            return self._partitions(topics.difference(error.topics))

    def _follow(self, names: list[str]) -> None:
        if self._blind is None:
            try:
                self._commits.follow(names)
            except MissingTopicsError:
                pass  # nobody has committed anything yet
            except DeniedError as error:
                self._blind = error

    def _count(self) -> None:
        """Count the commits that came since the last look; none where they may not be read."""
        if self._blind is None:
            try:
                self._commits.read(_COMMITS_SECONDS)
            except DeniedError as error:
                self._blind = error
