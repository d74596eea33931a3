"""Answers of a Connect worker, whatever stands there instead of one."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from kafkalert.bus.connect import rest

ASKED = rest.Request("GET", "/", None, {})


class Worker(HTTPServer):
    """Answers all with `content`."""

    content = b""


class Answer(BaseHTTPRequestHandler):
    """One answer."""

    server: Worker

    def do_GET(self) -> None:
        """The server's content."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *_: object) -> None:
        """Nothing is said."""


@pytest.fixture
def worker() -> Iterator[Worker]:
    """Ends with the test."""
    with Worker(("127.0.0.1", 0), Answer) as one:
        Thread(target=one.serve_forever, daemon=True).start()
        yield one
        one.shutdown()


@pytest.mark.parametrize("content", [b"[" * 200_000, b"<html>", b'"' + bytes(rest.MOST_BYTES) + b'"'])
def test_an_answer_without_end_is_none(worker: Worker, content: bytes) -> None:
    """However deep or large it is, whoever asked hears of it in the way that he expects."""
    worker.content = content
    with pytest.raises(ValueError):  # noqa: PT011 - as `call` says
        rest.call(f"http://127.0.0.1:{worker.server_address[1]}", None, ASKED, 30)
    worker.content = b'{"a": 1}'
    assert rest.call(f"http://127.0.0.1:{worker.server_address[1]}", None, ASKED, 30)[:2] == (200, {"a": 1})
