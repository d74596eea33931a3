"""bridge: bookings from a file, a pipe or a growing log into accountentry."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from threading import Event
from typing import Final

from kafkalert.bus.denials import Denials
from kafkalert.bus.watermarks import topic_ids
from kafkalert.config.sections import Settings
from kafkalert.edges.ndjson import Entry, read_entries
from kafkalert.edges.source import BadLine, Source
from kafkalert.edges.twice import readable_twice
from kafkalert.edges.waiting import Patience
from kafkalert.engine import health
from kafkalert.engine.active import ActiveCluster
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.engine.metrics import Metrics
from kafkalert.engine.pulse import Pulse, Report
from kafkalert.engine.source import SourceDelivery, StoppedError
from kafkalert.engine.stopping import InterruptedStopError, Stopping
from kafkalert.errors import DecodingError, DeniedError, UnreachableError
from kafkalert.serde import build
from kafkalert.serde.codec import Codec
from kafkalert.serde.keys import encode_key
from kafkalert.stages.entry import BALANCE, ID, ID_BYTES

_LOG = logging.getLogger(__name__)
NAME: Final = "bridge"
ENTRIES: Final = "accountentry"
_CHECK_EVERY: Final = 500
_STEP_SECONDS: Final = 0.05
"""How late a switch is noticed while nothing comes in."""


@dataclass(frozen=True, slots=True)
class BridgeOptions:
    """Where from and how. `rate` in entries a second, or None for as fast as it goes.

    `patience`: seconds for which the cluster may be away, or None for ever. `http_port`: where
    to serve health, or None.
    """

    path: str
    follow: bool = False
    rate: float | None = None
    strict: bool = False
    patience: float | None = None
    http_port: int | None = None
    http_host: str = health.LOOPBACK


@dataclass(frozen=True, slots=True)
class Bridged:
    """What became of the lines: entries that the broker acknowledged, and lines that gave none."""

    acknowledged: int = 0
    bad: int = 0
    stopped: bool = False


class Pace:
    """Spreads events evenly: the n-th is due n / rate seconds after the first."""

    def __init__(
        self, rate: float | None, clock: Clock, stopping: Stopping, idle: Callable[[], None] = lambda: None
    ) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._clock = clock
        self._stopping = stopping
        self._idle = idle
        self._due = clock.monotonic()

    def wait(self) -> None:
        """Return when the next event is due, or when stopped; `idle` is called now and then."""
        if not self._gap:
            return
        while (left := self._due - self._clock.monotonic()) > 0 and not self._stopping.wait(min(left, _STEP_SECONDS)):
            self._idle()
        # After a stall the pace goes on from now; it does not catch up with a burst.
        self._due = max(self._due, self._clock.monotonic() - 1.0) + self._gap


def headers_of(entry: Entry) -> list[tuple[str, str]]:
    """The headers of an entry's record."""
    headers = [] if entry.entry_id is None else [(ID, entry.entry_id)]
    return headers if entry.balance_known else [*headers, (BALANCE, "unknown")]


class Bridge:
    """Sends entries; `on_bad` is told of each line that gives none."""

    def __init__(self, topic: str, codec: Codec, delivery: SourceDelivery, metrics: Metrics) -> None:
        self._topic = topic
        self._codec = codec
        self._delivery = delivery
        self._metrics = metrics
        self.poll = delivery.poll

    def send(self, entry: Entry) -> None:
        """Hand one entry over. Raises what its delivery raises, DecodingError for one too large to be a record."""
        value = self._codec.encode("AccountEntry", entry.datum)
        key = encode_key(self._codec, "AccountId", entry.account)
        self._delivery.send(self._topic, value, key, list(headers_of(entry)))
        self._metrics.entries += 1
        if self._metrics.entries % _CHECK_EVERY == 0:
            self._delivery.poll()


def run(settings: Settings, options: BridgeOptions, on_bad: Callable[[BadLine], None]) -> Bridged:
    """Bring in what `options.path` holds. Returns when the broker has acknowledged all of it, or when stopped.

    Raises UsageError (the file), KafkalertError (the topic), UnreachableError (past `patience`).
    """
    clock = SystemClock()
    stopping = Stopping(clock)
    stopping.on_signals()
    if not options.strict:
        return _run(settings, options, on_bad, clock, stopping)
    waiting = Patience(stop=stopping.event)
    with Source(options.path, patience=waiting) as source, readable_twice(options.path, source) as path:
        bad = 0 if stopping else _bad_lines(path, on_bad, stopping)
        if bad or stopping:
            return Bridged(bad=bad, stopped=bool(stopping))
        return _run(settings, replace(options, path=path), on_bad, clock, stopping)


def _run(
    settings: Settings, options: BridgeOptions, on_bad: Callable[[BadLine], None], clock: Clock, stopping: Stopping
) -> Bridged:
    metrics = Metrics()
    codec = build.codec(settings.serde)
    topic = settings.topic(ENTRIES)
    active = ActiveCluster(settings, clock=clock, stopping=stopping)
    denials = Denials(clock.monotonic, options.patience if options.follow else 0.0)
    delivery = SourceDelivery(
        active,
        commit_seconds=settings.engine.commit_interval.total_seconds(),
        denials=denials,
        clock=clock,
        stopping=stopping,
    )
    ready = Event()  # the topics are there
    status = settings.topic("kafkalert.status")
    pulse = Pulse(
        NAME,
        active.clusters.values(),
        status,
        metrics=metrics,
        report=lambda: _report(active, delivery, ready=ready.is_set(), stopping=stopping),
        patience=options.patience,
        clock=clock,
        stopping=stopping,
    )
    delivery.changed = pulse.now

    def idle() -> None:
        if ready.is_set():
            delivery.poll()

    patience = Patience(stop=stopping.event, idle=idle, note=_LOG.warning, step=_STEP_SECONDS)
    bad = 0
    with Source(options.path, follow=options.follow, patience=patience) as source:
        if options.http_port is not None:
            health.serve(options.http_port, metrics, alive=lambda: True, ready=ready.is_set, host=options.http_host)
        active.start()
        pulse.start()
        try:
            if active.await_settled(options.patience, denials):
                _await_topics(active, [topic, status], stopping, denials)
                ready.set()
                bridge = Bridge(topic, codec, delivery, metrics)
                pace = Pace(options.rate, clock, stopping, idle)
                bad = _send_all(bridge, _entries(source), pace, stopping, on_bad)
                delivery.flush()
        except InterruptedStopError as late:
            raise stopping.reason or late from late
        finally:
            interrupted = bool(stopping)
            stopping.stop()
            pulse.end()
            active.close()
            delivery.close()
    if stopping.reason is not None:
        raise stopping.reason
    return Bridged(acknowledged=metrics.entries, bad=bad, stopped=interrupted)


def _report(active: ActiveCluster, delivery: SourceDelivery, *, ready: bool, stopping: Stopping) -> Report:
    """What a heartbeat says."""
    view, prepared, held = active.view(), delivery.prepared, delivery.held
    state = "prepared" if prepared is not None else f"held: {held}" if held else "running" if ready else "starting"
    cluster, epoch = delivery.cluster, delivery.epoch
    attempt = "" if prepared is None else prepared.id
    if cluster is None:
        return Report(
            "stopping" if stopping else state, view.active, view.epoch, attempt, passed_over=active.passed_over()
        )
    return Report("stopping" if stopping else state, cluster.name, epoch, attempt, passed_over=active.passed_over())


def _send_all(
    bridge: Bridge,
    lines: Iterator[Entry | BadLine],
    pace: Pace,
    stopping: Stopping,
    on_bad: Callable[[BadLine], None],
) -> int:
    """Send what `lines` give until they end or a stop comes; how many were bad."""
    count = 0
    for line in lines:
        bad = line if isinstance(line, BadLine) else None
        if not isinstance(line, BadLine):
            pace.wait()
            if stopping:
                break
            try:
                bridge.send(line)
            except StoppedError:
                break
            except DecodingError:
                bad = BadLine(line.number, "larger than a record may be")
        if bad is not None:
            count += 1
            on_bad(bad)
    return count


def _await_topics(active: ActiveCluster, topics: list[str], stopping: Stopping, denials: Denials) -> None:
    """Return once the active cluster says that `topics` are there. Raises ConfigError where they are not."""
    while not stopping:
        try:
            topic_ids(active.clusters[active.view().active], topics)
        except UnreachableError:
            stopping.wait(1.0)
        except DeniedError as error:
            denials.wait(error)
            stopping.wait(1.0)
        else:
            return


def _entries(source: Source) -> Iterator[Entry | BadLine]:
    """The lines; one whose id the other stages would refuse is bad here already."""
    for line in read_entries(source):
        if isinstance(line, Entry) and line.entry_id is not None and len(line.entry_id.encode()) > ID_BYTES:
            yield BadLine(line.number, f"entryId: longer than {ID_BYTES} bytes")
        else:
            yield line


def _bad_lines(path: str, on_bad: Callable[[BadLine], None], stopping: Stopping) -> int:
    """Read all of the file, or up to a stop, and say how many of its lines are bad."""
    count = 0
    with Source(path) as source:
        for line in _entries(source):
            if stopping:
                break
            if isinstance(line, BadLine):
                count += 1
                on_bad(line)
    return count
