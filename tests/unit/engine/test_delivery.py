"""Outputs that no broker takes: there is none at the address."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast
from unittest.mock import Mock

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from kafkalert.config.sections import Cluster
from kafkalert.engine.delivery import BrokenProducerError, Delivery, DeliveryError
from kafkalert.engine.stopping import ORDERLY_SECONDS, InterruptedStopError, Stopping
from kafkalert.errors import DecodingError, DeniedError
from tests.support.fakes.engine import FakeClock

NOBODY = Cluster(name="dc1", bootstrap="127.0.0.1:1")


def test_a_flush_waits_until_a_stop_has_taken_too_long() -> None:
    """It says meanwhile that it waits, so that nobody takes the stage for hung."""
    clock = FakeClock()
    stopping = Stopping(clock)
    delivery = Delivery(NOBODY, linger_ms=0, stopping=stopping)
    delivery.send("t", b"value", b"key", [])
    turns: list[None] = []

    def waiting() -> None:
        turns.append(None)
        if len(turns) == 2:
            stopping.stop()
            clock.pass_by(ORDERLY_SECONDS + 1)

    delivery.waiting = waiting
    with pytest.raises(InterruptedStopError):
        delivery.flush()
    assert len(turns) == 2
    assert delivery.pending() >= 1  # events of the connection count, too
    delivery.close()


def test_a_full_buffer_waits_and_ends_as_a_flush_does() -> None:
    """64 MB are taken, and then no more."""
    clock = FakeClock()
    stopping = Stopping(clock)
    delivery = Delivery(NOBODY, linger_ms=0, stopping=stopping)

    def waiting() -> None:
        stopping.stop()
        clock.pass_by(ORDERLY_SECONDS + 1)

    delivery.waiting = waiting

    def fill() -> None:
        for _ in range(200):
            delivery.send("t", b"x" * 900_000, None, [])

    with pytest.raises(InterruptedStopError):
        fill()
    assert 60 <= delivery.pending() <= 80
    delivery.close()


def test_a_record_larger_than_any_may_be_is_the_records_fault() -> None:
    """Not the broker's: it would come again for ever."""
    delivery = Delivery(NOBODY, linger_ms=0, stopping=Stopping(FakeClock()))
    with pytest.raises(DecodingError) as raised:
        delivery.send("t", b"x" * 2_000_000, None, [])
    assert raised.value.code == "too-large"
    with pytest.raises(DecodingError):
        delivery.send("t", b"", None, [("ka-id", b"x" * 2_000_000)])
    delivery.send("t", b"x" * 900_000, None, [])
    delivery.check()


class Broken:
    """A producer that broke as the library's do: the next call that serves reports raises why, once; then silence."""

    def __init__(self, code: int) -> None:
        self._why: list[KafkaError] = [KafkaError(code, "it broke", fatal=True)]
        self.closed = False

    def __len__(self) -> int:
        return 1

    def _serve(self, _seconds: float) -> int:
        if self._why:
            raise KafkaException(self._why.pop())
        return 0

    poll = flush = _serve

    def produce(self, *_: object, **__: object) -> None:
        """Nothing is taken any more, and it does not say why."""
        raise KafkaException(KafkaError(KafkaError._FATAL))

    def purge(self) -> None:
        """Forget all."""

    def close(self) -> None:
        """End."""
        self.closed = True


def broken(code: int) -> tuple[Delivery, Broken]:
    """A delivery whose producer is one."""
    delivery, producer = Delivery(NOBODY, linger_ms=0, stopping=Stopping(FakeClock())), Broken(code)
    delivery._producer, delivery._produce = cast("Any", producer), producer.produce
    return delivery, producer


CALLS: Final[dict[str, Callable[[Delivery], None]]] = {
    "poll": Delivery.poll,
    "hurry": Delivery.hurry,
    "flush": Delivery.flush,
    "send": lambda one: one.send("t", b"value", b"key", []),
    "wait": lambda one: one._put("t", b"value", b"key", headers=[]),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_producer_that_broke_is_told_as_such_by_whatever_call_comes_first(name: str) -> None:
    """The library tells it once, in a way of its own; what comes after must not look as if all had arrived."""
    delivery, producer = broken(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
    for call in (CALLS[name], *CALLS.values()):
        with pytest.raises(DeliveryError, match="it broke"):
            call(delivery)
    delivery.close()
    assert producer.closed


@pytest.mark.parametrize("name", CALLS)
def test_a_producer_that_broke_for_want_of_a_right_names_it(name: str) -> None:
    """An idempotent one has to be let write before it sends anything, so no record's report says so."""
    delivery, _ = broken(KafkaError.CLUSTER_AUTHORIZATION_FAILED)
    with pytest.raises(DeniedError, match="Cluster dc1 denies WRITE on topic"):
        CALLS[name](delivery)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (KafkaError.INVALID_RECORD, DeliveryError),
        (KafkaError.POLICY_VIOLATION, DeliveryError),
        (KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, BrokenProducerError),
        (KafkaError._FATAL, BrokenProducerError),
    ],
)
def test_a_record_that_is_refused_is_no_producer_that_broke(code: int, kind: type[DeliveryError]) -> None:
    """A new producer helps the second alone."""
    delivery = Delivery(NOBODY, linger_ms=0, stopping=Stopping(FakeClock()))
    delivery._report(KafkaError(code), Mock())
    with pytest.raises(DeliveryError) as raised:
        delivery.check()
    assert type(raised.value) is kind
    delivery.close()


def test_a_producer_that_broke_unseen_is_closed_all_the_same() -> None:
    delivery, producer = broken(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
    delivery.close()
    assert producer.closed


def test_who_asks_hears_of_each_record_that_arrived() -> None:
    """On the way to a broker nobody has heard of any; a failure is told as of any other record."""
    broker = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
    (where,) = broker.list_topics("t", timeout=20).brokers.values()
    cluster = Cluster(name="dc1", bootstrap=f"127.0.0.1:{where.port}")
    delivery = Delivery(cluster, linger_ms=0, stopping=Stopping(FakeClock()), told=True)
    arrived: list[int] = []
    for number in range(3):
        delivery.send_and_tell("t", b"value", b"key", [], partial(arrived.append, number))
    assert arrived == []
    delivery.flush()
    assert sorted(arrived) == [0, 1, 2]
    delivery.close()
