"""The newest alerts as they are written, for a screen: kept as they came, and decoded when somebody looks at them."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from threading import Event, Thread
from typing import Final, Self

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from kafkalert.bus import clients
from kafkalert.bus.records import unreadable
from kafkalert.bus.records.mark_reader import Places
from kafkalert.config.pipeline import OUTBOUND, WORDS
from kafkalert.config.sections import Settings
from kafkalert.errors import DecodingError, KafkalertError
from kafkalert.ops.tail.record import Reader, Record
from kafkalert.ops.tail.request import own_topics
from kafkalert.serde import build

_LOG = logging.getLogger(__name__)
KEPT: Final = 10_000
"""So many can be looked back at."""
_BATCH: Final = 2000
_POLL_SECONDS: Final = 0.2
_AGAIN_SECONDS: Final = 1.0


class AlertWindow:
    """The alerts that came since the block's begin, on the cluster that `active` names; after a switch on the other.

    It joins no group and commits nothing. `total`: how many came; `follows`: the cluster from whose end on they are
    read, empty before; `problem`: why none come just now, in a sentence.
    """

    def __init__(self, settings: Settings, active: Callable[[], str]) -> None:
        self._settings = settings
        self._active = active
        self._messages: deque[Message] = deque(maxlen=KEPT)
        self._closed = Event()
        channels = {settings.topic(name): word for word, name in WORDS.items()}
        self._reader = Reader(build.codec(settings.serde), own_topics(settings), channels)
        self.total = 0
        self.follows = ""
        self.problem = ""

    def __enter__(self) -> Self:
        Thread(target=self._follow, name="alerts", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()

    def newest(self, count: int, *, before: int = 0, passes: Callable[[Record], bool] | None = None) -> list[Record]:
        """Return the last `count` that pass, the newest last, leaving out the `before` newest ones that came."""
        found: list[Record] = []
        kept: Sequence[Message] = list(self._messages)
        for message in islice(reversed(kept), before, None):
            if len(found) >= count:
                break
            try:
                record = self._reader.read(message)
            except DecodingError as error:
                _LOG.info("alerts: %s", error)
                continue
            except KafkalertError as error:  # of the schema registry
                self.problem = str(error)
                break
            if passes is None or passes(record):
                found.append(record)
        return found[::-1]

    @property
    def kept(self) -> int:
        """How many can be looked back at."""
        return len(self._messages)

    def _follow(self) -> None:
        while not self._closed.is_set():
            name = self._active()
            try:
                self._read(name)
            except (KafkaException, KafkalertError) as error:
                self.follows = ""
                self.problem = str(error) if isinstance(error, KafkalertError) else f"{name} does not answer."
                self._closed.wait(_AGAIN_SECONDS)

    def _read(self, name: str) -> None:
        cluster = self._settings.clusters[name]
        places = Places(cluster)
        ends = places.ends(places.partitions([self._settings.topic(topic) for topic in OUTBOUND.values()]))
        consumer: Consumer = clients.consumer(cluster, self._settings.group("tail"), **unreadable.SMALL)
        try:
            consumer.assign([TopicPartition(*partition, end) for partition, end in ends.items()])
            self.problem, self.follows = "", name
            while not self._closed.is_set() and self._active() == name:
                for message in consumer.consume(_BATCH, _POLL_SECONDS):
                    error = message.error()
                    if error is None:
                        self._messages.append(message)
                        self.total += 1
                    elif unreadable.is_refused(error):
                        unreadable.pass_batch(cluster, consumer, message, **unreadable.SMALL)
                    else:
                        _LOG.info("alerts of %s: %s", name, error)
        finally:
            clients.close_behind(consumer)
