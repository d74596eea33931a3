"""Stand-ins for what the engine's unit tests do not need a broker for: time, messages, a producer that remembers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from confluent_kafka import Message

from kafkalert.engine.delivery import Delivery
from kafkalert.engine.stopping import Stopping
from kafkalert.errors import DecodingError


@dataclass
class FakeClock:
    """Time that passes when a test says so. `now` in seconds, `wall` in milliseconds."""

    now: float = 1000.0
    wall: int = 1_700_000_000_000

    def monotonic(self) -> float:
        """Seconds."""
        return self.now

    def wall_ms(self) -> int:
        """Milliseconds since the epoch."""
        return self.wall

    def pass_by(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self.now += seconds
        self.wall += int(seconds * 1000)


class FakeWaiting(Stopping):
    """A Stopping whose waits pass at once, on the fake clock."""

    def __init__(self, clock: FakeClock, meanwhile: Callable[[], None] = lambda: None) -> None:
        super().__init__(clock)
        self._fake = clock
        self._meanwhile = meanwhile
        self.waits: list[float] = []

    def wait(self, seconds: float) -> bool:
        """Let the seconds pass."""
        self.waits.append(seconds)
        self._fake.pass_by(seconds)
        self._meanwhile()
        return bool(self)


@dataclass
class FakeMessage:
    """A record as the consumer gives it."""

    of: str = "accountentry"
    body: bytes | None = b""
    id: bytes | None = b""
    carried: list[tuple[str, Any]] = field(default_factory=list)
    at: int = 0
    lies: int = 0
    time: int = 1_700_000_000_000
    led: int | None = 5

    def topic(self) -> str:
        """Where it lies."""
        return self.of

    def partition(self) -> int:
        """Where it lies."""
        return self.lies

    def offset(self) -> int:
        """Where it lies."""
        return self.at

    def key(self) -> bytes | None:
        """Its key's bytes."""
        return self.id

    def value(self) -> bytes | None:
        """Its bytes."""
        return self.body

    def headers(self) -> list[tuple[str, Any]] | None:
        """None where it has none, as librdkafka has it."""
        return self.carried or None

    def timestamp(self) -> tuple[int, int]:
        """CreateTime."""
        return 1, self.time

    def leader_epoch(self) -> int | None:
        """That of the leader that wrote it, where the broker tells."""
        return self.led

    def error(self) -> None:
        """It is a record."""

    @property
    def real(self) -> Message:
        """Itself, under the type of what it stands for."""
        return cast("Message", self)


@dataclass
class Sent:
    """What was handed to a Remembering."""

    topic: str
    value: bytes | None
    key: bytes | None
    headers: list[tuple[str, Any]]

    @property
    def header(self) -> dict[str, Any]:
        """Its headers by name."""
        return dict(self.headers)


class Remembering:
    """A delivery that remembers; what is longer than `most` bytes is too large, as for the real one."""

    def __init__(self, most: int = 1_000_000) -> None:
        self.sent: list[Sent] = []
        self._most = most

    def send(self, topic: str, value: bytes | None, key: bytes | None, headers: Sequence[tuple[str, Any]]) -> None:
        """Remember it."""
        if len(value or b"") + len(key or b"") + sum(len(name) + len(one or b"") for name, one in headers) > self._most:
            raise DecodingError("too-large", "too large")
        self.sent.append(Sent(topic, value, key, list(headers)))

    @property
    def real(self) -> Delivery:
        """Itself, under the type of what it stands for."""
        return cast("Delivery", self)
