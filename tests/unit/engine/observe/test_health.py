"""What a stage says of itself over HTTP."""

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kafkalert.engine.observe import health
from kafkalert.engine.observe.listening import MOST
from kafkalert.engine.observe.metrics import Metrics
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
    metrics.before_switch = 6
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
    assert samples["kafkalert_skipped_by_switch_total",] == 6
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


def test_slow_connections_keep_nobody_from_asking(probed: Probed) -> None:
    """Each new one takes the place of the oldest, which is ended."""
    slow = [socket.create_connection(("127.0.0.1", probed.port), timeout=10) for _ in range(3 * MOST)]
    for one in slow:
        with suppress(ConnectionError):  # the oldest may have been ended by now
            one.sendall(b"GET /healthz HTTP/1.1\r\nHost: x")  # and no more
    assert probed.get("/healthz")[0] == 200
    with suppress(ConnectionError):  # a reset where something came after its end
        assert slow[0].recv(1) == b""
    assert len(probed.server._open) <= MOST
    for one in slow:
        one.close()
    assert probed.get("/readyz")[0] == 200


def test_it_is_served_where_it_is_said_and_nowhere_else(probed: Probed) -> None:
    assert probed.server.server_address[0] == "127.0.0.1"
    server = health.serve(0, Metrics(), alive=bool, ready=bool, host="::1")
    assert server.server_address[0] == "::1"
    server.shutdown()
    server.server_close()
    with pytest.raises(UsageError, match=r"cannot be served: .* \(203\.0\.113\.1\)"):
        health.serve(0, Metrics(), alive=bool, ready=bool, host="203.0.113.1")


def test_a_request_that_never_ends_is_ended(probed: Probed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though a byte comes now and then."""
    monkeypatch.setattr("kafkalert.engine.observe.listening.REQUEST_SECONDS", 0.1)
    with socket.create_connection(("127.0.0.1", probed.port), timeout=30) as slow:
        slow.sendall(b"G")
        assert slow.recv(1) == b""
