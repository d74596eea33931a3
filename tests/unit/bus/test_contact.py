"""How far a contact with an address comes: name, connection, TLS, answer; each fails by itself."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from pydantic import SecretStr

from kafkalert.bus.certificate import expiry
from kafkalert.bus.contact import Step, addresses, contact, shown
from kafkalert.bus.trust import trusting
from kafkalert.config.sections import Cluster
from tests.support.certificates import Authority

SECONDS = 5.0


@contextmanager
def listening(serve: Callable[[socket.socket], object]) -> Iterator[str]:
    """A server that gives each connection to `serve`; its address."""
    kept = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                kept.append(connection)
                try:
                    serve(connection)
                except OSError:
                    connection.close()

        Thread(target=run, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    for one in kept:
        one.close()


def plain(at: str) -> Cluster:
    """A cluster without TLS."""
    return Cluster(name="dc1", bootstrap=at)


def encrypted(at: str, authority: Authority, **more: str) -> Cluster:
    """One with TLS."""
    given = {"security.protocol": "ssl", "ssl.ca.location": str(authority.file), **more}
    return Cluster(name="dc1", bootstrap=at, kafka={name: SecretStr(value) for name, value in given.items()})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs what brokers show."""
    return Authority(tmp_path_factory.mktemp("authority"))


def showing(pem: Path) -> Callable[[socket.socket], object]:
    """Serves TLS with this certificate, and says nothing more."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return lambda connection: context.wrap_socket(connection, server_side=True).close()


def test_a_name_that_nobody_knows() -> None:
    found = contact(plain("broker.invalid:9092"), "broker.invalid:9092", SECONDS)
    assert (found.failed, bool(found.said)) == (Step.NAME, True)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        at = f"127.0.0.1:{server.getsockname()[1]}"
    found = contact(plain(at), at, SECONDS)
    assert (found.failed, found.said) == (Step.CONNECTION, "connection refused")


def test_somebody_who_says_nothing() -> None:
    with listening(lambda _: None) as at:
        found = contact(plain(at), at, 0.3)
    assert (found.failed, found.said) == (Step.ANSWER, "")


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\x00\x00\x06abcdef"])
def test_somebody_who_speaks_something_else(said: bytes) -> None:
    with listening(lambda connection: connection.sendall(said)) as at:
        found = contact(plain(at), at, SECONDS)
    assert (found.failed, found.said) == (Step.ANSWER, "what answers there does not speak Kafka's protocol")


def test_tls_where_there_is_none(authority: Authority) -> None:
    with listening(lambda connection: connection.sendall(b"\x00\x00\x00\x06abcdef")) as at:
        found = contact(encrypted(at, authority), at, SECONDS)
    assert found.failed is Step.TLS


@pytest.mark.parametrize(
    ("days", "names", "mistrust"),
    [
        (20, "IP:127.0.0.1", ""),
        (-1, "IP:127.0.0.1", "certificate has expired"),
        (20, "DNS:elsewhere.bank", "IP address mismatch"),
    ],
)
def test_a_certificate_is_seen_also_where_it_is_not_trusted(
    authority: Authority, days: int, names: str, mistrust: str
) -> None:
    """With its end, and why it is not."""
    pem = authority.issue("seen", names=names, days=days)
    with listening(showing(pem)) as at:
        found = contact(encrypted(at, authority), at, SECONDS)
        worker = shown(at, trusting(str(authority.file)), SECONDS)
    end = expiry(found.certificate)
    assert end is not None
    assert abs(end - datetime.now(UTC) - timedelta(days=days)) < timedelta(minutes=10)
    assert (found.failed, mistrust in found.mistrust, bool(found.mistrust)) == (Step.ANSWER, True, bool(mistrust))
    assert mistrust in worker.mistrust
    assert bool(worker.certificate) == (not mistrust)


def test_what_the_configuration_does_not_ask_is_not_held_against_a_broker(authority: Authority) -> None:
    """There is a property of librdkafka for each."""
    pem = authority.issue("lenient", names="DNS:elsewhere.bank")
    lenient = {"ssl.endpoint.identification.algorithm": "none"}, {"enable.ssl.certificate.verification": "false"}
    with listening(showing(pem)) as at:
        assert [contact(encrypted(at, authority, **one), at, SECONDS).mistrust for one in lenient] == ["", ""]


def test_bytes_that_are_no_certificate_have_no_end() -> None:
    assert [expiry(one) for one in (b"", b"\x30\x03\x02\x01\x01", b"\x30\x82")] == [None] * 3


def test_addresses_are_those_of_bootstrap() -> None:
    assert addresses(plain("a:1, PLAINTEXT://[::1]:2")) == ["a:1", "[::1]:2"]
