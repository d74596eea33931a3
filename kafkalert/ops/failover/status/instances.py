"""Who is there: the heartbeats of all clusters, followed while a command runs, and told by instance.

Clocks of machines may lie half a minute apart. So an instance is alive where a beat of it *arrived* here lately, by
this process's own clock; what the topic held before it was followed only tells who else there was.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from threading import Condition, Event, Thread
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from kafkalert.bus import clients
from kafkalert.bus.records import unreadable
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.engine.observe.watchdog import STUCK_SECONDS
from kafkalert.errors import KafkalertError
from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.heartbeats import STOPPED, HeartbeatRecord, decode

_LOG = logging.getLogger(__name__)
ALIVE_SECONDS: Final = 3.0
"""A beat comes each second; after three that did not come, the instance counts as silent."""
BACK_SECONDS: Final = 120.0
"""How far back those are looked for who beat no longer; more than clocks lie apart."""
BEFORE_SECONDS: Final = 60.0
CALL_SECONDS: Final = 2.0
MOST_INSTANCES: Final = 2000
"""How many are remembered; who writes beats of more than run anywhere fills no memory by it."""
_POLL_SECONDS: Final = 0.2
_SLEW_MS: Final = 5000
GONE_SECONDS: Final = 11.0
"""So long after PREPARE every instance has lost its lease (10 s) or stands still; a second is for clocks."""


class Presence(StrEnum):
    """Whether an instance is there."""

    ALIVE = "alive"
    SILENT = "silent"
    STUCK = "stuck"
    """It beats, but its loop does not turn."""
    STOPPED = "stopped"

    @property
    def grade(self) -> Grade:
        """What it means."""
        return {Presence.ALIVE: Grade.GOOD, Presence.STOPPED: Grade.WAITING}.get(self, Grade.BAD)


@dataclass(frozen=True, slots=True)
class WatchedInstance:
    """An instance by its newest beat; `heard` is when one last came in on each cluster, by this process's own clock.

    `before`: two earlier beats, the older first, of which that is one or two minutes old, or the first that was seen.
    """

    beat: HeartbeatRecord
    heard: Mapping[str, float]
    before: tuple[HeartbeatRecord, ...] = ()

    def followed_by(self, beat: HeartbeatRecord) -> tuple[HeartbeatRecord, ...]:
        """Return what `before` is once `beat` is the newest one."""
        before = self.before or (self.beat, self.beat)
        return before if beat.time - before[-1].time < BEFORE_SECONDS * 1000 else (before[-1], self.beat)

    def new_dead_letters(self, now: float) -> dict[str, int]:
        """Return the dead letters of the last two minutes at most, by reason; none of one that is not there."""
        if not self.before or self.presence(now) not in {Presence.ALIVE, Presence.STUCK}:
            return {}
        earlier = self.before[0].dead_letters
        grown = {reason: count - earlier.get(reason, 0) for reason, count in self.beat.dead_letters.items()}
        return {reason: count for reason, count in grown.items() if count > 0}

    @property
    def arrived(self) -> float | None:
        """When one last came in on any of them."""
        return max(self.heard.values(), default=None)

    def presence(self, now: float) -> Presence:
        """Whether it is there at `now`."""
        if self.beat.state == STOPPED:
            return Presence.STOPPED
        arrived = self.arrived
        if arrived is None or now - arrived > ALIVE_SECONDS:
            return Presence.SILENT
        return Presence.STUCK if (self.beat.loop_turned_ms_ago or 0) > STUCK_SECONDS * 1000 else Presence.ALIVE

    def is_forgotten(self, now: float, listened: float) -> bool:
        """Whether it is not there, and has not been for so long that a look which begins now would not find it.

        `listened`: for how many seconds beats have been awaited.
        """
        quiet = listened if self.arrived is None else now - self.arrived
        return quiet > BACK_SECONDS and self.presence(now) in {Presence.SILENT, Presence.STOPPED}

    def unheard(self, clusters: Iterable[str], now: float) -> list[str]:
        """Of `clusters`, all watched, those that an instance which is alive does not reach: it beats on every one."""
        if self.presence(now) not in {Presence.ALIVE, Presence.STUCK}:
            return []
        return [name for name in clusters if now - self.heard.get(name, float("-inf")) > ALIVE_SECONDS]


class InstanceWatcher:
    """Follows `topic` on each of `clusters`, by a thread each, so that one that hangs holds up nothing.

    `changed` is notified whenever a beat came in. `passed_over` counts records that are no heartbeat. `hear` is given
    each heartbeat, whole, on the thread of its cluster; those of the last `back_seconds` too.
    """

    def __init__(
        self,
        clusters: Sequence[Cluster],
        topic: str,
        *,
        clock: Clock,
        hear: Callable[[HeartbeatRecord], None] | None = None,
        back_seconds: float = BACK_SECONDS,
    ) -> None:
        self._clusters = clusters
        self._topic = topic
        self._clock = clock
        self._hear = hear
        self._back_ms = round(back_seconds * 1000)
        self._members: dict[str, WatchedInstance] = {}
        self._read: dict[str, float] = {}
        self._ended = Event()
        self.passed_over = 0
        self.changed = Condition()

    def start(self) -> None:
        """Begin to follow."""
        for cluster in self._clusters:
            Thread(target=self._follow, args=(cluster,), name=f"instances of {cluster.name}", daemon=True).start()

    def close(self) -> None:
        """Follow no longer; waits for nothing."""
        self._ended.set()

    def members(self) -> Mapping[str, WatchedInstance]:
        """Everybody of whom there is a beat, by instance."""
        with self.changed:
            return dict(self._members)

    def watched(self, name: str, now: float) -> float:
        """For how many seconds beats of a cluster have been awaited; 0 where what it held was not read yet."""
        with self.changed:
            return now - self._read[name] if name in self._read else 0.0

    def wait(self, seconds: float) -> None:
        """Wait until a beat comes in, at most so long."""
        with self.changed:
            self.changed.wait(seconds)

    def _follow(self, cluster: Cluster) -> None:
        while not self._ended.is_set():
            try:
                self._read_on(cluster)
            except (KafkaException, KafkalertError) as error:
                _LOG.info("heartbeats of %s: %s", cluster.name, error)
                self._ended.wait(_POLL_SECONDS)

    def _read_on(self, cluster: Cluster) -> None:
        """Read by a consumer of its own, which is closed however it ends: a cluster may be away for days."""
        consumer = clients.consumer(
            cluster,
            "kafkalert.failover",
            fetch_wait_max_ms=100,
            enable_partition_eof=True,
            isolation_level="read_uncommitted",  # whose transaction stays open must hide nobody's beats
            **unreadable.SMALL,
        )
        try:
            self._pump(cluster, consumer, self._assign(consumer))
        finally:
            clients.close_behind(consumer)

    def _assign(self, consumer: Consumer) -> int:
        since = max(0, self._clock.wall_ms() - self._back_ms)
        (found,) = consumer.offsets_for_times([TopicPartition(self._topic, 0, since)], timeout=CALL_SECONDS)
        if found.error is not None:
            raise KafkaException(found.error)
        _, end = consumer.get_watermark_offsets(found, timeout=CALL_SECONDS)
        start = found.offset if 0 <= found.offset <= end else end
        consumer.assign([TopicPartition(self._topic, 0, start)])
        if start >= end:
            return 0
        return end

    def _pump(self, cluster: Cluster, consumer: Consumer, end: int) -> None:
        if not end:
            self._note_read(cluster)
        while not self._ended.is_set():
            message = consumer.poll(_POLL_SECONDS)
            if message is None:
                continue
            error, following = message.error(), (message.offset() or 0) + 1
            if error is None:
                beat = decode(message.value())
                if beat is not None and self._hear is not None:
                    self._hear(beat)
                if beat is None or not self._take(beat, cluster.name, live=following > end):
                    self._pass_over(cluster, following - 1)
            elif unreadable.is_refused(error):
                following = unreadable.pass_batch(cluster, consumer, message, **unreadable.SMALL).end
                self._pass_over(cluster, following - 1)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public codes begin with _
                following -= 1
            else:
                _LOG.info("heartbeats of %s: %s", cluster.name, error)
                continue
            if following >= end and cluster.name not in self._read:
                self._note_read(cluster)

    def _pass_over(self, cluster: Cluster, offset: int) -> None:
        self.passed_over += 1
        _LOG.info("heartbeats of %s: offset %d is none, and is passed over", cluster.name, offset)

    def _note_read(self, cluster: Cluster) -> None:
        with self.changed:
            self._read.setdefault(cluster.name, self._clock.monotonic())
            self.changed.notify_all()

    def _take(self, beat: HeartbeatRecord, cluster: str, *, live: bool) -> bool:
        """Remember a beat; whether there was room for its instance."""
        with self.changed:
            known = self._members.get(beat.instance)
            if known is None and len(self._members) >= MOST_INSTANCES:
                return False
            heard = dict(known.heard) if known else {}
            if live:
                heard[cluster] = self._clock.monotonic()
            # The other cluster's copy of an older beat may come later; a clock that was set back is believed.
            older = known is not None and 0 < known.beat.time - beat.time < (_SLEW_MS if live else float("inf"))
            newest = known.beat if known is not None and older else beat.brief()
            before = () if known is None else known.before if older else known.followed_by(newest)
            self._members[beat.instance] = WatchedInstance(newest, heard, before)
            self.changed.notify_all()
            return True
