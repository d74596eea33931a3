"""A stage from start to stop: heartbeat, health, and a loop that is made anew when its clients break."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaError, KafkaException

from kafkalert.bus.watermarks import ends, topic_ids
from kafkalert.config.sections import Settings
from kafkalert.engine import health
from kafkalert.engine.clock import Clock
from kafkalert.engine.deadletter import DeadLetters
from kafkalert.engine.delivery import Delivery, DeliveryError
from kafkalert.engine.loop import Loop, RetryError
from kafkalert.engine.metrics import Metrics
from kafkalert.engine.progress import Partition
from kafkalert.engine.pulse import Pulse
from kafkalert.engine.stage import Stage
from kafkalert.engine.stopping import InterruptedStopError, Stopping
from kafkalert.engine.store import RebuildingError
from kafkalert.errors import UnreachableError

_LOG = logging.getLogger(__name__)
_BACKOFF_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
_HUNG_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How this run of a stage differs from the configuration.

    `until_end`: process what is there now, then end. `http_port`: where to serve health, or None. `patience`: seconds
    for which a cluster may be away, or None for ever.
    """

    until_end: bool = False
    http_port: int | None = None
    patience: float | None = None


class Runner:
    """Runs one stage on the active cluster.

    `prepare` returns once records may be processed (False: stopped before that); `hold` is asked from time to time for
    a reason not to process.
    """

    def __init__(
        self,
        settings: Settings,
        options: RunOptions,
        *,
        stage: Stage,
        metrics: Metrics,
        prepare: Callable[[], bool],
        hold: Callable[[], str],
        clock: Clock,
        stopping: Stopping,
    ) -> None:
        self._settings = settings
        self._options = options
        self._stage = stage
        self._metrics = metrics
        self._prepare = prepare
        self._hold = hold
        self._clock = clock
        self._stopping = stopping
        self._loop: Loop | None = None
        self._goals: dict[str, dict[Partition, int]] = {}
        self._state = "starting"

    def run(self) -> None:
        """Run until stopped or at the end. Raises KafkalertError for what cannot pass by waiting."""
        pulse = Pulse(
            self._stage.name,
            self._settings.active,
            self._settings.topic("kafkalert.status"),
            metrics=self._metrics,
            state=self.state,
            patience=self._options.patience,
            clock=self._clock,
            stopping=self._stopping,
        )
        if self._options.http_port is not None:
            health.serve(self._options.http_port, self._metrics, alive=self.alive, ready=self.ready)
        pulse.start()
        try:
            self._attempts()
        finally:
            self._stopping.stop()
            pulse.end()
        if self._stopping.reason is not None:
            raise self._stopping.reason

    def state(self) -> str:
        """What the stage is doing, in a word or two."""
        loop = self._loop  # read once: the main thread takes it away at any moment
        if self._stopping:
            return "stopping"
        if loop is None:
            return self._state
        return f"held: {loop.held}" if loop.held else "running" if loop.joined else "joining"

    def ready(self) -> bool:
        """Whether entries are processed."""
        loop = self._loop
        return loop is not None and loop.joined and not loop.held

    def alive(self) -> bool:
        """Whether the loop still turns (a broker that is away does not stop it from turning)."""
        loop = self._loop
        return loop is None or self._clock.monotonic() - loop.ticked < _HUNG_SECONDS

    def _attempts(self) -> None:
        """Run, and run again with new clients while that may help."""
        failures = 0
        while not self._stopping:
            started = self._clock.monotonic()
            try:
                self._once()
            except InterruptedStopError as error:
                _LOG.warning("%s %s", error, error.hint)
            except (RetryError, RebuildingError, DeliveryError, UnreachableError, KafkaException) as error:
                failures = 1 if self._clock.monotonic() - started > _HUNG_SECONDS else failures + 1
                _LOG.warning("%s Trying again.", said(error))
                self._stopping.wait(_BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS)) - 1])
            else:
                return

    def _once(self) -> None:
        settings, cluster = self._settings, self._settings.active
        dead_topic = settings.topic("kafkalert.deadletter")
        self._state = "starting"
        stage, status = self._stage, settings.topic("kafkalert.status")
        topic_ids(cluster, [*stage.inputs, *stage.tables, *stage.outputs, dead_topic, status])
        self._state = "loading"
        if not self._prepare():
            return
        delivery = Delivery(cluster, linger_ms=settings.engine.linger.total_seconds() * 1000, stopping=self._stopping)
        self._loop = loop = Loop(
            self._stage,
            cluster,
            settings.group(self._stage.name),
            settings.engine,
            delivery=delivery,
            dead=DeadLetters(dead_topic, self._stage.name, delivery, self._metrics.dead, self._clock),
            metrics=self._metrics,
            hold=self._hold,
            clock=self._clock,
            stopping=self._stopping,
        )
        try:
            if self._options.until_end:
                self._to_the_end(loop)
            else:
                loop.run()
        finally:
            self._loop = None
            loop.close()
            delivery.close()

    def _to_the_end(self, loop: Loop) -> None:
        """Process what each input holds.

        The first one's end is that of the start; a later one's is taken once what feeds it has been committed.
        """
        for topic in self._stage.inputs:
            if topic not in self._goals:
                self._goals[topic] = ends(self._settings.active, loop.consumer, [topic])
            loop.run(self._goals[topic])


def said(error: Exception) -> str:
    """An error as a sentence; librdkafka's own hold more than people read."""
    if isinstance(error, KafkaException) and error.args and isinstance(error.args[0], KafkaError):
        return f"{error.args[0].str()}."
    return str(error)
