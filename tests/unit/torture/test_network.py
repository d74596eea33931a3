"""What the fault driver cuts: links by a proxy, and the listeners that lead clients to them."""

import socket
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from kafkalert.sandbox.ports import HOST, free_port
from torture.network import listening
from torture.proxy import Proxy

SECONDS = 10


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy that ends with the test."""
    with closing(Proxy()) as one:
        yield one


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """Somebody who listens."""
    with socket.create_server((HOST, 0)) as one:
        one.settimeout(SECONDS)
        yield one


def connected(port: int, server: socket.socket) -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection through a link."""
    client = socket.create_connection((HOST, port), SECONDS)
    return client, server.accept()[0]


def test_an_open_link_carries_both_ways(proxy: Proxy, server: socket.socket) -> None:
    """The end of one side is the end of the other."""
    link = proxy.link(free_port(()), server.getsockname()[1])
    client, there = connected(link.port, server)
    with client, there:
        client.sendall(b"to")
        assert there.recv(9) == b"to"
        there.sendall(b"back")
        assert client.recv(9) == b"back"
        there.close()
        assert client.recv(9) == b""


def test_a_cut_link_resets_and_refuses(proxy: Proxy, server: socket.socket) -> None:
    """Until it is open again, on the same port."""
    link = proxy.link(free_port(()), server.getsockname()[1])
    client, there = connected(link.port, server)
    with client, there:
        proxy.do(link.cut())
        with pytest.raises(ConnectionResetError):
            client.recv(9)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, link.port), SECONDS)
    proxy.do(link.open())
    client, there = connected(link.port, server)
    with client, there:
        client.sendall(b"again")
        assert there.recv(9) == b"again"


def test_a_link_that_hangs_takes_and_carries_nothing(proxy: Proxy, server: socket.socket) -> None:
    """What was sent meanwhile comes once it is open again."""
    link = proxy.link(free_port(()), server.getsockname()[1])
    client, there = connected(link.port, server)
    with client, there:
        proxy.do(link.hang())
        client.sendall(b"late")
        there.settimeout(0.2)
        with pytest.raises(TimeoutError):
            there.recv(9)
        there.settimeout(SECONDS)
        proxy.do(link.open())
        assert there.recv(9) == b"late"


def test_a_link_to_nobody_resets(proxy: Proxy) -> None:
    """Its connections end at once, whether a client is still connecting or waits to read."""
    link = proxy.link(free_port(()), free_port(()))
    found = b""
    with suppress(ConnectionResetError), socket.create_connection((HOST, link.port), SECONDS) as client:
        found = client.recv(9)
    assert found == b""


def test_a_broker_tells_each_kind_of_client_its_own_link() -> None:
    told = listening("node.id=1\nlisteners=PLAINTEXT://h:1\nadvertised.listeners=PLAINTEXT://h:1\n", {"second": (2, 3)})
    assert told.splitlines()[:3] == [
        "node.id=1",
        f"listeners=PLAINTEXT://h:1,SECOND://{HOST}:2",
        f"advertised.listeners=PLAINTEXT://h:1,SECOND://{HOST}:3",
    ]
    assert "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECOND:PLAINTEXT" in told
