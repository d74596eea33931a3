"""What a stage says of itself over HTTP."""

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kafkalert.engine import health
from kafkalert.engine.metrics import Metrics
from kafkalert.errors import UsageError
from kafkalert.sandbox.ports import free_port


class Probed:
    """A server, and what its two questions are answered with."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.is_alive = self.is_ready = True
        self.port = free_port(())
        self.server = health.serve(self.port, self.metrics, alive=lambda: self.is_alive, ready=lambda: self.is_ready)

    def get(self, path: str) -> tuple[int, str, str]:
        """Status, content type, body."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers["Content-Type"], error.read().decode()


@pytest.fixture
def probed() -> Iterator[Probed]:
    """Ends with the test."""
    one = Probed()
    yield one
    one.server.shutdown()
    one.server.server_close()


def test_health_and_readiness_are_two_questions(probed: Probed) -> None:
    """An orchestrator restarts what is not alive, and sends no work to what is not ready."""
    assert (probed.get("/healthz")[0], probed.get("/readyz")[0]) == (200, 200)
    probed.is_ready = False
    assert (probed.get("/healthz")[0], probed.get("/readyz")[0]) == (200, 503)
    probed.is_alive = False
    assert (probed.get("/healthz")[0], probed.get("/readyz")[0]) == (503, 503)


def test_another_path_is_told_the_paths_that_there_are(probed: Probed) -> None:
    """With 404."""
    status, _, body = probed.get("/")
    assert status == 404
    assert body == "/metrics, /healthz, /readyz\n"


def test_the_metrics_are_prometheuss_and_have_every_count(probed: Probed) -> None:
    """Names, labels and the cumulative histogram, by Prometheus's own parser."""
    metrics = probed.metrics
    metrics.entries = 7
    metrics.alerts.update({"EMAIL": 3, "SMS": 1})
    metrics.dead["bad-bytes"] = 2
    metrics.skipped["no-amount"] = 4
    metrics.lag = {("accountentry", 0): 5, ("accountentry", 1): 0}
    metrics.fresh.extend([1, 3, 3, 100_000])
    metrics.drain_latencies()
    probed.is_ready = False
    status, kind, body = probed.get("/metrics")
    assert status == 200
    assert kind.startswith("text/plain; version=")
    samples = {
        (one.name, *sorted(one.labels.values())): one.value
        for family in text_string_to_metric_families(body)
        for one in family.samples
    }
    assert samples["kafkalert_entries_total",] == 7
    assert samples["kafkalert_alerts_total", "EMAIL"] == 3
    assert samples["kafkalert_alerts_total", "SMS"] == 1
    assert samples["kafkalert_dead_letters_total", "bad-bytes"] == 2
    assert samples["kafkalert_skipped_settings_total", "no-amount"] == 4
    assert samples["kafkalert_lag", "0", "accountentry"] == 5
    assert samples["kafkalert_lag", "1", "accountentry"] == 0
    assert samples["kafkalert_ready",] == 0
    assert samples["kafkalert_latency_seconds_bucket", "0.001"] == 1
    assert samples["kafkalert_latency_seconds_bucket", "0.005"] == 3
    assert samples["kafkalert_latency_seconds_bucket", "60.0"] == 3
    assert samples["kafkalert_latency_seconds_bucket", "+Inf"] == 4
    assert samples["kafkalert_latency_seconds_count",] == 4
    assert samples["kafkalert_latency_seconds_sum",] == 100.007


def test_a_port_in_use_is_said(probed: Probed) -> None:
    """Wrong usage, with what to do."""
    with pytest.raises(UsageError, match=f"Port {probed.port} cannot be served: Address already in use") as raised:
        health.serve(probed.port, Metrics(), alive=bool, ready=bool)
    assert "--http-port" in raised.value.hint
