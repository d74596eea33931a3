"""The heartbeat of an instance: a record a second on kafkalert.status, by which others know that it lives."""

import json
import logging
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message

from kafkalert.bus import clients
from kafkalert.bus.denials import Denials
from kafkalert.bus.denied import denied
from kafkalert.bus.instance import instance_name
from kafkalert.bus.records.partitions import Partition, partition_word
from kafkalert.bus.threads import watched
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.engine.consuming.progress import Place
from kafkalert.engine.observe.metrics import Metrics, by_name, percentile, rate
from kafkalert.engine.stopping import Stopping
from kafkalert.engine.supervisor import RESTARTS
from kafkalert.errors import ConfigError, UnreachableError

_LOG = logging.getLogger(__name__)
BEAT_SECONDS: Final = 1.0
SAY_SECONDS: Final = 10.0
_AWAY_SECONDS: Final = 2.5
_RATE_SECONDS: Final = 0.5
_FLUSH_SECONDS: Final = 1.0
VERSION: Final = 1
_SILENCE: Final = frozenset(
    {KafkaError._MSG_TIMED_OUT, KafkaError._TIMED_OUT, KafkaError._TRANSPORT, KafkaError.REQUEST_TIMED_OUT}  # noqa: SLF001 - librdkafka's public codes begin with _
)


@dataclass(frozen=True, slots=True)
class Report:
    """What an instance does: "loading", "running", "held: ...", on which cluster, since which switch.

    `attempt` is the pending switch for which it stands still, else empty. `ends` are those of the partitions read here,
    as of the monotonic time `measured`; `committed` what was last committed of them, with all their outputs
    acknowledged; `passed_over` the records of the control logs that decide nothing. `turned` is the monotonic time at
    which its loop last turned; None where there is no loop. `uncommitted`: whether its last work ended before all that
    it had processed, or begun to, was committed.
    """

    state: str
    cluster: str
    epoch: int
    attempt: str = ""
    ends: Mapping[Partition, int] = field(default_factory=dict)
    committed: Mapping[Partition, Place] = field(default_factory=dict)
    turned: float | None = None
    passed_over: int = 0
    measured: float | None = None
    uncommitted: bool = False


class _Line:
    """Heartbeats on their way to one cluster, and what is known of it by them."""

    def __init__(self, cluster: Cluster, *, refused: Callable[[Cluster], None], clock: Clock) -> None:
        self.cluster = cluster
        self.taken = clock.monotonic()
        self.said = float("-inf")
        self.cause = ""
        self.answered = False
        self._refused = refused
        self._refusal = ""
        self._denials = Denials(clock.monotonic, None)  # alerting goes on without heartbeats
        self._clock = clock
        self.producer = clients.producer(
            cluster,
            message_timeout_ms=5000,
            linger_ms=0,
            enable_idempotence=False,  # one that is denied is broken for good, and a beat may come twice
            queue_buffering_max_messages=1000,
            queue_buffering_max_kbytes=4 * 1024,
            error_cb=self.broke,
        )

    def write(self, topic: str, key: str, beat: bytes) -> None:
        """Send a heartbeat, or drop it where there is no room."""
        try:
            # Also where partitions were added: all beats are looked for in the first one.
            self.producer.produce(topic, beat, key, partition=0, on_delivery=self.delivered)
        except BufferError as error:
            _LOG.info("heartbeat: %s", error)
        except KafkaException as error:  # of a topic that it may not write, the client knows before it sends
            self._told(error.args[0], topic)
        self.producer.poll(0)

    def delivered(self, error: KafkaError | None, message: Message) -> None:
        """Hear how that went."""
        self._told(error, str(message.topic()))

    def _told(self, error: KafkaError | None, topic: str) -> None:
        refusal = denied(self.cluster, error, "WRITE", topic)
        if refusal is not None:
            self._denials.wait(refusal)
        elif error is not None and error.code() not in _SILENCE and error.str() != self._refusal:
            self._refusal = error.str()
            _LOG.warning("heartbeats are not taken: %s", self._refusal)
        if error is None or error.code() not in _SILENCE:  # a refusal is an answer, too
            if self.said > float("-inf"):
                _LOG.warning("cluster %s answers again", self.cluster.name)
                self.said = float("-inf")
            self.taken = self._clock.monotonic()
            self.answered, self.cause = True, ""

    def broke(self, error: KafkaError) -> None:
        """Hear of a connection that failed."""
        self.cause = clients.cause(self.cluster, error) or self.cause
        # Once it has answered, credentials are being renewed somewhere, and that passes.
        if error.code() == KafkaError._AUTHENTICATION and not self.answered:  # noqa: SLF001 - as _SILENCE
            self._refused(self.cluster)


class Heartbeat(Thread):
    """Writes heartbeats to every cluster, and says every ten seconds that the one in use is away while it is.

    `patience` bounds in seconds how long it may be away before the stage is stopped; None waits for ever. `report` is
    asked for what the instance does. A cluster in use that refuses these credentials before it has ever answered stops
    the stage, too. Raises ConfigError.
    """

    def __init__(
        self,
        stage: str,
        clusters: Iterable[Cluster],
        topic: str,
        *,
        metrics: Metrics,
        report: Callable[[], Report],
        patience: float | None,
        clock: Clock,
        stopping: Stopping,
    ) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self.instance = instance_name()
        self._stage = stage
        self._topic = topic
        self._metrics = metrics
        self._report = report
        self._patience = patience
        self._clock = clock
        self._stopping = stopping
        self._ended = False
        self._due = Event()
        self._before = (0, 0, clock.monotonic())
        self._rates = {"entries": 0.0, "alerts": 0.0}
        self._last = ("", "", 0, "")
        self._watched = ""
        self.lines = {cluster.name: _Line(cluster, refused=self._refused, clock=clock) for cluster in clusters}

    def run(self) -> None:
        """Beat until `end`; the last beat says so."""
        watched(self.name, self._beat_on, self._stopping.thread_ended)()

    def _beat_on(self) -> None:
        beaten = float("-inf")
        while True:
            self._due.wait(max(0.0, BEAT_SECONDS - (self._clock.monotonic() - beaten)))
            self._due.clear()
            ended = self._ended
            self._stopping.with_parent()
            report = self._report()
            doing = (report.state, report.cluster, report.epoch, report.attempt)
            if not ended and doing == self._last and self._clock.monotonic() - beaten < BEAT_SECONDS:
                continue  # told that something changed, and it was nothing that a beat says
            self._last, beaten = doing, self._clock.monotonic()
            beat = self._beat(report, stopped=ended)
            for line in self.lines.values():
                line.write(self._topic, self.instance, beat)
            if ended:
                self._flush()
                return
            self._watch(report.cluster)

    def is_answered(self, cluster: str) -> bool:
        """Whether a cluster has taken a heartbeat lately."""
        return self._clock.monotonic() - self.lines[cluster].taken < _AWAY_SECONDS

    def now(self) -> None:
        """Something has changed: beat at once, if what a beat says has."""
        self._due.set()

    def end(self) -> None:
        """Say that the stage has ended, without waiting long for a cluster that is away."""
        self._ended = True
        self._due.set()
        if self.ident is not None:
            self.join(2.0)

    def _flush(self) -> None:
        """Deliver the last beats, where somebody answers."""
        now = self._clock.monotonic()
        for line in self.lines.values():
            if now - line.taken < _AWAY_SECONDS:
                line.producer.flush(max(0.0, now + _FLUSH_SECONDS - self._clock.monotonic()))

    def _refused(self, cluster: Cluster) -> None:
        if cluster.name != self._report().cluster:  # it may still be mended before it comes into use
            _LOG.info("cluster %s (%s) refuses this client's credentials", cluster.name, cluster.bootstrap)
            return
        self._stopping.stop(
            ConfigError(
                f"Cluster {cluster.name} ({cluster.bootstrap}) refuses this client's credentials.",
                hint=f"Check sasl.* under [clusters.{cluster.name}.kafka].",
            )
        )

    def _watch(self, name: str) -> None:
        """Say that the cluster in use is away, and end the stage once that takes too long."""
        now, line = self._clock.monotonic(), self.lines[name]
        if name != self._watched:  # its patience begins when it comes into use
            line.taken = now if self._watched else line.taken
            self._watched = name
        away = now - line.taken
        if away < _AWAY_SECONDS:
            return
        where = f"{name} ({line.cluster.bootstrap})"
        if now - line.said >= SAY_SECONDS:
            line.said = now
            why = f" {line.cause}" if line.cause else ""
            _LOG.warning("cluster %s has not answered for %.0f s; waiting for it.%s", where, away, why)
        if self._patience is not None and away > self._patience:
            self._stopping.stop(
                UnreachableError(
                    f"Cluster {where} has not answered for {away:.0f} s, longer than --wait allows.",
                    hint="Nothing is lost: what was not committed is processed at the next start.",
                )
            )

    def _beat(self, report: Report, *, stopped: bool) -> bytes:
        now = self._clock.monotonic()
        metrics = self._metrics
        alerts = metrics.alerts.total()
        entries_before, alerts_before, then = self._before
        if stopped or now - then >= _RATE_SECONDS:  # of less, an extra beat's rates would say nothing
            self._before = (metrics.entries, alerts, now)
            self._rates = {
                "entries": rate(metrics.entries, entries_before, now - then),
                "alerts": rate(alerts, alerts_before, now - then),
            }
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
            "cluster": report.cluster,
            "epoch": report.epoch,
            "attempt": report.attempt,
            "state": "stopped" if stopped else report.state,
            "time": self._clock.wall_ms(),
            "loopTurnedMsAgo": None if report.turned is None else max(0, round((now - report.turned) * 1000)),
            "takenMsAgo": {
                name: max(0, round((now - line.taken) * 1000)) for name, line in self.lines.items() if line.answered
            },
            "partitions": partitions,
            "endsMsAgo": None if report.measured is None else max(0, round((now - report.measured) * 1000)),
            "ends": {partition_word(partition): end for partition, end in sorted(report.ends.items())},
            "committed": {
                partition_word(partition): {"offset": at.offset, "id": at.id}
                for partition, at in sorted(report.committed.items())
            },
            "lag": sum(metrics.lag.values()),
            "lags": {partition_word(partition): left for partition, left in sorted(metrics.lag.items())},
            "gone": {partition_word(partition): count for partition, count in sorted(metrics.gone.items())},
            "rates": self._rates,
            "totals": {"entries": metrics.entries, "alerts": by_name(metrics.alerts.items())},
            "latencyMs": {f"p{share}": percentile(latencies, share) for share in (50, 99)},
            "deadLetters": by_name(metrics.dead.items()),
            "skippedSettings": by_name(metrics.skipped.items()),
            "skippedBySwitch": metrics.before_switch,
            "uncommitted": report.uncommitted,
            "controlPassedOver": report.passed_over,
            "restarts": int(os.environ.get(RESTARTS, "0")),
        }
        return json.dumps(beat, separators=(",", ":")).encode()
