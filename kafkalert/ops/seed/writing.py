"""Writes seed rows to the active cluster, and counts what it acknowledged."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message

from kafkalert.bus import clients
from kafkalert.bus.denied import denied, is_denied
from kafkalert.bus.records.watermarks import MissingTopicsError, topic_ids
from kafkalert.config.sections import Settings
from kafkalert.edges.source import BadLine, Source
from kafkalert.engine.clock import Clock
from kafkalert.errors import KafkalertError, UnreachableError
from kafkalert.ops.seed.kinds import EVERY, BadLines, Kind, OnProgress, Problem, Progress, Summary
from kafkalert.serde.codec import Codec
from kafkalert.serde.keys import encode_key

STALL_SECONDS: Final = 8.0
"""A cluster that acknowledges nothing for so long, while it should, is away; its end comes within the promised 10 s."""
_LAST_QUESTION_SECONDS = 1.0
INTERRUPTED_SECONDS: Final = 5.0
"""What is under way when the operator interrupts is waited for so long."""
_STEP_SECONDS = 0.1
_HOPELESS = {
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - librdkafka's public codes begin with _
    KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 - as above
}
_PURGED = {KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT}  # noqa: SLF001 - as above
_QUEUE = 100_000
"""Rows that librdkafka holds at most; it bounds memory, and is plenty for the fastest broker."""


@dataclass(slots=True)
class Written:
    """What became of the rows. `bad` are the file's bad lines, `failed` those that the cluster did not take.

    `pruned` are the acknowledged deletions; `unknown` the rows and deletions of which the cluster did not say whether
    it took them.
    """

    rows: int = 0
    acknowledged: int = 0
    pruned: int = 0
    bad: BadLines = field(default_factory=BadLines)
    failed: BadLines = field(default_factory=BadLines)
    unknown: int = 0
    interrupted: bool = False


class Writer:
    """Sends rows to one topic of the active cluster; `written` is what became of them so far.

    Raises what `Framing.prefix` raises: a registry may have to be asked.
    """

    def __init__(self, settings: Settings, kind: Kind, codec: Codec, *, clock: Clock, stop: Event) -> None:
        self._cluster = settings.active
        self._topic = settings.topic(kind.topic)
        self._kind = kind
        self._codec = codec
        self._clock = clock
        self._stop = stop
        for name in (kind.key, kind.value):
            codec.framing.prefix(name)
        self._producer: Any = clients.producer(
            self._cluster, linger_ms=20, batch_size=1 << 20, queue_buffering_max_messages=_QUEUE
        )
        self._delivered = self._settled = self._unanswered = 0
        self._since = clock.monotonic()
        self._fatal: KafkaError | None = None
        self.written = Written()

    @clients.reports()
    def rows(self, source: Source, on_progress: OnProgress) -> None:
        """Send all rows of `source`, or, when stopped, as far as it got; returns when each is acknowledged or failed.

        Raises UnreachableError once nothing is acknowledged for STALL_SECONDS, KafkalertError where the cluster takes
        none. `written` tells how far it got in any case.
        """
        written = self.written
        encode, key_schema, value_schema = self._codec.encode, self._kind.key, self._kind.value

        def tell() -> None:
            written.acknowledged = self._delivered
            on_progress(Progress(self._delivered, source.done, source.size))

        try:
            for number, row in enumerate(self._kind.read(source)):
                if isinstance(row, BadLine):
                    written.bad.add(row)
                else:
                    value = None if row.value is None else encode(value_schema, row.value)
                    if value is not None and len(value) > self._codec.largest:
                        written.failed.add(BadLine(row.number, "larger than serde.largest_record"))
                    elif self._send(row.number, encode_key(self._codec, key_schema, row.key), value):
                        written.rows += 1
                if number % EVERY == 0:
                    self._poll(0)
                    tell()
                if self._stop.is_set():
                    break
            self._flush(tell)
        finally:
            tell()

    def summary(self, seconds: float) -> Summary:
        """Return what became of it all, after `seconds` of writing."""
        it = self.written
        problems = tuple(Problem(*line) for line in (*it.bad.first, *it.failed.first))
        rate = round(it.acknowledged / seconds) if seconds else 0
        return Summary(
            topic=self._topic,
            cluster=self._cluster.name,
            rows=it.rows,
            acknowledged=it.acknowledged,
            pruned=it.pruned,
            bad_lines=it.bad.count,
            failed=it.failed.count,
            unknown=it.unknown,
            seconds=round(seconds, 3),
            rows_per_second=rate,
            interrupted=it.interrupted,
            problems=problems,
        )

    @clients.reports()
    def tombstones(self, keys: Iterable[bytes]) -> None:
        """Send a tombstone for each key, as far as it gets when stopped. Raises as `rows` does."""
        before = self._delivered
        try:
            for key in keys:
                if self._stop.is_set():
                    break
                self._send(0, key, None)
            self._flush(lambda: None)
        finally:
            self.written.pruned = self._delivered - before

    def _send(self, number: int, key: bytes, value: bytes | None) -> bool:
        """Hand a row over, once there is room for it; False where a stop came before that."""
        settled = partial(self._on_delivery, number)
        full = False
        while True:
            try:
                self._producer.produce(self._topic, value, key, on_delivery=settled)
            except BufferError:
                if self._stop.is_set():
                    return False
                if not full:
                    full, self._since = True, self._clock.monotonic()
                self._wait()
            except KafkaException as error:
                if (refusal := denied(self._cluster, error, "WRITE", self._topic)) is not None:
                    raise refusal from error
                if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                    self._poll(0)  # where the producer broke, this knows why
                    raise
                self.written.failed.add(BadLine(number, "larger than the cluster takes"))
                return True
            else:
                self._unanswered += 1
                return True

    def _flush(self, tell: Callable[[], None]) -> None:
        """Wait for what is under way; after a stop for INTERRUPTED_SECONDS at most."""
        self._since = self._clock.monotonic()
        stopped: float | None = None
        while len(self._producer):
            self._wait()
            tell()
            if self._stop.is_set():
                now = self._clock.monotonic()
                stopped = now if stopped is None else stopped
                if now - stopped > INTERRUPTED_SECONDS:
                    self._producer.purge()
                    self._producer.poll(0)
                    break
        self.written.unknown = self._unanswered
        self.written.interrupted = self._stop.is_set()

    def _wait(self) -> None:
        """Take in what the cluster acknowledged, for one step. Raises UnreachableError after many in vain.

        Not after a stop: then it ends soon by itself, and as interrupted.
        """
        before = self._settled
        self._poll(_STEP_SECONDS)
        now = self._clock.monotonic()
        if self._settled != before:
            self._since = now
        elif now - self._since > STALL_SECONDS and not self._stop.is_set():
            why = self._silence()
            if not self._stop.is_set():
                self._producer.purge()
                raise why

    def _poll(self, seconds: float) -> None:
        """Take in reports. The first call that serves them after the producer broke raises why, instead of a report."""
        try:
            self._producer.poll(seconds)
        except KafkaException as error:
            self._fatal = self._fatal or error.args[0]
        self._check_fatal()

    def _silence(self) -> KafkalertError:
        """Why nothing is acknowledged any more."""
        try:
            gone = self._topic not in self._producer.list_topics(timeout=_LAST_QUESTION_SECONDS).topics
        except KafkaException:
            gone = False
        if gone:
            return MissingTopicsError(self._cluster, [self._topic])
        return UnreachableError(
            f"Cluster {self._cluster.name} ({self._cluster.bootstrap}) stopped answering.",
            hint="Seed again once it answers; a row that is written twice does no harm.",
        )

    def _on_delivery(self, number: int, error: KafkaError | None, _message: Message) -> None:
        self._settled += 1
        if error is not None and error.code() in _PURGED:
            return
        self._unanswered -= 1
        if error is None:
            self._delivered += 1
        elif error.fatal() or error.code() in _HOPELESS or is_denied(error):
            self._fatal = self._fatal or error
        else:
            self.written.failed.add(BadLine(number, f"the cluster did not take it: {error.name()}"))

    def _check_fatal(self) -> None:
        if self._fatal is not None:
            self._producer.purge()
            raise denied(self._cluster, self._fatal, "WRITE", self._topic) or KafkalertError(
                f"Cluster {self._cluster.name} takes no rows for {self._topic}: {self._fatal.name()}.",
                hint="`kafkalert topics plan` compares the topic with what it should be.",
            )


def check_topic(settings: Settings, kind: Kind) -> None:
    """Return where the active cluster answers and has the topic.

    Raises UnreachableError, MissingTopicsError, DeniedError.
    """
    topic_ids(settings.active, [settings.topic(kind.topic)], seconds=clients.PROBE_SECONDS)
