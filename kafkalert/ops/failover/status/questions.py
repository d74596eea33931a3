"""What clusters and mirror are asked, to know where everything runs and how far it is behind."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Final

from confluent_kafka.admin import AdminClient

from kafkalert.bus import clients
from kafkalert.bus.connect.flow import flows
from kafkalert.bus.records.mark_reader import Places
from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.transactions import tool
from kafkalert.config.sections import Cluster, Settings
from kafkalert.ops.failover.positions.groups import Groups
from kafkalert.ops.failover.status.health import SECONDS, ask_health
from kafkalert.ops.failover.status.picture import GroupLag, Health, OpenTransaction
from kafkalert.ops.failover.status.stage_groups import StageGroups
from kafkalert.ops.mirror.status import FlowStatus, status

Question = tuple[str, str]
"""What is asked, and which cluster: ("answers", name), ("groups", name), ("mirror", "")."""
Answers = Mapping[Question, object]
"""The health of a cluster, the lags of its groups, the flows of the mirror; or the Exception that came instead."""
MIRROR: Final = ("mirror", "")
FEW: Final = 10_000
"""As many are read in a moment. What is in use confirms each second what it has carried; only the rest is read."""


class Questions:
    """The questions about a context.

    `calls` are independent of each other, each for one thread at a time. They return or raise within a bound of their
    own: `flow_seconds` for the mirror's workers and the groups, `answer_seconds` for whether a cluster answers, and two
    or three more for why it does not. `most`: how many records of each flow are read for its lag, about. `stays_open`:
    for a process that asks for hours: only the groups of stages are asked about then, and nobody counts their members.
    """

    def __init__(
        self,
        settings: Settings,
        flow_seconds: float,
        answer_seconds: float = SECONDS,
        most: int | None = None,
        *,
        stays_open: bool = False,
    ) -> None:
        self._settings = settings
        self._seconds = flow_seconds
        self._most = most
        self.calls: dict[Question, Callable[[], object]] = {MIRROR: self._flows}
        for name in settings.context.clusters:
            asked = _Asked(settings, settings.clusters[name], flow_seconds, answer_seconds)
            lags = asked.lags_of_stages if stays_open else asked.lags
            self.calls |= {("answers", name): asked.health, ("groups", name): lags}

    def _flows(self) -> tuple[FlowStatus, ...]:
        return tuple(status(self._settings, flows(self._settings), seconds=self._seconds, most=self._most))


class _Asked:
    """A cluster, and the clients that ask it: each is made by the first question that needs it, and kept."""

    def __init__(self, settings: Settings, cluster: Cluster, seconds: float, answer_seconds: float) -> None:
        self._settings = settings
        self._cluster = cluster
        self._seconds = seconds
        self._answer_seconds = answer_seconds

    @cached_property
    def _client(self) -> AdminClient:
        return clients.admin(self._cluster)

    @cached_property
    def _groups(self) -> Groups:
        return Groups(self._settings, self._cluster, seconds=self._seconds)

    @cached_property
    def _places(self) -> Places:
        return Places(self._cluster)

    def health(self) -> Health:
        """Return how its brokers and partitions are: whether it answers."""
        return ask_health(self._settings, self._cluster, self._client, self._answer_seconds)

    @cached_property
    def _stages(self) -> StageGroups:
        return StageGroups(self._settings, self._cluster, self._places)

    def lags(self) -> tuple[GroupLag, ...]:
        """Return how far each group is behind, and how many members it has."""
        groups = self._groups
        groups.check_seen()
        names = groups.names()
        members = {name: group.members for name, group in groups.attendance(names).items()}
        return self._lags(groups.committed(names), members)

    def lags_of_stages(self) -> tuple[GroupLag, ...]:
        """Return how far the group of each stage is behind that has committed anything."""
        committed = self._stages.committed(self._stages.names())
        return self._lags({name: offsets for name, offsets in committed.items() if offsets}, {})

    def _lags(
        self, committed: Mapping[str, Mapping[Partition, int]], members: Mapping[str, int]
    ) -> tuple[GroupLag, ...]:
        cluster, places = self._cluster, self._places
        # Where it has committed nothing in one partition of a topic that it reads, that was added: none of it is
        # processed.
        topics = {topic for offsets in committed.values() for topic, _ in offsets}
        every = places.partitions(topics) if topics else []
        starts, ends = places.starts(every), places.high_watermarks(every)
        stable = places.ends(every)  # after the others: what came in between waits for nobody
        found = []
        for name, offsets in sorted(committed.items()):
            read = {topic for topic, _ in offsets}
            at = {partition: offsets.get(partition, starts[partition]) for partition in every if partition[0] in read}
            lag = sum(max(0, ends[partition] - max(offset, starts[partition])) for partition, offset in at.items())
            waiting = {
                partition: left
                for partition, offset in at.items()
                if (left := ends[partition] - max(offset, stable[partition])) > 0
            }
            opened = (
                OpenTransaction(*partition, stable[partition], tool(cluster, *partition, stable[partition]))
                for partition in sorted(waiting)
            )
            gone = sum(max(0, starts[partition] - offset) for partition, offset in at.items())
            found.append(GroupLag(name, members.get(name), lag, gone, sum(waiting.values()), tuple(opened)))
        return tuple(found)
