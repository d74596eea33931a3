"""The heartbeat of an instance: a record a second on kafkalert.status, by which others know that it lives."""

import json
import logging
import os
import socket
from collections.abc import Callable
from threading import Event, Thread
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message

from kafkalert.bus import clients
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.engine.metrics import Metrics, by_name, percentile, rate
from kafkalert.engine.stopping import Stopping
from kafkalert.errors import ConfigError, UnreachableError

_LOG = logging.getLogger(__name__)
BEAT_SECONDS: Final = 1.0
SAY_SECONDS: Final = 10.0
_AWAY_SECONDS: Final = 2.5
VERSION: Final = 1
_SILENCE: Final = frozenset(
    {KafkaError._MSG_TIMED_OUT, KafkaError._TIMED_OUT, KafkaError._TRANSPORT, KafkaError.REQUEST_TIMED_OUT}  # noqa: SLF001 - librdkafka's public codes begin with _
)


class Pulse(Thread):
    """Writes heartbeats, and says every ten seconds that the cluster is away while it does not answer them.

    `patience` bounds in seconds how long it may be away before the stage is stopped; None waits for ever.
    `state` is asked for what the stage is doing: "loading", "running", "held: ...". A cluster that refuses these
    credentials before it has ever answered stops the stage, too. Raises ConfigError.
    """

    def __init__(
        self,
        stage: str,
        cluster: Cluster,
        topic: str,
        *,
        metrics: Metrics,
        state: Callable[[], str],
        patience: float | None,
        clock: Clock,
        stopping: Stopping,
    ) -> None:
        super().__init__(name="pulse", daemon=True)
        self.instance = f"{socket.gethostname()}-{os.getpid()}"
        self._stage = stage
        self._cluster = cluster
        self._topic = topic
        self._metrics = metrics
        self._state = state
        self._patience = patience
        self._clock = clock
        self._stopping = stopping
        self._taken = clock.monotonic()
        self._said = float("-inf")
        self._refusal = ""
        self._answered = False
        self._ended = Event()
        self._before = (0, 0, clock.monotonic())
        self._producer = clients.producer(cluster, message_timeout_ms=5000, linger_ms=0, error_cb=self._broke)

    def run(self) -> None:
        """Beat until `end`; the last beat says so."""
        producer = self._producer
        while True:
            stopped = self._ended.wait(BEAT_SECONDS)
            self._stopping.with_parent()
            try:
                producer.produce(self._topic, self._beat(stopped=stopped), self.instance, on_delivery=self._delivered)
            except (BufferError, KafkaException) as error:
                _LOG.info("heartbeat: %s", error)
            producer.poll(0)
            if stopped:
                producer.flush(1.0)
                return
            self._watch()

    def end(self) -> None:
        """The stage has ended: say so, without waiting long for a cluster that is away."""
        self._ended.set()
        self.join(2.0)

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None and error.code() not in _SILENCE and error.str() != self._refusal:
            self._refusal = error.str()
            _LOG.warning("heartbeats are not taken: %s", self._refusal)
        if error is None or error.code() not in _SILENCE:  # a refusal is an answer, too
            if self._said > float("-inf"):
                _LOG.warning("cluster %s answers again", self._cluster.name)
                self._said = float("-inf")
            self._taken = self._clock.monotonic()
            self._answered = True

    def _broke(self, error: KafkaError) -> None:
        # Once it has answered, credentials are being renewed somewhere, and that passes.
        if error.code() == KafkaError._AUTHENTICATION and not self._answered:  # noqa: SLF001 - as _SILENCE
            self._stopping.stop(
                ConfigError(
                    f"Cluster {self._cluster.name} ({self._cluster.bootstrap}) refuses this client's credentials.",
                    hint=f"Check sasl.* under [clusters.{self._cluster.name}.kafka].",
                )
            )

    def _watch(self) -> None:
        now = self._clock.monotonic()
        away = now - self._taken
        if away < _AWAY_SECONDS:
            return
        if now - self._said >= SAY_SECONDS:
            self._said = now
            where = f"{self._cluster.name} ({self._cluster.bootstrap})"
            _LOG.warning("cluster %s has not answered for %.0f s; waiting for it", where, away)
        if self._patience is not None and away > self._patience:
            where = f"Cluster {self._cluster.name} ({self._cluster.bootstrap})"
            self._stopping.stop(
                UnreachableError(
                    f"{where} has not answered for {away:.0f} s, longer than --wait allows.",
                    hint="Nothing is lost: what was not committed is processed at the next start.",
                )
            )

    def _beat(self, *, stopped: bool) -> bytes:
        now = self._clock.monotonic()
        metrics = self._metrics
        alerts = metrics.alerts.total()
        entries_before, alerts_before, then = self._before
        self._before = (metrics.entries, alerts, now)
        latencies = metrics.drain_latencies()
        partitions: dict[str, list[int]] = {}
        for topic, number in sorted(metrics.lag):
            partitions.setdefault(topic, []).append(number)
        beat: dict[str, Any] = {
            "version": VERSION,
            "stage": self._stage,
            "instance": self.instance,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "cluster": self._cluster.name,
            "epoch": 0,
            "state": "stopped" if stopped else self._state(),
            "time": self._clock.wall_ms(),
            "partitions": partitions,
            "lag": sum(metrics.lag.values()),
            "rates": {
                "entries": rate(metrics.entries, entries_before, now - then),
                "alerts": rate(alerts, alerts_before, now - then),
            },
            "totals": {"entries": metrics.entries, "alerts": by_name(metrics.alerts.items())},
            "latencyMs": {f"p{share}": percentile(latencies, share) for share in (50, 99)},
            "deadLetters": by_name(metrics.dead.items()),
            "skippedSettings": by_name(metrics.skipped.items()),
            "restarts": int(os.environ.get("KAFKALERT_RESTARTS", "0")),
        }
        return json.dumps(beat, separators=(",", ":")).encode()
