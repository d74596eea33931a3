"""What the engine asks of a stage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from confluent_kafka import Message

from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock
from kafkalert.engine.deadletter import DeadLetters
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.dependency import Dependency
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.engine.sinks.keyed import Job
from kafkalert.engine.stopping import Stopping


@dataclass(frozen=True, slots=True)
class Given:
    """What a stage is given when it is made: what it counts in, its clock, and when it is told to stop."""

    metrics: Metrics
    clock: Clock
    stopping: Stopping


class Stage(Protocol):
    """Turns records into outputs. The engine owns reading, delivery, commits and everything that can fail around it."""

    name: str
    """The stage in group names, dead letters and heartbeats."""
    inputs: Sequence[str]
    """Topics that it reads, each fed by the ones before it (two-hop mode reads its own first output)."""
    outputs: Sequence[str]
    """Topics that it writes."""
    dependency: Dependency
    """What it needs besides its input; `Independent` where that is nothing."""

    def process(self, messages: Sequence[Message], out: Delivery, dead: DeadLetters) -> None:
        """Send the outputs of `messages`, all of them records and in order; put away those that cannot be processed.

        Returns when all were handed to `out`, which is not when they were delivered. May raise what `Delivery.send`
        raises; then none of `messages` is committed, and they come again.
        """
        ...


@dataclass(frozen=True, slots=True)
class Calls:
    """What a stage calls outside Kafka for each record, on `workers` threads: see `engine.sinks.sink.Sink`.

    `call` may raise PassingError, to be called again later, or DecodingError, to have the record put away.
    `most_records` and `most_bytes` bound what was taken and is not complete, `most_behind` how many offsets
    behind one that is not a partition's records are taken: after a crash they come again.
    """

    call: Callable[[Job], None]
    workers: int = 8
    most_records: int = 1_000
    most_bytes: int = 16 * 1024 * 1024
    most_behind: int = 10_000


@runtime_checkable
class CallingStage(Protocol):
    """Makes a call to the outside for each record, as an SMTP server or an HTTP service takes it, instead of outputs.

    The engine bounds what is under way, keeps the order of each key, and commits only what is complete; a call that
    hangs holds up no switch and no stop. A record may come again: after a crash, a switch, or with its partition.
    """

    name: str
    """See `Stage`; so are the following."""
    inputs: Sequence[str]
    outputs: Sequence[str]
    dependency: Dependency
    calls: Calls
    """What to call."""


Build = Callable[[Settings, Given], Stage | CallingStage]
"""Makes a stage of its configuration. Raises KafkalertError where it cannot be."""
