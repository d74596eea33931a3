"""What a stage says of itself over HTTP: /metrics for Prometheus, /healthz and /readyz for an orchestrator."""

from collections.abc import Callable, Iterator
from itertools import accumulate
from threading import Thread
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from kafkalert.engine.observe.listening import Handler, Listener
from kafkalert.engine.observe.metrics import BUCKETS_MS, Metrics
from kafkalert.errors import UsageError

LOOPBACK: Final = "127.0.0.1"
"""Where nobody but this machine asks; what is served is nobody else's concern unless he is told the address."""


class StageCollector(Collector):
    """The stage's counters in Prometheus's terms."""

    def __init__(self, metrics: Metrics, ready: Callable[[], bool]) -> None:
        self._metrics = metrics
        self._ready = ready

    def collect(self) -> Iterator[Metric]:
        """One reading of everything."""
        metrics = self._metrics
        yield CounterMetricFamily("kafkalert_entries", "Records read.", value=metrics.entries)
        yield CounterMetricFamily(
            "kafkalert_skipped_by_switch", "Records processed before a switch.", value=metrics.before_switch
        )
        for name, text, label, counts in (
            ("kafkalert_alerts", "Outbound messages handed to the producer.", "channel", metrics.alerts),
            ("kafkalert_dead_letters", "Records put away.", "reason", metrics.dead),
            ("kafkalert_skipped_settings", "Settings left out of compiled rules.", "reason", metrics.skipped),
        ):
            family = CounterMetricFamily(name, text, labels=[label])
            for value, count in counts.copy().items():
                family.add_metric([value], count)
            yield family
        for name, text, by_partition in (
            ("kafkalert_lag", "Records not processed yet.", metrics.lag),
            ("kafkalert_gone", "Records that expired or were deleted before they were read.", metrics.gone),
        ):
            gauge = GaugeMetricFamily(name, text, labels=["topic", "partition"])
            for (topic, partition), count in by_partition.items():
                gauge.add_metric([topic, str(partition)], count)
            yield gauge
        bounds = [*(str(bound / 1000) for bound in BUCKETS_MS), "+Inf"]
        histogram = HistogramMetricFamily("kafkalert_latency_seconds", "From an entry's record time to its alerts.")
        counted = list(accumulate(metrics.buckets))
        histogram.add_metric([], list(zip(bounds, map(float, counted), strict=True)), metrics.latency_sum_ms / 1000)
        yield histogram
        yield GaugeMetricFamily("kafkalert_ready", "1 while entries are processed.", value=float(self._ready()))


def serve(
    port: int, metrics: Metrics, *, alive: Callable[[], bool], ready: Callable[[], bool], host: str = LOOPBACK
) -> Listener:
    """Serve on the address `host`, in a thread of its own. Raises UsageError where that cannot be."""
    registry = CollectorRegistry()
    registry.register(StageCollector(metrics, ready))

    class Answer(Handler):
        def do_GET(self) -> None:  # noqa: N802 - http.server calls it so
            if self.path == "/metrics":
                self._say(200, generate_latest(registry), CONTENT_TYPE_LATEST)
            elif self.path in {"/healthz", "/readyz"}:
                good = alive() if self.path == "/healthz" else ready()
                self._say(200 if good else 503, b"ok\n" if good else b"not ready\n")
            else:
                self._say(404, b"/metrics, /healthz, /readyz\n")

        def _say(self, status: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    try:
        server = Listener(host, port, Answer)
    except OSError as error:
        raise UsageError(
            f"Port {port} cannot be served: {error.strerror} ({host}).",
            hint="Choose another --http-port, or an address of this machine as --http-host.",
        ) from error
    Thread(target=server.serve_forever, name="http", daemon=True).start()
    return server
