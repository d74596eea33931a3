"""What the engine asks of a stage."""

from collections.abc import Sequence
from typing import Protocol

from confluent_kafka import Message

from kafkalert.engine.deadletter import DeadLetters
from kafkalert.engine.delivery import Delivery


class Stage(Protocol):
    """Turns records into outputs. The engine owns reading, delivery, commits and everything that can fail around it."""

    name: str
    """The stage in group names, dead letters and heartbeats."""
    inputs: Sequence[str]
    """Topics that it reads, each fed by the ones before it (two-hop mode reads its own first output)."""
    tables: Sequence[str]
    """Topics that fill its tables; a follower reads them."""
    outputs: Sequence[str]
    """Topics that it writes."""

    def process(self, messages: Sequence[Message], out: Delivery, dead: DeadLetters) -> None:
        """Send the outputs of `messages`, all of them records and in order; put away those that cannot be processed.

        Returns when all were handed to `out`, which is not when they were delivered. May raise what `Delivery.send`
        raises; then none of `messages` is committed, and they come again.
        """
        ...
