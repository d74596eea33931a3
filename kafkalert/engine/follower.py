"""The tables' follower: reads both compacted topics into the store, one process a machine at a time."""

import fcntl
import logging
import os
from collections.abc import Sequence
from itertools import chain
from threading import Thread
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition
from msgspec.structs import replace

from kafkalert.bus import clients
from kafkalert.bus.watermarks import ends, topic_ids
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.engine.deadletter import DeadLetters
from kafkalert.engine.delivery import Delivery, DeliveryError
from kafkalert.engine.metrics import Metrics
from kafkalert.engine.stopping import Stopping
from kafkalert.engine.store import Checkpoint, Store, TablesFullError
from kafkalert.engine.tables import Table
from kafkalert.errors import DecodingError, KafkalertError, UnreachableError

_LOG = logging.getLogger(__name__)
BATCH: Final = 20_000
ALIVE_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 1.0
QUIET_SECONDS: Final = 60.0
SAY_SECONDS: Final = 10.0


class OffsetGoneError(KafkalertError):
    """The checkpoint points to records that the topic no longer has; the tables are rebuilt."""


class Follower(Thread):
    """Keeps the store like the topics. Runs where it gets the store's lock; elsewhere it waits for its turn.

    `problem` says what keeps it from following, or is empty. While it follows, and has reached every partition's end
    once, it touches the file `alive` in the store's folder, by which every worker of the machine knows that the tables
    are kept up to date. Where rows cannot be stored, it takes the file away.
    """

    def __init__(
        self,
        store: Store,
        cluster: Cluster,
        followed: Sequence[Table],
        *,
        dead_topic: str,
        keep_tombstones_ms: int,
        metrics: Metrics,
        clock: Clock,
        stopping: Stopping,
    ) -> None:
        super().__init__(name="tables", daemon=True)
        self._store = store
        self._cluster = cluster
        self._tables = {one.topic: one for one in followed}
        self._dead_topic = dead_topic
        self._metrics = metrics
        self._keep_ms = keep_tombstones_ms
        self._clock = clock
        self._stopping = stopping
        self._alive_at = float("-inf")
        self._noted_at = clock.monotonic()
        self._said_at = float("-inf")
        self._behind: set[tuple[str, int]] = set()
        self._put_away: dict[tuple[str, int], int] = {}
        self.problem = ""

    def run(self) -> None:
        """Follow until stopped; wait out what can pass, and stop the stage for what cannot."""
        with self._store.follower_lock.open("a") as lock:
            while not self._stopping:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self._follow()
                except BlockingIOError:
                    self._stopping.wait(0.2)
                except OffsetGoneError as error:
                    self._retry(error, rebuild=True)
                except (TablesFullError, UnreachableError, DeliveryError, KafkaException, OSError) as error:
                    self._retry(error)
                except KafkalertError as error:
                    self._stopping.stop(error)
                except Exception as error:  # noqa: BLE001 - a thread's end: unfollowed tables must not go unsaid
                    _LOG.debug("tables", exc_info=True)  # with -vv only: its text may hold anything
                    what = f"The tables cannot be followed ({type(error).__name__})."
                    self._stopping.stop(KafkalertError(what, hint="This is a bug in kafkalert; please report it."))

    def _retry(self, error: Exception, *, rebuild: bool = False) -> None:
        now, text = self._clock.monotonic(), str(error)
        if text != self.problem or now - self._said_at >= SAY_SECONDS:
            self._said_at = now
            _LOG.warning("tables: %s%s", text, " They are read again from the beginning." if rebuild else "")
        self.problem = text
        if isinstance(error, TablesFullError):
            # Changes arrive that cannot be kept: nothing may be decided by what was there before them.
            (self._store.folder / "alive").unlink(missing_ok=True)
        if rebuild:
            self._put_away.clear()
            try:
                self._store.empty()
            except TablesFullError as full:
                self.problem = str(full)
        self._stopping.wait(RETRY_SECONDS)

    def _follow(self) -> None:
        consumer = clients.consumer(
            self._cluster,
            "kafkalert.tables",
            enable_partition_eof=True,
            auto_offset_reset="error",
            queued_max_messages_kbytes=32 * 1024,
        )
        self._delivery = Delivery(self._cluster, linger_ms=0, stopping=self._stopping)
        self._dead = DeadLetters(self._dead_topic, "tables", self._delivery, self._metrics.dead, self._clock)
        try:
            at = self._start(consumer)
            self._behind = set(at)
            consumer.assign([TopicPartition(topic, number, one.offset) for (topic, number), one in at.items()])
            while not self._stopping:
                first = consumer.poll(0.1)
                if first is not None:
                    self._take([first, *consumer.consume(BATCH - 1, 0)], at)
                self._note_quiet(consumer, at)
                if not self._behind:
                    self._alive()
        finally:
            consumer.close()
            self._delivery.close()

    def _start(self, consumer: Consumer) -> dict[tuple[str, int], Checkpoint]:
        """Where to go on, by partition. Raises OffsetGoneError where that cannot be told from what is kept."""
        clients.probe(self._cluster, consumer)
        now = self._clock.wall_ms()
        at = {
            (topic, number): Checkpoint(self._cluster.name, topic_id, OFFSET_BEGINNING, 0, now)
            for topic, (topic_id, partitions) in topic_ids(self._cluster, list(self._tables)).items()
            for number in range(partitions)
        }
        log_ends = ends(self._cluster, consumer, list(self._tables))
        for key, kept in self._store.checkpoints().items():
            if key not in at or kept.topic_id != at[key].topic_id or kept.cluster != self._cluster.name:
                raise OffsetGoneError(f"The tables were read from another topic {key[0]}.")
            # A tombstone stays for delete.retention.ms; half of it is a margin for clocks and compaction.
            if kept.offset != log_ends[key] and kept.seen < now - self._keep_ms // 2:
                raise OffsetGoneError(f"The tables have not seen {key[0]} for too long.")
            at[key] = kept
        return at

    def _note_quiet(self, consumer: Consumer, at: dict[tuple[str, int], Checkpoint]) -> None:
        """Once in a while: a partition whose end did not move was seen now, though it brought nothing."""
        if self._clock.monotonic() - self._noted_at < QUIET_SECONDS:
            return
        self._noted_at = self._clock.monotonic()
        self._store.check_readers()
        ids = topic_ids(self._cluster, list(self._tables))
        if any(ids[topic][0] != one.topic_id for (topic, _), one in at.items()):
            raise OffsetGoneError("A topic of the tables was deleted and made anew.")
        log_ends = ends(self._cluster, consumer, list(self._tables))
        with self._store.write() as txn:
            for key, one in at.items():
                if one.offset == log_ends[key]:
                    at[key] = replace(one, seen=self._clock.wall_ms())
                    self._store.put_checkpoint(txn, *key, at[key])

    def _take(self, messages: list[Message], at: dict[tuple[str, int], Checkpoint]) -> None:
        """Write a batch's rows and the checkpoints after them, in one transaction."""
        changes: dict[str, dict[bytes, bytes | None]] = {topic: {} for topic in self._tables}
        moved: dict[tuple[str, int], Message] = {}
        refused: dict[tuple[str, int], int] = {}
        now = self._clock.wall_ms()
        for message in messages:
            topic = str(message.topic())
            error = message.error()
            if error is not None:
                self._event(error, message, topic, moved)
                continue
            try:
                changes[topic][self._tables[topic].row(message)] = message.value()
            except DecodingError as bad:
                refused[topic, int(message.partition() or 0)] = int(message.offset() or 0)
                self._put(message, bad)
            moved[topic, int(message.partition() or 0)] = message
        if not moved:
            return
        self._delivery.flush()
        self._put_away |= refused
        with self._store.write() as txn:
            for topic, rows in changes.items():
                self._apply(txn, self._tables[topic], rows)
            for key, message in moved.items():
                at[key] = self._moved(at[key], message, now)
                self._store.put_checkpoint(txn, *key, at[key])
            if not self._behind:
                self._store.mark_whole(txn)
        if not self._behind and self.problem:
            _LOG.warning("tables: going on")
            self.problem = ""

    def _put(self, message: Message, bad: DecodingError) -> None:
        """Put a record away, once: while the disk is full, the same ones come every second."""
        key, offset = (str(message.topic()), int(message.partition() or 0)), int(message.offset() or 0)
        if offset > self._put_away.get(key, -1):
            self._dead.put(message, bad)

    def _moved(self, old: Checkpoint, message: Message, now: int) -> Checkpoint:
        offset = int(message.offset() or 0)
        if message.error() is not None:  # the partition's end
            return Checkpoint(old.cluster, old.topic_id, offset, old.newest, now)
        newest = max(old.newest, message.timestamp()[1])
        return Checkpoint(old.cluster, old.topic_id, offset + 1, newest, old.seen)

    def _event(self, error: KafkaError, message: Message, topic: str, moved: dict[tuple[str, int], Message]) -> None:
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public codes begin with _
            key = topic, int(message.partition() or 0)
            moved[key] = message
            self._behind.discard(key)
        elif error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:  # noqa: SLF001
            raise OffsetGoneError(f"Topic {topic} no longer has what follows the checkpoint.")
        elif error.code() in {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_AUTHORIZATION_FAILED}:
            raise KafkalertError(
                f"Topic {topic} cannot be read: {error.str()}.", hint="`kafkalert topics plan` shows what is missing."
            )

    def _apply(self, txn: Any, table: Table, rows: dict[bytes, bytes | None]) -> None:  # noqa: ANN401 - LMDB
        """Put and delete rows; compiled rules that rest on an old or a new one go, and are compiled when needed."""
        if not rows:
            return
        if txn.stat(self._store.compiled)["entries"]:
            for row, value in rows.items():
                old = txn.get(row, db=table.rows)
                versions = (one for one in (old, value) if one is not None)
                for account in chain.from_iterable(table.accounts(row, bytes(one)) for one in versions):
                    txn.delete(account, db=self._store.compiled)
        with txn.cursor(db=table.rows) as cursor:
            cursor.putmulti(sorted((row, value) for row, value in rows.items() if value is not None))
        for row, value in rows.items():
            if value is None:
                txn.delete(row, db=table.rows)

    def _alive(self) -> None:
        now = self._clock.monotonic()
        if now - self._alive_at >= ALIVE_SECONDS:
            self._alive_at = now
            path = self._store.folder / "alive"
            path.touch(mode=0o600)
            os.utime(path)
