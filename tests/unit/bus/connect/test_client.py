"""Whatever answers in a worker's place, or does not, ends within the bound and is a sentence.

What real workers answer is in tests/integration/test_mirror.py.
"""

import base64
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic

import pytest
from pydantic import SecretStr

from kafkalert.bus.connect.client import Connect, WorkerError
from kafkalert.config.sections import Cluster
from kafkalert.errors import ConfigError, ExitCode, UnreachableError

SECRET = "me:geheim"  # noqa: S105 - a password to look for in messages


def connect(url: str, *, seconds: float = 5, **more: object) -> Connect:
    return Connect(Cluster(name="dc2", bootstrap="b:2", connect=url, **more), seconds=seconds)  # type: ignore[arg-type]  # sections


@contextmanager
def server(answers: Callable[[str], tuple[int, bytes]]) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """An HTTP server: its URL, and the path and credentials of each request."""
    asked: list[tuple[str, str | None]] = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            status, body = answers(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:  # nothing is logged
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as serving:
        threading.Thread(target=serving.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}", asked
        serving.shutdown()


@contextmanager
def hung() -> Iterator[str]:
    """Something that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def trickling() -> Iterator[str]:
    """Something that sends a byte now and then, so that no single read takes long."""
    ended = threading.Event()

    def serve(listening: socket.socket) -> None:
        taken, _ = listening.accept()
        with taken:
            taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not ended.wait(0.05):
                taken.sendall(b"[")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        ended.set()
        thread.join(5)


def refusing() -> str:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("silent", [hung, trickling])
def test_silence_ends_within_the_bound(silent: Callable[[], AbstractContextManager[str]]) -> None:
    """Also where single bytes keep each read short."""
    with silent() as url:
        begin = monotonic()
        with pytest.raises(UnreachableError, match="beside dc2") as raised:
            connect(url, seconds=0.3).connectors()
        assert monotonic() - begin < 2
    assert raised.value.exit_code is ExitCode.UNREACHABLE


def test_a_hung_or_dead_worker_leaves_the_next_one_its_time() -> None:
    """One Connect cluster: whichever of its workers answers will do."""
    with server(lambda _: (200, b'["m"]')) as (alive, _), hung() as silent:
        assert connect(f"{refusing()},{silent},{alive}", seconds=1).connectors() == ("m",)
        with pytest.raises(UnreachableError, match=r"workers .* do not answer"):
            connect(f"{refusing()},{silent}", seconds=0.3).connectors()


@pytest.mark.parametrize("body", [b"<html>", b"[", b'"x"', b"3", b"{}", b"null", b""])
def test_what_is_no_connect_worker_is_a_sentence(body: bytes) -> None:
    """A proxy, another service: never a traceback."""
    with server(lambda _: (200, body)) as (url, _):
        for ask in (connect(url).status, connect(url).offsets):
            with pytest.raises((UnreachableError, WorkerError), match="Connect worker"):
                ask("m") or pytest.fail("no answer")


@pytest.mark.parametrize("count", [b"1e999", b"-1e999", b"NaN", b"1.5", b"9" * 400, b"9223372036854775808", b'"x"'])
def test_what_kafka_cannot_count_is_no_answer_of_a_worker(count: bytes) -> None:
    """In place of an offset, of a partition and of a task's number."""
    offset = b'{"partition": {"topic": "t", "partition": %s}, "offset": {"offset": %s}}'
    told = [b'{"offsets": [%s]}' % (offset % one) for one in ((b"0", count), (count, b"0"))]
    with server(lambda path: (200, told[int(path.split("/")[2])])) as (url, _):
        for name in "01":
            with pytest.raises(WorkerError, match="no Connect worker"):
                connect(url).offsets(name)
    task = b'{"connector": {"state": "RUNNING"}, "tasks": [{"id": %s, "state": "RUNNING"}]}' % count
    with server(lambda _: (200, task)) as (url, _), pytest.raises(WorkerError, match="no Connect worker"):
        connect(url).status("m")
    with server(lambda _: (200, offset % (b"0", b"7"))) as (url, _), pytest.raises(WorkerError):
        connect(url).offsets("m")


def test_credentials_go_to_the_worker_and_into_no_message() -> None:
    def answers(path: str) -> tuple[int, bytes]:
        return (401, b"<html>No</html>") if path == "/below/connectors" else (404, b'{"message": "none"}')

    with server(answers) as (url, asked):
        worker = connect(f"{url}/below/", connect_auth=SecretStr(SECRET))
        with pytest.raises(WorkerError, match="does not let this client in") as raised:
            worker.connectors()
        assert worker.status("a/b") is None
    credentials = f"Basic {base64.b64encode(SECRET.encode()).decode()}"
    assert asked == [("/below/connectors", credentials), ("/below/connectors/a%2Fb/status", credentials)]
    assert "connect_auth" in raised.value.hint
    assert "geheim" not in str(raised.value) + raised.value.hint


def test_a_worker_that_is_busy_is_asked_again() -> None:
    """409, and what workers say with status 500 while they agree among themselves; within the bound."""
    busy = [(409, b"{}"), (500, b'{"message": "Request cannot be completed because a rebalance is expected"}')]
    with server(lambda _: busy.pop() if busy else (200, b"[]")) as (url, asked):
        assert connect(url).connectors() == ()
        assert len(asked) == 3
    with server(lambda _: (409, b'{"message": "not now"}')) as (url, _), pytest.raises(WorkerError, match="not now"):
        connect(url, seconds=0.3).connectors()


def test_https_is_checked_and_an_unreadable_file_is_a_problem_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        connect("https://127.0.0.1:1", connect_ca=tmp_path / "ca.pem")
    with pytest.raises(ConfigError, match=r"client\.pem hold no certificate and key"):
        connect("https://127.0.0.1:1", connect_certificate=tmp_path / "client.pem")
    with server(lambda _: (200, b"[]")) as (url, _), pytest.raises(UnreachableError, match="does not speak https"):
        connect(url.replace("http:", "https:")).connectors()


def test_a_cluster_without_a_worker_is_a_problem_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="dc1 has no Connect worker") as raised:
        Connect(Cluster(name="dc1", bootstrap="a:1"))
    assert "[clusters.dc1]" in raised.value.hint
