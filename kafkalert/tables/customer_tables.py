"""Both customer tables, as a stage that decides by them depends on them."""

import gc
from collections.abc import Sequence
from typing import Final, NamedTuple

from kafkalert.bus.records.mark_reader import Places
from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.records.watermarks import partitions_of, topic_ids
from kafkalert.config.names import DEADLETTER
from kafkalert.config.pipeline import TABLES
from kafkalert.config.sections import Cluster, Settings
from kafkalert.engine.ending import Ends
from kafkalert.engine.stage import Given
from kafkalert.serde.codec import Codec
from kafkalert.tables.follower import Follower
from kafkalert.tables.kinds import tables
from kafkalert.tables.readiness import await_tables, staleness
from kafkalert.tables.store import Store

_BATCHES_OF_OBJECTS: Final = 20_000
"""Objects made before rubbish is looked for: some batches, whose records all live until they are processed."""
_JOIN_SECONDS: Final = 2.0


class _Topics(NamedTuple):
    """The tables' topics on one cluster: their ids and partitions, and who is asked for their ends."""

    ids: dict[str, str]
    partitions: list[Partition]
    places: Places


class CustomerTables:
    """The store of both tables on this machine, and the follower that fills it: see `engine.dependency.Dependency`.

    `fingerprint` stands for all that compiled rows in the store rest on; rows of another one are compiled anew.
    """

    def __init__(self, settings: Settings, codec: Codec, fingerprint: bytes, given: Given) -> None:
        self.topics: Sequence[str] = tuple(settings.topic(name) for name in TABLES)
        authorisations, customer_settings = self.topics
        # Of two environments in one folder, the older one ends.
        whose = repr((sorted(settings.context.clusters), self.topics)).encode()
        self.store = Store(settings.engine.state, size=settings.engine.table_size, flavour=fingerprint + whose)
        self._clock = given.clock
        self._connected: dict[str, _Topics] = {}
        self._was_ready = False
        self._follower = Follower(
            self.store,
            [settings.clusters[name] for name in settings.context.clusters],
            tables(self.store, codec, authorisations=authorisations, settings=customer_settings),
            dead_topic=settings.topic(DEADLETTER),
            keep_tombstones_ms=int(settings.topics.delete_retention.total_seconds() * 1000),
            metrics=given.metrics,
            clock=given.clock,
            stopping=given.stopping,
        )

    def connect(self, cluster: Cluster) -> None:
        """Look where the tables' topics are. Raises KafkalertError, KafkaException."""
        found = topic_ids(cluster, list(self.topics))
        topics = _Topics({name: own for name, (own, _) in found.items()}, partitions_of(found), Places(cluster))
        topics.places.ends(topics.partitions)  # connects
        self._connected[cluster.name] = topics

    def await_ready(self, cluster: Cluster, ending: Ends) -> bool:
        """Follow the tables on `cluster`, and return once they have reached the ends that they had."""
        topics = self._connected[cluster.name]
        self._follower.follow(cluster)
        ends = topics.places.ends(topics.partitions)
        if not await_tables(
            self.store, ends, topics.ids, problem=lambda: self._follower.problem, clock=self._clock, stopping=ending
        ):
            return False
        if not self._was_ready:
            self._was_ready = True
            gc.collect()
            gc.freeze()  # what lives from here on for ever is not looked at again
            gc.set_threshold(_BATCHES_OF_OBJECTS, *gc.get_threshold()[1:])
        return True

    def hold(self) -> str:
        """Why the tables cannot be decided by just now."""
        stale = staleness(self.store, self._clock)
        return stale and (self._follower.problem or stale)

    def expect(self, cluster: Cluster | None) -> None:
        """Connect to a cluster that may be the one to follow on soon."""
        self._follower.expect(cluster)

    def close(self) -> None:
        """Wait for the follower, which was told to stop, for a moment."""
        if self._follower.ident is not None:
            self._follower.join(_JOIN_SECONDS)
