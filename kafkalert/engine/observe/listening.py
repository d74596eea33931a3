"""An HTTP server that slow or many connections cannot keep from answering."""

import logging
import socket
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Lock
from time import monotonic
from typing import Any, Final

_LOG = logging.getLogger(__name__)
MOST: Final = 32
"""Connections at a time; for one more the oldest has to go: a probe is answered in milliseconds, and never is that."""
REQUEST_SECONDS: Final = 10.0
"""How long one may take, whatever it sends meanwhile."""
SILENT_SECONDS: Final = 5.0


class Handler(BaseHTTPRequestHandler):
    """Of one connection; answers one request."""

    timeout = SILENT_SECONDS

    def log_message(self, *_: object) -> None:
        """Probes are no news."""


class Listener(ThreadingHTTPServer):
    """Listens on `host` and `port`. Raises OSError where that cannot be."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 4 * MOST  # five by default: of a burst the others would try again, seconds later

    def __init__(self, host: str, port: int, handler: type[Handler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._lock = Lock()
        self._open: dict[socket.socket, float] = {}
        super().__init__((host, port), handler)

    def server_bind(self) -> None:
        """As the base class, which also asks the name service for this machine's name, and may wait for it."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the base class has it
        """Take a connection, and end the oldest where there are too many."""
        with self._lock:
            old = list(self._open)[: max(0, len(self._open) - MOST + 1)]
            for connection in old:  # at once: its own thread may come to that later
                del self._open[connection]
            self._open[request] = monotonic()
        for connection in old:
            _end(connection)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as above
        """Forget a connection that is over."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End what takes too long; called twice a second."""
        now = monotonic()
        with self._lock:
            late = [connection for connection, since in self._open.items() if now - since > REQUEST_SECONDS]
        for connection in late:
            _end(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002 - as above
        """Ignore a connection that broke or was ended; the base class would print a traceback."""
        _LOG.debug("http: a connection ended without an answer")


def _end(connection: socket.socket) -> None:
    """Its thread, which waits for it, is told by the end of the stream."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
