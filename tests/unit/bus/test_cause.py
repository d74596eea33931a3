"""Why a cluster does not answer: what librdkafka's log says becomes a sentence, and a hint that mends it."""

import gc
import socket
import ssl
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from pydantic import SecretStr

from kafkalert.bus import clients
from kafkalert.bus.cause import explain
from kafkalert.bus.connecting import Failure, failures, mistrust, parse
from kafkalert.config.sections import Cluster
from tests.support.certificates import Authority

DC1 = Cluster(name="dc1", bootstrap="kafka.bank:9092")
TLS = DC1.model_copy(update={"kafka": {"security.protocol": SecretStr("sasl_ssl")}})
LINE = "FAIL [rdkafka#producer-1] [thrd:x]: {} (after 2ms in state {})"
AT = "sasl_ssl://kafka.bank:9092/bootstrap: "
VERIFY = "SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker certificate could not be"


def heard(said: str, state: str) -> list[Failure]:
    """What the log says of one connection."""
    found = parse(LINE.format(said, state))
    assert found is not None
    return [found]


@pytest.mark.parametrize(
    ("said", "state", "words", "hint"),
    [
        ("kafka.bank:9092/bootstrap: Connect to ipv4#10.0.0.1:9092 failed: Connection refused", "CONNECT", "does not answer: Connection refused", "Start it"),  # noqa: E501 - as the library says it
        ("kafka.bank:9092/bootstrap: Failed to resolve 'kafka.bank:9092': Name or service not known", "CONNECT", "name of cluster dc1 (kafka.bank:9092) is not known", "name service"),  # noqa: E501
        ("b7.internal:9092/7: Failed to resolve 'b7.internal:9092': Name or service not known", "CONNECT", "its broker 7 cannot be reached at b7.internal:9092, the address that it advertises: Failed to resolve", "advertised.listeners"),  # noqa: E501
        ("b7.internal:9092/7: Connect to ipv4#10.0.0.1:9092 failed: Connection refused", "CONNECT", "broker 7 cannot be reached at b7.internal:9092", "advertised.listeners"),  # noqa: E501
        (f"{AT}SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener?", "SSL_HANDSHAKE", "speaks no TLS at this port, but security.protocol is SASL_SSL", "security.protocol"),  # noqa: E501
        (f"{AT}Disconnected: SSL connection closed by peer", "SSL_HANDSHAKE", "speaks no TLS at this port, but security.protocol is SASL_SSL", "security.protocol"),  # noqa: E501
        (f"{AT}{VERIFY}", "SSL_HANDSHAKE", "is not trusted: its certificate is not verified", "ssl.ca.location"),
        (f"{AT}Receive failed: error:0A000412:SSL routines::ssl/tls alert bad certificate: SSL alert number 42", "APIVERSION_QUERY", "does not take this client's certificate, or lacks one: ssl/tls alert bad certificate", "ssl.certificate.location"),  # noqa: E501
        (f"{AT}SASL authentication error: Authentication failed during authentication due to invalid credentials", "AUTH_REQ", "refuses this client's credentials: Authentication failed", "sasl.password"),  # noqa: E501
        (f"{AT}SASL PLAIN mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's supported mechanisms: SCRAM-SHA-512", "AUTH_HANDSHAKE", "supported mechanisms: SCRAM-SHA-512", "sasl.mechanism"),  # noqa: E501
        (f"{AT}Disconnected: connection closed by peer: receive 0 after POLLIN", "APIVERSION_QUERY", "closes the connection at the first request", "security.protocol"),  # noqa: E501
    ],
)  # fmt: skip
def test_the_first_line_says_the_cause_and_the_hint_mends_it(said: str, state: str, words: str, hint: str) -> None:
    cause = explain(TLS, heard(said, state))
    assert words in cause.sentence
    assert hint in cause.hint
    assert "\n" not in cause.sentence
    assert cause.sentence.endswith(".")


def test_a_broker_that_is_down_does_not_hide_what_another_one_says() -> None:
    down = heard("a:1/bootstrap: Connect to ipv4#10.0.0.1:1 failed: Connection refused", "CONNECT")
    refused = heard(f"{AT}SASL authentication error: no", "AUTH_REQ")
    assert "credentials" in explain(TLS, [*down, *refused]).sentence


def test_silence_has_no_cause() -> None:
    assert explain(DC1, []).sentence == "Cluster dc1 (kafka.bank:9092) does not answer."


def test_other_lines_of_the_log_are_no_failures() -> None:
    assert parse("REQTMOUT [rdkafka#producer-1] [thrd:a:1/1]: a:1/1: Timed out") is None


@contextmanager
def listening(wrap: Callable[[socket.socket], object]) -> Iterator[int]:
    """A server that gives each connection to `wrap`; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                try:
                    wrap(connection)
                except OSError:
                    pass
                finally:
                    connection.close()

        Thread(target=serve, daemon=True).start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("names", "days", "trusted", "words", "hint"),
    [
        ("IP:127.0.0.1", 30, False, "unable to get local issuer", "ssl.ca.location"),
        ("IP:127.0.0.1", -1, True, "certificate has expired", "renewed"),
        ("DNS:elsewhere", 30, True, "IP address mismatch", "name that the certificate has"),
    ],
)
def test_why_a_certificate_is_not_trusted(
    tmp_path: Path, names: str, days: int, *, trusted: bool, words: str, hint: str
) -> None:
    """By the client library and a handshake of our own: another authority, a certificate that expired, another name."""
    authority = Authority(tmp_path / "ca")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("broker", names=names, days=days))
    known = authority.file if trusted else Authority(tmp_path / "other").file
    kafka = {"security.protocol": "ssl", "ssl.ca.location": str(known)}

    def handshake(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True).close()

    with listening(handshake) as port:
        given = {name: SecretStr(value) for name, value in kafka.items()}
        cluster = Cluster(name="dc1", bootstrap=f"127.0.0.1:{port}", kafka=given)
        assert words in mistrust(cluster, cluster.bootstrap)
        error = clients.silent(cluster)
    assert f"is not trusted: its certificate is not verified ({words}" in str(error)
    assert hint in error.hint


def test_a_name_that_nobody_knows_is_the_cause() -> None:
    """From the library's own log, with no broker at all."""
    error = clients.silent(Cluster(name="dc1", bootstrap="nowhere.invalid:9092"))
    assert "The name of cluster dc1 (nowhere.invalid:9092) is not known here" in str(error)


def test_a_stage_that_waits_says_why() -> None:
    """From the errors that its heartbeats' producer is told of; mere silence has no cause."""
    refused = KafkaError(KafkaError._AUTHENTICATION, f"{AT}SASL authentication error: no (after 3ms in state AUTH_REQ)")
    assert "refuses this client's credentials: no" in clients.cause(TLS, refused)
    assert clients.cause(TLS, KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down")) == ""


def test_a_cluster_that_names_no_broker_is_asked_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was frozen for a moment names none until its broker is back in; the library takes no empty list."""

    class Nobody(AdminClient):
        def list_topics(self, *_: object, **__: object) -> SimpleNamespace:  # type: ignore[override]
            return SimpleNamespace(brokers={})

    monkeypatch.setattr("kafkalert.bus.connecting.AdminClient", Nobody)
    assert {one.at for one in failures({"bootstrap.servers": "127.0.0.1:1"})} <= {"127.0.0.1:1"}


def test_an_error_that_is_explained_is_forgotten() -> None:
    """A screen that is open for days asks a dead cluster again and again, with new clients: none may stay behind."""
    cluster = Cluster(name="dc1", bootstrap="127.0.0.1:1")

    class Held:
        """What the frames of an error hold."""

    def asked() -> "weakref.ref[Held]":
        held = Held()
        try:
            clients.admin(cluster).list_topics(timeout=0.05)
        except KafkaException:
            assert "dc1" in str(clients.silent(cluster))
        return weakref.ref(held)

    left = asked()
    gc.collect()
    assert left() is None
