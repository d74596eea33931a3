"""bridge: bookings from a file, a pipe or a growing log into accountentry."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from kafkalert.config.names import ACCOUNTENTRY
from kafkalert.config.sections import Settings
from kafkalert.edges.ndjson import Entry, read_entries
from kafkalert.edges.rereadable import readable_twice
from kafkalert.edges.source import BadLine, Source
from kafkalert.edges.waiting import Patience
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.engine.observe import health
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.engine.options import RunOptions
from kafkalert.engine.sources.delivery import SourceDelivery, StoppedError
from kafkalert.engine.sources.runner import SourceRunner
from kafkalert.engine.stage import Given
from kafkalert.engine.stopping import Stopping
from kafkalert.errors import DecodingError
from kafkalert.serde import build
from kafkalert.serde.codec import Codec
from kafkalert.serde.keys import encode_key
from kafkalert.stages.entry import BALANCE, ID, ID_BYTES

_LOG = logging.getLogger(__name__)
NAME: Final = "bridge"
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

    def run_options(self) -> RunOptions:
        """Those that all stages have."""
        return RunOptions(http_port=self.http_port, http_host=self.http_host, patience=self.patience)


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
    """Return the headers of an entry's record."""
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
    given, codec, topic = Given(Metrics(), clock, stopping), build.codec(settings.serde), settings.topic(ACCOUNTENTRY)
    runner = SourceRunner(NAME, [topic], settings, options.run_options(), given, waits=options.follow)
    patience = Patience(stop=stopping.event, idle=runner.idle, note=_LOG.warning, step=_STEP_SECONDS)
    bad = 0
    with Source(options.path, follow=options.follow, patience=patience) as source:

        def feed() -> None:
            nonlocal bad
            bridge = Bridge(topic, codec, runner.delivery, given.metrics)
            pace = Pace(options.rate, clock, stopping, runner.idle)
            bad = _send_all(bridge, _entries(source), pace, stopping, on_bad)

        stopped = runner.run(feed)
    return Bridged(acknowledged=given.metrics.entries, bad=bad, stopped=stopped)


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
        if bad is None:
            pace.wait()
        else:
            bridge.poll()  # however many come in a row, a switch is answered
        if stopping:
            break
        if not isinstance(line, BadLine):
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


def _entries(source: Source) -> Iterator[Entry | BadLine]:
    """Yield the lines; one whose id the other stages would refuse is bad here already."""
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
