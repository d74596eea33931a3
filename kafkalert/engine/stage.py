"""What the engine asks of a stage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from confluent_kafka import Message

from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock
from kafkalert.engine.deadletter import DeadLetters
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.dependency import Dependency
from kafkalert.engine.observe.metrics import Metrics
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


Build = Callable[[Settings, Given], Stage]
"""Makes a stage of its configuration. Raises KafkalertError where it cannot be."""
