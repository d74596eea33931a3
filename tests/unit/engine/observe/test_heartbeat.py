"""The heartbeat's judgement of the cluster, without one: silence, refusals, patience."""

import json
import logging
from unittest.mock import Mock

import pytest
from confluent_kafka import KafkaError, KafkaException, Message

from kafkalert.config.sections import Cluster
from kafkalert.engine.observe.heartbeat import Heartbeat, Report, _Line
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.engine.stopping import Stopping
from kafkalert.errors import ConfigError, ExitCode, UnreachableError
from tests.support.fakes.engine import FakeClock, FakeMessage

TAKEN: Message = FakeMessage().real


class Watched:
    """A heartbeat that a test beats by hand."""

    def __init__(self, patience: float | None = None) -> None:
        self.clock = FakeClock()
        self.stopping = Stopping(self.clock)
        self.metrics = Metrics()
        self.report = Report("running", "dc1", 0)
        self.heartbeat = Heartbeat(
            "alerting",
            [Cluster(name=name, bootstrap=f"127.0.0.1:{port}") for name, port in (("dc1", 1), ("dc2", 2))],
            "kafkalert.status",
            metrics=self.metrics,
            report=lambda: self.report,
            patience=patience,
            clock=self.clock,
            stopping=self.stopping,
        )

    def silence(self, seconds: float) -> None:
        """The cluster does not answer for so long; the heartbeat looks ten times a second."""
        for _ in range(round(seconds * 10)):
            self.clock.pass_by(0.1)
            self.heartbeat._watch(self.report.cluster)

    @property
    def line(self) -> _Line:
        """The cluster in use at first."""
        return self.heartbeat.lines["dc1"]


def away(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.message for one in caplog.records if "has not answered" in one.message]


@pytest.fixture(autouse=True)
def _logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    # A command that ran in this process before may have turned propagation off.
    monkeypatch.setattr(logging.getLogger("kafkalert"), "propagate", True)
    caplog.set_level(logging.WARNING, "kafkalert")


def test_silence_is_said_within_three_seconds_and_every_ten(caplog: pytest.LogCaptureFixture) -> None:
    """And that it is over, once."""
    one = Watched()
    one.silence(2.4)
    assert away(caplog) == []
    one.silence(0.6)
    (said,) = away(caplog)
    assert said.startswith("cluster dc1 (127.0.0.1:1) has not answered for ")
    one.silence(30)
    assert len(away(caplog)) == 4
    one.line.delivered(None, TAKEN)
    one.line.delivered(None, TAKEN)
    assert [record.message for record in caplog.records].count("cluster dc1 answers again") == 1
    one.silence(2.4)
    assert len(away(caplog)) == 4
    assert not one.stopping


def test_patience_ends_the_stage_as_unreachable() -> None:
    """Counted from the last answer."""
    one = Watched(patience=5)
    one.silence(4.8)
    one.line.delivered(None, TAKEN)
    one.silence(4.8)
    assert not one.stopping
    one.silence(0.4)
    assert isinstance(one.stopping.reason, UnreachableError)
    assert one.stopping.reason.exit_code is ExitCode.UNREACHABLE


def test_a_refusal_is_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    """A status topic that may not be written is said, and the cluster is not called away; a timeout is no answer."""
    one = Watched(patience=5)
    one.silence(2.4)
    one.line.delivered(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), TAKEN)
    one.silence(2.4)
    assert away(caplog) == []
    assert "denies WRITE on topic" in caplog.text
    one.line.delivered(KafkaError(KafkaError._MSG_TIMED_OUT), TAKEN)
    one.silence(0.6)
    assert len(away(caplog)) == 1


def test_refused_credentials_end_a_stage_that_never_had_an_answer() -> None:
    """Later they are being renewed, and the stage goes on as soon as they are good."""
    refused = KafkaError(KafkaError._AUTHENTICATION)
    one = Watched()
    one.line.broke(KafkaError(KafkaError._TRANSPORT))
    assert not one.stopping
    one.line.broke(refused)
    assert isinstance(one.stopping.reason, ConfigError)
    assert "credentials" in str(one.stopping.reason)
    other = Watched()
    other.line.delivered(None, TAKEN)
    other.line.broke(refused)
    assert not other.stopping


def test_rates_and_latencies_are_those_since_the_last_beat() -> None:
    """Totals are since the start."""
    one = Watched()
    one.metrics.entries = 10
    one.metrics.lag = {("a", 1): 3, ("a", 0): 4}
    one.metrics.before_switch = 6
    one.metrics.fresh.extend([5, 7, 9])
    one.clock.pass_by(2)
    first = json.loads(one.heartbeat._beat(one.report, stopped=False))
    assert (first["lag"], first["lags"], first["skippedBySwitch"]) == (7, {"a/0": 4, "a/1": 3}, 6)
    assert (first["rates"]["entries"], first["totals"]["entries"], first["latencyMs"]) == (5, 10, {"p50": 7, "p99": 9})
    one.metrics.entries = 13
    one.clock.pass_by(1)
    second = json.loads(one.heartbeat._beat(one.report, stopped=True))
    assert (second["rates"]["entries"], second["totals"]["entries"]) == (3, 13)
    assert second["latencyMs"] == {"p50": None, "p99": None}
    assert (first["state"], second["state"]) == ("running", "stopped")


def test_patience_is_with_the_cluster_in_use(caplog: pytest.LogCaptureFixture) -> None:
    """It begins anew after a switch; the other cluster may be away for as long as it likes."""
    one = Watched(patience=5)
    one.silence(4)
    one.report = Report("running", "dc2", 1)
    one.silence(4)
    assert not one.stopping
    assert "cluster dc2 (127.0.0.1:2) has not answered for" in caplog.text
    one.heartbeat.lines["dc2"].delivered(None, TAKEN)
    one.silence(4)
    assert not one.stopping
    one.silence(2)
    assert isinstance(one.stopping.reason, UnreachableError)


def test_credentials_that_the_other_cluster_refuses_stop_nothing() -> None:
    """They may be mended before it comes into use."""
    one = Watched()
    one.heartbeat.lines["dc2"].broke(KafkaError(KafkaError._AUTHENTICATION))
    assert not one.stopping


def test_an_extra_beat_leaves_the_rates_alone() -> None:
    """Of a few milliseconds they would say nothing."""
    one = Watched()
    one.metrics.entries = 10
    one.clock.pass_by(1)
    assert json.loads(one.heartbeat._beat(one.report, stopped=False))["rates"]["entries"] == 10
    one.metrics.entries = 11
    one.clock.pass_by(0.01)
    extra = Report("prepared", "dc1", 0, "attempt", {("a/b", 1): 7})
    beat = json.loads(one.heartbeat._beat(extra, stopped=False))
    assert (beat["rates"]["entries"], beat["state"], beat["attempt"], beat["ends"]) == (
        10,
        "prepared",
        "attempt",
        {"a/b/1": 7},
    )
    one.clock.pass_by(0.99)
    assert json.loads(one.heartbeat._beat(one.report, stopped=False))["rates"]["entries"] == 1


def test_a_heartbeat_that_the_client_itself_refuses_is_an_answer(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As once the right on the topic was taken away: alerting goes on, also under --wait."""
    one = Watched(patience=5)
    refusal = KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))
    monkeypatch.setattr(one.line, "producer", Mock(**{"produce.side_effect": refusal}))
    for _ in range(4):
        one.silence(2.4)
        one.line.write("kafkalert.status", "a", b"{}")
    assert not one.stopping
    assert away(caplog) == []
    assert caplog.text.count("denies WRITE on topic kafkalert.status") == 1
