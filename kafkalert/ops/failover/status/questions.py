"""What clusters and mirror are asked, to know where everything runs and how far it is behind."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from kafkalert.bus import clients
from kafkalert.bus.connect.flow import flows
from kafkalert.bus.records.mark_reader import Places
from kafkalert.bus.transactions import tool
from kafkalert.config.sections import Cluster, Settings
from kafkalert.ops.failover.positions.evidence import topics_of
from kafkalert.ops.failover.positions.groups import Groups
from kafkalert.ops.failover.status.picture import GroupLag, OpenTransaction
from kafkalert.ops.mirror.status import FlowStatus, status

Question = tuple[str, str]
"""What is asked, and which cluster: ("answers", name), ("groups", name), ("mirror", "")."""
Answers = Mapping[Question, object]
"""The topics of a cluster, the lags of its groups, the flows of the mirror; or the Exception that came instead."""
MIRROR: Final = ("mirror", "")


class Questions:
    """The questions about a context; the clients that ask a cluster are made once, by whoever asks it first.

    `calls` are independent of each other, each for one thread at a time. They return or raise within a bound of their
    own: `flow_seconds` for the mirror's workers and the groups.
    """

    def __init__(self, settings: Settings, flow_seconds: float) -> None:
        self._settings = settings
        self._seconds = flow_seconds
        self.calls: dict[Question, Callable[[], object]] = {MIRROR: self._flows}
        for name in settings.context.clusters:
            cluster = settings.clusters[name]
            self.calls["answers", name] = _kept(partial(_Topics, cluster))
            self.calls["groups", name] = _kept(partial(_Lags, settings, cluster, flow_seconds))

    def _flows(self) -> tuple[FlowStatus, ...]:
        return tuple(status(self._settings, flows(self._settings), seconds=self._seconds))


def _kept(make: Callable[[], Callable[[], object]]) -> Callable[[], object]:
    """Return a call of what `make` makes, which is made by the first call and kept."""
    made: list[Callable[[], object]] = []

    def call() -> object:
        if not made:
            made.append(make())
        return made[0]()

    return call


class _Topics:
    """The topics of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._client = clients.admin(cluster)

    def __call__(self) -> dict[str, int]:
        return topics_of(self._cluster, self._client)


class _Lags:
    """How far each group on a cluster is behind."""

    def __init__(self, settings: Settings, cluster: Cluster, seconds: float) -> None:
        self._cluster = cluster
        self._groups, self._places = Groups(settings, cluster, seconds=seconds), Places(cluster)

    def __call__(self) -> tuple[GroupLag, ...]:
        cluster, groups, places = self._cluster, self._groups, self._places
        groups.check_seen()
        names = groups.names()
        attendance = groups.attendance(names)
        committed = groups.committed(names)
        # Where it has committed nothing in one partition of a topic that it reads, that was added: none of it is
        # processed.
        topics = {topic for offsets in committed.values() for topic, _ in offsets}
        every = places.partitions(topics) if topics else []
        starts, ends = places.starts(every), places.high_watermarks(every)
        stable = places.ends(every)  # after the others: what came in between waits for nobody
        found = []
        for name in names:
            offsets = committed[name]
            read = {topic for topic, _ in offsets}
            at = {one: offsets.get(one, starts[one]) for one in every if one[0] in read}
            lag = sum(max(0, ends[one] - max(offset, starts[one])) for one, offset in at.items())
            waiting = {one: left for one, offset in at.items() if (left := ends[one] - max(offset, stable[one])) > 0}
            opened = (OpenTransaction(*one, stable[one], tool(cluster, *one, stable[one])) for one in sorted(waiting))
            gone = sum(max(0, starts[one] - offset) for one, offset in at.items())
            found.append(GroupLag(name, attendance[name].members, lag, gone, sum(waiting.values()), tuple(opened)))
        return tuple(found)
