"""A stage that calls the outside, as the loop knows stages: what it is given goes to the sink."""

from collections.abc import Sequence

from confluent_kafka import Message

from kafkalert.engine.deadletter import DeadLetters
from kafkalert.engine.delivery import Delivery
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.engine.sinks.progress import SinkProgress
from kafkalert.engine.stage import CallingStage


class Calling:
    """`stage`, whose records `progress` takes; `metrics` count them."""

    def __init__(self, stage: CallingStage, progress: SinkProgress, metrics: Metrics) -> None:
        self.name, self.inputs, self.outputs = stage.name, stage.inputs, stage.outputs
        self.dependency = stage.dependency
        self._progress = progress
        self._metrics = metrics

    def process(self, messages: Sequence[Message], out: Delivery, dead: DeadLetters) -> None:  # noqa: ARG002 - see Stage
        """Take all; what the sink has no room for waits."""
        self._metrics.entries += len(messages)
        self._progress.take(messages)
