"""Looks for the canaries' alerts in the outbound e-mails of both clusters."""

import logging
from collections import defaultdict
from collections.abc import Callable
from threading import Condition, Event, Thread
from typing import Final

from confluent_kafka import KafkaException, Message, TopicPartition

from kafkalert.bus import clients
from kafkalert.bus.records import unreadable
from kafkalert.bus.records.mark_reader import Places
from kafkalert.bus.records.marks import ORIGIN_HEADER
from kafkalert.config import names
from kafkalert.config.sections import Cluster, Settings
from kafkalert.engine.clock import Clock
from kafkalert.errors import KafkalertError, UnreachableError
from kafkalert.model.ids import AlertId
from kafkalert.ops.failover.drill.verdict import Sight
from kafkalert.stages.entry import ENTRY, ID

_LOG = logging.getLogger(__name__)
START_SECONDS: Final = 8.0
_POLL_SECONDS: Final = 0.2
_BATCH: Final = 1000


class Watching:
    """Follows both clusters from their ends of the start on; `start` is how the id of each canary begins."""

    def __init__(self, settings: Settings, start: str, clock: Clock) -> None:
        self._clusters = [settings.clusters[name] for name in settings.context.clusters]
        self._topic = settings.topic(names.OUTBOUNDEMAILMESSAGE)
        self._start = start.encode()
        self._clock = clock
        self._ended = Event()
        self._changed = Condition()
        self._reads: set[str] = set()
        self._sights: dict[AlertId, list[Sight]] = defaultdict(list)

    def start(self) -> None:
        """Begin. Raises UnreachableError where a cluster cannot be read within START_SECONDS."""
        for cluster in self._clusters:
            Thread(target=self._follow, args=(cluster,), name=f"sights-{cluster.name}", daemon=True).start()
        self.wait_for(lambda: len(self._reads) == len(self._clusters), START_SECONDS)
        for cluster in self._clusters:
            if cluster.name not in self._reads:
                self.close()
                raise UnreachableError(f"{self._topic} cannot be read on {cluster.name}.", hint="Nothing was changed.")

    def close(self) -> None:
        """Look no longer; waits for nothing."""
        self._ended.set()

    def sights(self) -> dict[AlertId, tuple[Sight, ...]]:
        """Return what was seen so far."""
        with self._changed:
            return {alert: tuple(seen) for alert, seen in self._sights.items()}

    def wait_for(self, is_so: Callable[[], bool], seconds: float) -> bool:
        """Wait until that is so, at most so long; it is looked at now and then, and when something was seen."""
        give_up = self._clock.monotonic() + seconds
        while not (found := is_so()) and (left := give_up - self._clock.monotonic()) > 0:
            with self._changed:
                self._changed.wait(min(left, _POLL_SECONDS))
        return found

    def _follow(self, cluster: Cluster) -> None:
        (other,) = (peer.name for peer in self._clusters if peer is not cluster)
        try:
            consumer = clients.consumer(cluster, "kafkalert.drill", fetch_wait_max_ms=50)
            places = Places(cluster)
            ends = places.ends(places.partitions([self._topic]))
            consumer.assign([TopicPartition(*partition, end) for partition, end in ends.items()])
            with self._changed:
                self._reads.add(cluster.name)
                self._changed.notify_all()
            while not self._ended.is_set():
                first = consumer.poll(_POLL_SECONDS)
                now = self._clock.monotonic()
                for message in [] if first is None else [first, *consumer.consume(_BATCH, 0)]:
                    if unreadable.is_refused(message.error()):
                        unreadable.pass_batch(cluster, consumer, message)
                    self._take(cluster.name, other, message, now)
            consumer.close()
        except (KafkaException, KafkalertError) as error:
            _LOG.info("canaries on %s: %s", cluster.name, error)

    def _take(self, cluster: str, other: str, message: Message, now: float) -> None:
        if message.error() is not None:
            return
        headers = dict(message.headers() or ())
        entry, alert = headers.get(ENTRY), headers.get(ID)
        if not (isinstance(entry, bytes) and isinstance(alert, bytes) and entry.startswith(self._start)):
            return
        with self._changed:
            sight = Sight(cluster, ORIGIN_HEADER + other not in headers, now)
            self._sights[AlertId(alert.decode(errors="replace"))].append(sight)
            self._changed.notify_all()
