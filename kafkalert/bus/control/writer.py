"""Writes events into one cluster's control log: acknowledged by all replicas, or not known to be, within a bound."""

import time
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from kafkalert.bus import clients
from kafkalert.bus.control.event import Event, encode
from kafkalert.bus.denied import denied
from kafkalert.config.sections import Cluster
from kafkalert.errors import ConfigError, KafkalertError

_REFUSED: Final = frozenset(
    {
        KafkaError.INVALID_RECORD,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - librdkafka's public codes begin with _
        KafkaError.POLICY_VIOLATION,
    }
)
_TOO_LARGE: Final = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})


_SLACK_SECONDS: Final = 0.5


class Writer:
    """A producer for one cluster's control log, made when it is needed and left behind when it fails.

    It is not idempotent: a repeated event is the same event, and there is nothing to renew after a failure.
    """

    def __init__(self, cluster: Cluster, topic: str) -> None:
        self._cluster = cluster
        self._topic = topic
        self._lock = Lock()
        self._closed = False
        self._producer: Producer | None = None

    def write(self, event: Event, timeout: float) -> bool:
        """Whether `event` was acknowledged within `timeout` seconds; if not, it may stand there or yet come to.

        Raises DeniedError, ConfigError or KafkalertError where the cluster refused it, DecodingError for what is no
        event: then it does not stand there.
        """
        value = encode(event)
        deadline = time.monotonic() + timeout
        answer: SimpleQueue[bool | KafkalertError] = SimpleQueue()

        def attempt() -> None:
            try:
                answer.put(self._alone(value, deadline))
            except KafkalertError as error:
                answer.put(error)

        # On a thread of its own: a ctrl-c inside a callback would break the library's call, not end it.
        Thread(target=attempt, name="control-write", daemon=True).start()
        try:
            told = answer.get(timeout=timeout + _SLACK_SECONDS)
        except Empty:
            return False
        if isinstance(told, KafkalertError):
            raise told
        return told

    def _alone(self, value: bytes, deadline: float) -> bool:
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return False
        try:
            return self._write(value, deadline)
        finally:
            if self._closed:
                self._let_go()
            self._lock.release()

    def close(self) -> None:
        """Let go of the producer; nothing is waited for. Who is writing does it when he is done.

        A producer must not be purged while another thread waits in it.
        """
        self._closed = True
        if self._lock.acquire(blocking=False):
            self._let_go()
            self._lock.release()

    def _let_go(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            Thread(target=_leave, args=(producer,), name="control-close", daemon=True).start()

    def _write(self, value: bytes, deadline: float) -> bool:
        answers: list[KafkaError | None] = []

        def answered(error: KafkaError | None, _message: Message) -> None:
            answers.append(error)

        if self._producer is None:
            self._producer = clients.producer(
                self._cluster, linger_ms=0, enable_idempotence=False, error_cb=lambda _: None
            )
        producer = self._producer
        try:
            producer.produce(self._topic, value, partition=0, on_delivery=answered)
            while not answers and (left := deadline - time.monotonic()) > 0:
                producer.poll(left)
        except (BufferError, KafkaException) as error:
            answers.append(error.args[0] if isinstance(error, KafkaException) else None)
            self._let_go()
            self._refuse(answers[0])
            return False
        if answers and answers[0] is None:
            return True
        self._let_go()
        self._refuse(answers[0] if answers else None)
        return False

    def _refuse(self, error: KafkaError | None) -> None:
        code = error.code() if error is not None else None
        if error is not None and code in _TOO_LARGE:
            raise KafkalertError(
                f"The event is too large for topic {self._topic} on {self._cluster.name}.",
                hint="Raise the topic's max.message.bytes.",
            )
        if (refusal := denied(self._cluster, error, "WRITE", self._topic)) is not None:
            raise refusal
        if error is not None and code in _REFUSED:
            raise ConfigError(
                f"Topic {self._topic} on {self._cluster.name} takes no event: {error.str()}.",
                hint="Run `kafkalert topics plan`.",
            )


def _leave(producer: Producer) -> None:
    """Drop what it holds: an event that nobody waits for any more must not go out much later."""
    producer.purge()
    producer.poll(0)
