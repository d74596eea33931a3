"""What a stage says of itself over HTTP: /metrics for Prometheus, /healthz and /readyz for an orchestrator."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate
from threading import Thread

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from kafkalert.engine.metrics import BUCKETS_MS, Metrics
from kafkalert.errors import UsageError


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
            for one, count in counts.copy().items():
                family.add_metric([one], count)
            yield family
        lag = GaugeMetricFamily("kafkalert_lag", "Records not processed yet.", labels=["topic", "partition"])
        for (topic, partition), behind in metrics.lag.items():
            lag.add_metric([topic, str(partition)], behind)
        yield lag
        bounds = [*(str(bound / 1000) for bound in BUCKETS_MS), "+Inf"]
        histogram = HistogramMetricFamily("kafkalert_latency_seconds", "From an entry's record time to its alerts.")
        counted = list(accumulate(metrics.buckets))
        histogram.add_metric([], list(zip(bounds, map(float, counted), strict=True)), metrics.latency_sum_ms / 1000)
        yield histogram
        yield GaugeMetricFamily("kafkalert_ready", "1 while entries are processed.", value=float(self._ready()))


def serve(port: int, metrics: Metrics, *, alive: Callable[[], bool], ready: Callable[[], bool]) -> ThreadingHTTPServer:
    """Serve on all addresses of this machine, in a thread of its own. Raises UsageError where the port is taken."""
    registry = CollectorRegistry()
    registry.register(StageCollector(metrics, ready))

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
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

        def log_message(self, *_: object) -> None:
            """Probes are no news."""

    try:
        server = ThreadingHTTPServer(("", port), Answer)
    except OSError as error:
        raise UsageError(
            f"Port {port} cannot be served: {error.strerror}.", hint="Choose another --http-port."
        ) from error
    server.daemon_threads = True
    Thread(target=server.serve_forever, name="http", daemon=True).start()
    return server
