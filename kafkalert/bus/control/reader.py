"""One cluster's control log, read by a thread of its own from its beginning, for ever, in no group."""

import logging
import time
from collections import deque
from collections.abc import Callable, Collection
from threading import Event as Flag
from threading import Thread
from typing import Final, Protocol

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from kafkalert.bus import clients
from kafkalert.bus.control.event import Event, decode
from kafkalert.bus.control.plausible import KEPT, PassedOver, Plausibility
from kafkalert.bus.denied import denied, denied_topic, is_denied
from kafkalert.bus.records import unreadable
from kafkalert.bus.records.gone import is_gone
from kafkalert.bus.records.watermarks import MissingTopicsError
from kafkalert.bus.threads import watched
from kafkalert.config.sections import Cluster
from kafkalert.errors import ConfigError, DecodingError, DeniedError, KafkalertError

_LOG = logging.getLogger(__name__)
CONFIRM_SECONDS: Final = 2.0
"""How often the log's end is looked at, and how long its answer is waited for."""
AGAIN_SECONDS: Final = 0.5
POLL_SECONDS: Final = 0.5
_BATCH: Final = 500
_ABSENT: Final = frozenset(
    {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}  # noqa: SLF001 - librdkafka's public codes begin with _
)


class Sink(Protocol):
    """Who is told what was read; called on the reader's thread."""

    def took(self, cluster: str, events: tuple[Event, ...]) -> None:
        """Note the log up to here."""
        ...

    def confirmed(self, cluster: str, events: tuple[Event, ...], began: float) -> None:
        """Note the log up to the end that it had at `began`, or later."""
        ...

    def failed(self, cluster: str, began: float, problem: KafkalertError | None) -> None:
        """No answer since `began`; or `problem`, which waiting does not mend."""
        ...

    def ended(self, cluster: str, error: BaseException | None) -> None:
        """Nothing is read any more: `error` ended the thread, or, where it is None, it was told to end."""
        ...


class _StartOverError(Exception):
    """The log is not the one that was read so far: deleted, made anew, or cut."""


class Reader(Thread):
    """Reads partition 0 of `topic` on `cluster`, and tells `sink`. Never blocks whoever starts or ends it.

    The log counts only once its end was reached: what stands in the middle of it was true once. Every CONFIRM_SECONDS
    the end is asked for. A try that fails goes on for as long as it may take, so that one in vain means that the
    cluster was away for all that time, and not that a connection was found broken.

    What is no event, or cannot be meant by the clusters of this context (`among`), is passed over: `skipped` counts
    those records, `passed_over` has the newest of them, and `screen` tells what would be passed over next.
    """

    def __init__(
        self,
        cluster: Cluster,
        topic: str,
        sink: Sink,
        *,
        among: Collection[str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name=f"control-{cluster.name}", daemon=True)
        self._cluster = cluster
        self._topic = topic
        self._sink = sink
        self._monotonic = monotonic
        self._ended = Flag()
        self._made: Consumer | None = self._client()  # here, where a wrong configuration can be raised
        self._among = among
        self._said = -1
        self._trying: float | None = None
        self.screen = Plausibility(among)
        self.skipped = 0
        self.passed_over: deque[PassedOver] = deque(maxlen=KEPT)

    def end(self) -> None:
        """Ask it to end; it does within POLL_SECONDS unless the cluster hangs."""
        self._ended.set()

    def run(self) -> None:
        """Read until ended."""
        watched(self.name, self._read_on, lambda error: self._sink.ended(self._cluster.name, error))()

    def _read_on(self) -> None:
        while not self._ended.is_set():
            began = self._monotonic()
            consumer, self._made = self._made, None
            try:
                consumer = consumer or self._client()
                self._read(consumer)
            except KafkaException as error:  # this client is of no use any more
                _LOG.info("control log of %s: %s", self._cluster.name, error)
                self._in_vain(began)
            except (ConfigError, DeniedError) as error:
                self._sink.failed(self._cluster.name, began, error)
            finally:
                if consumer is not None:
                    # Closing may wait for the cluster, and nobody waits for that.
                    Thread(target=consumer.close, name="control-close", daemon=True).start()
            self._ended.wait(AGAIN_SECONDS)

    def _client(self) -> Consumer:
        return clients.consumer(
            self._cluster,
            "kafkalert.control",  # asked for by the client, never joined
            enable_partition_eof=True,
            auto_offset_reset="error",
            socket_timeout_ms=6000,
            topic_metadata_propagation_max_ms=0,
            isolation_level="read_uncommitted",  # whose transaction stays open must not hide what others wrote
            error_cb=lambda _: None,
            **unreadable.SMALL,
        )

    def _read(self, consumer: Consumer) -> None:
        while not self._ended.is_set():
            try:
                if self._is_there(consumer):
                    self._follow(consumer)
            except _StartOverError as error:
                _LOG.warning("control log of %s: %s", self._cluster.name, error)
                consumer.unassign()
            self._ended.wait(AGAIN_SECONDS)

    def _follow(self, consumer: Consumer) -> None:
        self._log: list[Event] = []
        self.screen = Plausibility(self._among)
        self._next = 0
        self._goal: tuple[float, int] | None = None
        self._whole = False
        look_at = self._look(consumer, self._monotonic())  # first: a fetch that waits for news holds up other questions
        consumer.assign([TopicPartition(self._topic, 0, OFFSET_BEGINNING)])
        while not self._ended.is_set():
            now = self._monotonic()
            if now >= look_at:
                look_at = self._look(consumer, now)
            self._reach()
            first = consumer.poll(max(0.0, min(POLL_SECONDS, look_at - self._monotonic())))
            if first is not None and self._take(consumer, [first, *consumer.consume(_BATCH, 0)]):
                look_at = 0.0  # what is new is confirmed at once

    def _is_there(self, consumer: Consumer) -> bool:
        """Whether the topic exists; what is wrong otherwise is told."""
        began = self._monotonic()
        try:
            error = consumer.list_topics(self._topic, timeout=CONFIRM_SECONDS).topics[self._topic].error
        except KafkaException:
            self._in_vain(began)
            return False
        problem = self._problem(error)
        if problem is not None:
            self._sink.failed(self._cluster.name, began, problem)
            self._ended.wait(CONFIRM_SECONDS)
        return problem is None

    def _problem(self, error: KafkaError | None) -> KafkalertError | None:
        """Return what waiting does not mend."""
        code = error.code() if error is not None else None
        if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return MissingTopicsError(self._cluster, [self._topic])
        return denied(self._cluster, error, "DESCRIBE", self._topic)

    def _check(self, consumer: Consumer) -> None:
        """Raise _StartOverError where the topic is gone. A library that lost its cluster says so of topics, too."""
        try:
            error = consumer.list_topics(self._topic, timeout=CONFIRM_SECONDS / 2).topics[self._topic].error
        except KafkaException:
            return
        if self._problem(error) is not None:
            raise _StartOverError("the topic is gone")

    def _look(self, consumer: Consumer, began: float) -> float:
        """Ask for the log's end; returns when to ask again."""
        if self._goal is not None and began - self._goal[0] > CONFIRM_SECONDS:
            self._sink.failed(self._cluster.name, self._goal[0], None)  # it answers, but what it has does not come
        try:
            left = CONFIRM_SECONDS - (0 if self._trying is None else began - self._trying)
            _, high = consumer.get_watermark_offsets(TopicPartition(self._topic, 0), timeout=max(left, 0.1))
        except KafkaException as error:
            if error.args[0].code() in _ABSENT or is_denied(error):
                self._check(consumer)
            self._in_vain(began)
            return self._monotonic() + AGAIN_SECONDS
        self._trying = None
        if high < self._next:
            raise _StartOverError(f"it was cut from {self._next} to {high} records; reading it again")
        self._goal = (began, high)
        return began + CONFIRM_SECONDS

    def _in_vain(self, began: float) -> None:
        since = self._trying = began if self._trying is None else self._trying
        if self._monotonic() - since >= CONFIRM_SECONDS:
            self._trying = None
            self._sink.failed(self._cluster.name, since, None)

    def _take(self, consumer: Consumer, messages: list[Message]) -> bool:
        """Keep what is new; whether there was anything."""
        before = len(self._log)
        for message in messages:
            error, offset = message.error(), int(message.offset() or 0)
            if error is None:
                self._next = offset + 1
                self._keep(message.value() or b"", offset)
            elif unreadable.is_refused(error):
                self._pass_batch(consumer, message)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - as _ABSENT
                self._next = max(self._next, offset)
            elif error.code() in _ABSENT:
                self._check(consumer)
            elif (refusal := denied_topic(self._cluster, error, self._topic)) is not None:
                raise refusal
            elif is_gone(error):
                raise _StartOverError("what comes next in it is gone; reading it again")
        if len(self._log) == before or not self._whole:
            return False
        self._sink.took(self._cluster.name, tuple(self._log))
        return True

    def _pass_batch(self, consumer: Consumer, refused: Message) -> None:
        """Go on behind what cannot be decompressed, so that one record does not hide all that follow."""
        batch = unreadable.pass_batch(self._cluster, consumer, refused, **unreadable.SMALL)
        self._next = batch.end
        if batch.end > batch.first:
            self._pass_over(batch.first, f"What stands before offset {batch.end} is too large once it is decompressed.")

    def _keep(self, value: bytes, offset: int) -> None:
        try:
            event = decode(value)
        except DecodingError as error:
            self._pass_over(offset, str(error))
            return
        why = self.screen.take(event)
        if why:
            self._pass_over(offset, why)
        else:
            self._log.append(event)

    def _pass_over(self, offset: int, why: str) -> None:
        """Count a record that decides nothing, once, also where the log is read again."""
        if offset <= self._said:
            return
        self._said = offset
        self.skipped += 1
        self.passed_over.append(PassedOver(self._cluster.name, offset, why))
        _LOG.info("control log of %s, offset %d is passed over: %s", self._cluster.name, offset, why)

    def _reach(self) -> None:
        if self._goal is not None and self._next >= self._goal[1]:
            began, self._goal, self._whole = self._goal[0], None, True
            self._sink.confirmed(self._cluster.name, tuple(self._log), began)
