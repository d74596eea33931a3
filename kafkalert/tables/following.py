"""One stay of the tables' follower on one cluster: reads both topics into the store, from where that stands."""

import sys
from collections.abc import Callable, Mapping
from threading import Event
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from msgspec.structs import replace

from kafkalert.bus import clients
from kafkalert.bus.records.mark_reader import MarkReader, Places
from kafkalert.bus.records.marks import record_id
from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.records.unreadable import is_refused, pass_batch
from kafkalert.bus.records.watermarks import ends, high_watermarks, partitions_of, tombstones_kept_ms, topic_ids
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.engine.deadletter import DeadLetters
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.ending import Ending
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.errors import DecodingError
from kafkalert.tables.arrivals import Arrival, with_newest
from kafkalert.tables.cut_logs import check_uncut
from kafkalert.tables.kinds import STAGE, Table
from kafkalert.tables.open_transactions import OpenTransactions
from kafkalert.tables.readiness import STALE_SECONDS
from kafkalert.tables.resume import places
from kafkalert.tables.rows import Changes, added_partitions
from kafkalert.tables.store import Checkpoint, Store
from kafkalert.tables.topicfault import OffsetGoneError, fault_of, look

BATCH: Final = 20_000
ALIVE_SECONDS: Final = 0.5
QUIET_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.2
TOPICS_SECONDS: Final = 2.0
"""So often the topics are looked at; tables may be some seconds behind, see STALE_SECONDS."""


class Following:
    """Follows on `cluster`: `run`.

    `others` names the clusters from which the store may have been filled before: they hold the same records, at other
    offsets. `put_away` says up to where each partition's bad records were put away. `whole` is called whenever rows
    were stored and the tables have what the topics have, `waits` with what keeps rows back for too long, or nothing.
    `ending` is looked at in every write transaction, so a stay that was abandoned changes nothing any more.
    """

    def __init__(
        self,
        store: Store,
        cluster: Cluster,
        tables: Mapping[str, Table],
        *,
        others: frozenset[str],
        dead_topic: str,
        keep_tombstones_ms: int,
        put_away: dict[Partition, int],
        whole: Callable[[], None],
        waits: Callable[[str], None],
        metrics: Metrics,
        clock: Clock,
        ending: Ending,
    ) -> None:
        self._store = store
        self._cluster = cluster
        self._tables = tables
        self._others = others
        self._keep_ms = keep_tombstones_ms
        self._put_away = put_away
        self._whole, self._waits = whole, waits
        self._open = OpenTransactions(cluster)
        self._marks: MarkReader | None = None
        self._clock = clock
        self._ending = ending
        self._alive_at = float("-inf")
        self._noted_at = self._looked_at = clock.monotonic()
        self._goals: dict[Partition, int] = {}
        self._behind: set[Partition] = set()
        self._delivery = Delivery(cluster, linger_ms=0, stopping=ending)
        self._dead = DeadLetters(dead_topic, STAGE, self._delivery, metrics.dead, clock)

    def run(self, going: Event) -> None:
        """Connect, and once `going` is set follow until the end comes.

        Raises OffsetGoneError, UnreachableError and KafkaException, TablesFullError, AbandonedError, KafkalertError.
        """
        consumer = clients.consumer(
            self._cluster,
            "kafkalert.tables",
            enable_partition_eof=True,
            auto_offset_reset="error",
            queued_max_messages_kbytes=32 * 1024,
        )
        admin, aside = clients.admin(self._cluster), Places(self._cluster)
        try:
            topics = topic_ids(self._cluster, list(self._tables), client=admin)
            keep = tombstones_kept_ms(self._cluster, list(self._tables))
            ends(self._cluster, consumer, partitions_of(topics))  # connects
            if self._store.checkpoints():
                self._marks = MarkReader(self._cluster, "")  # connects, too
            while not going.wait(_LOOK_SECONDS):
                if self._ending:
                    return
            topics = topic_ids(self._cluster, list(self._tables), client=admin)  # of now: it may have waited for long
            at = self._start(consumer, topics, keep)
            consumer.assign([TopicPartition(*partition, point.offset) for partition, point in at.items()])
            while not self._ending:
                first = consumer.poll(0.1)
                if first is not None:
                    self._take(consumer, [first, *consumer.consume(BATCH - 1, 0)], at)
                self._note_quiet(aside, at)
                self._look_at_topics(admin, consumer, at)
                if not self._behind and not self._is_kept_back(consumer, at):
                    self._alive()
        finally:
            if self._marks is not None:
                self._marks.close()
            clients.close_behind(consumer)
            self._delivery.close()

    def _start(
        self, consumer: Consumer, topics: Mapping[str, tuple[str, int]], keep: Mapping[str, int]
    ) -> dict[Partition, Checkpoint]:
        """Where to go on, by partition. Raises OffsetGoneError where that cannot be told from what is kept."""
        now = self._clock.wall_ms()
        at = {
            partition: Checkpoint(self._cluster.name, topics[partition[0]][0], OFFSET_BEGINNING, now)
            for partition in partitions_of(topics)
        }
        self._goals = ends(self._cluster, consumer, at)
        stayed: dict[Partition, Checkpoint] = {}
        moved: dict[Partition, Checkpoint] = {}
        for key, kept in self._store.checkpoints().items():
            elsewhere = kept.cluster in self._others
            if key not in at or not (elsewhere or (kept.cluster, kept.topic_id) == (at[key].cluster, at[key].topic_id)):
                raise OffsetGoneError(f"The tables were read from another topic {key[0]}.")
            # A tombstone stays for delete.retention.ms; half of it is a margin for clocks and compaction.
            keep_ms = min(self._keep_ms, keep.get(key[0], self._keep_ms))
            if (elsewhere or kept.offset != self._goals[key]) and kept.seen < now - keep_ms // 2:
                raise OffsetGoneError(f"The tables have not seen {key[0]} for too long.")
            (moved if elsewhere else stayed)[key] = kept
        at |= stayed
        if stayed:
            self._marks = self._marks or MarkReader(self._cluster, "")
            check_uncut(stayed, self._goals, self._marks, self._clock)
        if moved:
            at |= self._moved_here(moved, at)
        self._behind = {key for key, point in at.items() if point.offset < self._goals[key] or point.offset < 0}
        if not self._behind:
            with self._store.write() as txn:
                self._ending.check()
                self._store.mark_whole(txn)
            self._whole()
        return at

    def _moved_here(
        self, kept: Mapping[Partition, Checkpoint], at: Mapping[Partition, Checkpoint]
    ) -> dict[Partition, Checkpoint]:
        """Where to go on of what was read on another cluster.

        Rows that come again go back in time until that is over, so the tables count as not whole until then.
        """
        self._marks = self._marks or MarkReader(self._cluster, "")
        found = places(kept, self._goals, self._marks, self._clock)
        here = {
            key: replace(checkpoint, cluster=self._cluster.name, topic_id=at[key].topic_id, offset=found[key])
            for key, checkpoint in kept.items()
        }
        with self._store.write() as txn:
            self._ending.check()
            self._store.mark_partial(txn)
            for key, checkpoint in here.items():
                self._store.put_checkpoint(txn, *key, checkpoint)
        return here

    def _note_quiet(self, aside: Places, at: dict[Partition, Checkpoint]) -> None:
        """Once in a while: a partition whose end did not move was seen now, though it brought nothing.

        Asked `aside` of the consumer, each of whose answers waits for its fetch: so long nobody says that it follows.
        """
        if self._clock.monotonic() - self._noted_at < QUIET_SECONDS:
            return
        self._noted_at = self._clock.monotonic()
        self._store.check_readers()
        log_ends = aside.ends(at)
        with self._store.write() as txn:
            self._ending.check()
            for key, checkpoint in at.items():
                if checkpoint.offset == log_ends[key]:
                    at[key] = replace(checkpoint, seen=self._clock.wall_ms())
                    self._store.put_checkpoint(txn, *key, at[key])

    def _is_kept_back(self, consumer: Consumer, at: Mapping[Partition, Checkpoint]) -> bool:
        """Whether rows wait behind a transaction of others for longer than tables may be out of date."""
        now = self._clock.monotonic()
        self._open.look({partition: to.offset for partition, to in at.items()}, high_watermarks(consumer, at), now)
        why = self._open.overdue(now, STALE_SECONDS)
        self._waits(why)
        return bool(why)

    def _look_at_topics(self, admin: AdminClient, consumer: Consumer, at: dict[Partition, Checkpoint]) -> None:
        """Once in a while: partitions that were added are read from their beginning.

        Raises MissingTopicsError where a topic is gone, OffsetGoneError where it was made anew.
        """
        if self._clock.monotonic() - self._looked_at < TOPICS_SECONDS:
            return
        known = {topic: point.topic_id for (topic, _), point in at.items()}
        topics = look(self._cluster, admin, known, TOPICS_SECONDS)
        self._looked_at = self._clock.monotonic()
        now = self._clock.wall_ms()
        for topic, (id_, count) in topics.items():
            added = added_partitions(topic, count, at, self._cluster.name)
            at |= {partition: Checkpoint(self._cluster.name, id_, OFFSET_BEGINNING, now) for partition in added}
            self._goals |= dict.fromkeys(added, sys.maxsize)  # nobody has asked; the end-of-partition event tells
            self._behind.update(added)
            consumer.incremental_assign([TopicPartition(*partition, OFFSET_BEGINNING) for partition in added])

    def _take(self, consumer: Consumer, messages: list[Message], at: dict[Partition, Checkpoint]) -> None:
        """Write a batch's rows and the checkpoints after them, in one transaction."""
        changes = {topic: Changes(table) for topic, table in self._tables.items()}
        moved: dict[Partition, Message] = {}
        read: dict[Partition, Message] = {}
        refused: dict[Partition, int] = {}
        now = self._clock.wall_ms()
        for message in messages:
            topic = message.topic() or ""
            if (error := message.error()) is not None:
                self._event(consumer, error, message, moved)
                continue
            bad = changes[topic].take(message)
            key = topic, message.partition() or 0
            if bad is not None:
                refused[key] = message.offset() or 0
                self._put(message, bad)
            moved[key] = read[key] = message
        if not moved:
            return
        self._delivery.flush()
        self._put_away |= refused
        with self._store.write() as txn:
            self._ending.check()
            for change in changes.values():
                change.write(txn, self._store.compiled)
            for key, message in moved.items():
                at[key] = self._moved(at[key], message, read.get(key), now)
                self._store.put_checkpoint(txn, *key, at[key])
                if at[key].offset >= self._goals[key]:  # what the end-of-partition event says only a fetch later
                    self._behind.discard(key)
            if not self._behind:
                self._store.mark_whole(txn)
        if not self._behind:
            self._whole()

    def _put(self, message: Message, bad: DecodingError) -> None:
        """Put a record away, once: while the disk is full, the same ones come every second."""
        key, offset = (str(message.topic()), int(message.partition() or 0)), int(message.offset() or 0)
        if offset > self._put_away.get(key, -1):
            self._dead.put(message, bad)

    def _moved(self, old: Checkpoint, message: Message, read: Message | None, now: int) -> Checkpoint:
        if read is not None:
            old = replace(old, arrivals=with_newest(old.arrivals, Arrival(now, record_id(read))))
        offset = int(message.offset() or 0)
        if message.error() is not None:  # the partition's end
            return replace(old, offset=offset, seen=now)
        return replace(old, offset=offset + 1)

    def _put_batch_away(self, consumer: Consumer, refused: Message) -> None:
        """Go on behind a batch that cannot be read. Which rows it is about is not known; none is changed."""
        batch = pass_batch(self._cluster, consumer, refused, meanwhile=self._ending.check)
        key = batch.topic, batch.partition
        if batch.end > batch.first > self._put_away.get(key, -1):
            self._dead.put_batch(refused, batch)
            self._delivery.flush()
            self._put_away[key] = batch.first

    def _event(self, consumer: Consumer, error: KafkaError, message: Message, moved: dict[Partition, Message]) -> None:
        topic = str(message.topic())
        if is_refused(error):
            self._put_batch_away(consumer, message)
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public codes begin with _
            key = topic, int(message.partition() or 0)
            moved[key] = message
            self._behind.discard(key)
        elif (fault := fault_of(self._cluster, error, topic)) is not None:
            raise fault

    def _alive(self) -> None:
        now = self._clock.monotonic()
        if now - self._alive_at >= ALIVE_SECONDS:
            self._alive_at = now
            self._ending.check()
            self._store.check_files()
            self._store.note_alive()
