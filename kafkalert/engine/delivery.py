"""Outputs on their way to the broker. Success is silent: what counts is that nothing failed before a commit."""

from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message

from kafkalert.bus import clients
from kafkalert.bus.denied import denied
from kafkalert.config.sections import Cluster
from kafkalert.engine.ending import AbandonedError, Ends
from kafkalert.errors import DecodingError, KafkalertError

_BUFFER_KILOBYTES: Final = 64 * 1024
_CONNECT_SECONDS: Final = 4.0
_HURRY_SECONDS: Final = 0.001  # the client's shortest flush: its threads send at once, whatever its linger, for so long
_AGAIN: Final = "What was not acknowledged is sent again."
_TOPIC_FAULTS: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - librdkafka's public codes begin with _
    }
)
_OF_THE_RECORD: Final = frozenset(
    {KafkaError.INVALID_MSG, KafkaError.INVALID_RECORD, KafkaError.INVALID_TIMESTAMP, KafkaError.POLICY_VIOLATION}
)
"""What a broker says of one record: it would say so again."""


class DeliveryError(KafkalertError):
    """The broker refused an output for good, or the producer broke; what was not committed is processed again."""


class BrokenProducerError(DeliveryError):
    """The producer broke, and takes nothing any more; a new one may."""


class Delivery:
    """A producer whose failures surface at `flush`, so that no offset is committed past an output that failed.

    `waiting` is called a few times a second while it waits for the broker. `told`: whether it hears of each record that
    was acknowledged, for `send_and_tell`.
    """

    def __init__(self, cluster: Cluster, *, linger_ms: float, stopping: Ends, told: bool = False) -> None:
        self._cluster = cluster
        self._failed: KafkalertError | None = None
        self._stopping = stopping
        self._producer = clients.producer(
            cluster,
            linger_ms=linger_ms,
            delivery_report_only_error=not told,
            queue_buffering_max_kbytes=_BUFFER_KILOBYTES,
            on_delivery=self._report,
        )
        self._produce: Callable[..., None] = self._producer.produce
        self.waiting: Callable[[], None] = lambda: None

    def send(self, topic: str, value: bytes | None, key: bytes | None, headers: list[tuple[str, Any]]) -> None:
        """Hand one record over, waiting while the buffer is full.

        Raises DecodingError ("too-large") for a record that no broker takes, DeliveryError, and InterruptedStopError
        past a stop's bound.
        """
        try:
            self._produce(topic, value, key, headers=headers)
        except BufferError:
            self._put(topic, value, key, headers=headers)
        except KafkaException as error:
            raise self._unsent(topic, error.args[0]) from error

    def send_and_tell(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        headers: list[tuple[str, Any]],
        arrived: Callable[[], None],
    ) -> None:
        """As `send`; a later call of this object calls `arrived` once the broker has acknowledged the record."""

        def report(error: KafkaError | None, message: Message) -> None:
            if error is None:
                arrived()
            else:
                self._report(error, message)

        self._put(topic, value, key, headers=headers, on_delivery=report)

    def _put(self, topic: str, value: bytes | None, key: bytes | None, **more: Any) -> None:  # noqa: ANN401 - the library's
        """Hand one record over, however long the buffer is full."""
        while True:
            try:
                return self._produce(topic, value, key, **more)
            except BufferError:
                self._stopping.check_deadline()
                self.waiting()
                self._served(self._producer.poll, 0.05)
                self.check()
            except KafkaException as error:
                raise self._unsent(topic, error.args[0]) from error

    def hurry(self) -> None:
        """Have what waits for others to go with be sent now, since nothing else is to come yet.

        Takes a millisecond where anything is under way. Raises DeliveryError for an output that failed since.
        """
        if len(self._producer):
            self._served(self._producer.flush, _HURRY_SECONDS)
        self.check()

    def poll(self) -> None:
        """Serve reports. Raises DeliveryError for an output that failed since."""
        self._served(self._producer.poll, 0)
        self.check()

    def flush(self) -> None:
        """Return when the broker has acknowledged all.

        Raises DeliveryError, and InterruptedStopError past a stop's bound.
        """
        while self._served(self._producer.flush, 0.2):
            self.check()
            self.waiting()
            self._stopping.check_deadline()
        self.check()

    def check(self) -> None:
        """Raise what failed, if anything did."""
        if self._failed is not None:
            raise self._failed

    def pending(self) -> int:
        """Count the outputs that the broker has not acknowledged yet."""
        return len(self._producer)

    def connect(self, topics: Iterable[str]) -> None:
        """Have connections, and know where `topics` lie, so that the first record need not wait for either.

        Raises KafkaException where the cluster does not answer, DeniedError where it denies a topic.
        """
        for topic in topics:
            found = self._producer.list_topics(topic, timeout=_CONNECT_SECONDS).topics.get(topic)
            if found is not None and (refusal := denied(self._cluster, found.error, "DESCRIBE", topic)) is not None:
                raise refusal

    def abandon(self) -> None:
        """Take nothing any more, from another thread: whoever sends, waits or flushes has AbandonedError from now on.

        What was not acknowledged may still arrive; `close` forgets it.
        """
        self._failed = AbandonedError("The stage has moved to another cluster.")
        self._produce = self._refuse

    def _refuse(self, *_: object, **__: object) -> None:
        self.check()

    def close(self) -> None:
        """Forget what was not delivered. The client ends on a thread of its own: where a broker hangs, that lasts."""
        self._producer.purge()
        self._served(self._producer.flush, 0)
        Thread(target=self._producer.close, name="close", daemon=True).start()

    def _served(self, serve: Callable[[float], int], seconds: float) -> int:
        """Return what a call returns that serves reports.

        The first after the producer broke raises why, for `check`.
        """
        try:
            return serve(seconds)
        except KafkaException as error:
            why: KafkaError = error.args[0]
            refusal = denied(self._cluster, why, "WRITE")
            broke = BrokenProducerError(f"The producer broke: {why.str()}.", hint=_AGAIN)
            self._failed = self._failed or refusal or broke
            return 0

    def _report(self, error: KafkaError | None, message: Message) -> None:
        if error is not None and self._failed is None:
            self._failed = self._refused(str(message.topic()), error)

    def _unsent(self, topic: str, error: KafkaError) -> KafkalertError:
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:  # by the producer's own limit: of this record, here and now
            return DecodingError("too-large", f"What would go to {topic} is larger than a record may be.")
        if error.code() == KafkaError._FATAL:  # noqa: SLF001 - it broke before, and what serves reports knows why
            self._served(self._producer.poll, 0)
        return self._failed or self._refused(topic, error)

    def _refused(self, topic: str, error: KafkaError) -> KafkalertError:
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            return KafkalertError(
                f"An output is larger than topic {topic} takes.", hint=f"Raise max.message.bytes of {topic}."
            )
        if (refusal := denied(self._cluster, error, "WRITE", topic)) is not None:
            return refusal
        if error.code() in _TOPIC_FAULTS:
            return KafkalertError(
                f"Topic {topic} cannot be written: {error.str()}.",
                hint="`kafkalert topics plan` shows what is missing.",
            )
        kind = DeliveryError if error.code() in _OF_THE_RECORD else BrokenProducerError
        return kind(f"An output to {topic} was not accepted: {error.str()}.", hint=_AGAIN)
