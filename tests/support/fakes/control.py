"""A control log that says what a test has it say."""

from collections.abc import Callable, Sequence
from time import sleep
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError

from kafkalert.bus.control.event import Event, Step
from kafkalert.bus.control.state import View, resolve
from kafkalert.config.sections import Cluster, Context, Settings
from tests.support.fakes.engine import FakeMessage

OTHER = {"dc1": "dc2", "dc2": "dc1"}
SETTINGS = Settings(
    context=Context(clusters=("dc1", "dc2")),
    clusters={name: Cluster(name=name, bootstrap="127.0.0.1:1") for name in OTHER},
)


def forced(epoch: int, to: str, attempt: str = "a", **detail: object) -> Event:
    """A forced switch; `stays` in its detail where stages are there already."""
    return Event(epoch, attempt, "COMMIT", "forced", OTHER[to], to, "somebody", 1, "", detail)


def planned(epoch: int, to: str, step: Step, attempt: str = "a") -> Event:
    """A step of a planned switch."""
    return Event(epoch, attempt, step, "planned", OTHER[to], to, "somebody", 1)


class FakeLog:
    """As `ControlLog`, with both logs read and fresh; `read` lets them grow."""

    def __init__(self) -> None:
        self.logs: dict[str, tuple[Event, ...]] = dict.fromkeys(OTHER, ())
        self.is_fresh = True
        self._callbacks: list[Callable[[], None]] = []

    @classmethod
    def instead(cls, monkeypatch: pytest.MonkeyPatch) -> "FakeLog":
        """The one that every `ActiveCluster` made from now on has."""
        one = cls()
        monkeypatch.setattr("kafkalert.engine.active.ControlLog", lambda *_, **__: one)
        return one

    def read(self, cluster: str, *events: Event) -> None:
        """The reader of a cluster's log has brought these."""
        self.logs[cluster] += events
        for callback in self._callbacks:
            callback()

    def subscribe(self, callback: Callable[[], None]) -> None:
        """As the real one."""
        self._callbacks.append(callback)

    def view(self) -> View:
        """By the real rules."""
        return resolve(self.logs, "dc1")

    def settled(self) -> bool:
        """Both logs were read."""
        return True

    def fresh(self, _now: float) -> bool:
        """As the test says."""
        return self.is_fresh

    def skipped(self) -> int:
        """Nothing is passed over."""
        return 0


class FakeDelivery:
    """As `Delivery`: what a cluster was given, and how much of it was acknowledged."""

    def __init__(self, cluster: Cluster, **_: object) -> None:
        self.cluster = cluster
        self.sent: list[int] = []
        self.flushed = 0
        self.abandoned = False
        self.waiting: Callable[[], None] = lambda: None
        self.under_way: list[tuple[int, Callable[[], None]]] = []

    def send(self, _topic: str, _value: bytes | None, key: bytes | None, _headers: Sequence[Any]) -> None:
        """Taken; its key is its number."""
        self.sent.append(int(key or b""))

    def send_and_tell(
        self, topic: str, value: bytes | None, key: bytes | None, headers: Sequence[Any], arrived: Callable[[], None]
    ) -> None:
        """Taken; `arrive` tells of it."""
        self.send(topic, value, key, headers)
        self.under_way.append((self.sent[-1], arrived))

    def arrive(self, which: int) -> int:
        """One of those under way is acknowledged; its number."""
        number, told = self.under_way.pop(which % len(self.under_way))
        told()
        return number

    def poll(self) -> None:
        """Nothing failed."""

    def flush(self) -> None:
        """All arrives."""
        self.flushed = len(self.sent)
        while self.under_way:
            self.arrive(0)

    def abandon(self) -> None:
        """Take nothing any more."""
        self.abandoned = True

    def close(self) -> None:
        """Forget the rest."""


class FakeConsumer:
    """As a consumer of one cluster's control log, which holds `values`; with None there is no such topic."""

    def __init__(self, values: Sequence[bytes] | None, answers_after: float = 0.0) -> None:
        self._values = values
        self._answers_after = answers_after
        self._next = 0

    @classmethod
    def instead(cls, monkeypatch: pytest.MonkeyPatch, **consumers: "FakeConsumer") -> None:
        """What each reader has from now on, by its cluster's name."""
        fake = SimpleNamespace(consumer=lambda cluster, *_, **__: consumers[cluster.name])
        monkeypatch.setattr("kafkalert.bus.control.reader.clients", fake)

    def list_topics(self, topic: str, **_: object) -> SimpleNamespace:
        """Whether the log is there."""
        sleep(self._answers_after)
        missing = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART) if self._values is None else None
        return SimpleNamespace(topics={topic: SimpleNamespace(error=missing)})

    def get_watermark_offsets(self, *_: object, **__: object) -> tuple[int, int]:
        """The log's ends."""
        return 0, len(self._values or ())

    def assign(self, *_: object) -> None:
        """Read it from its beginning."""
        self._next = 0

    def unassign(self) -> None:
        """Read nothing."""

    def poll(self, seconds: float) -> FakeMessage | None:
        """The next event."""
        values = self._values or ()
        if self._next >= len(values):
            sleep(min(seconds, 0.02))
            return None
        self._next += 1
        return FakeMessage(body=values[self._next - 1], at=self._next - 1)

    def consume(self, *_: object) -> list[FakeMessage]:
        """No more at once."""
        return []

    def close(self) -> None:
        """It holds nothing."""
