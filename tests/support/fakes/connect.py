"""A Connect worker whose answers about states are late, as those of one that has not read its status topic yet."""

import http.client
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import monotonic


@contextmanager
def late(url: str, seconds: float) -> Iterator[str]:
    """A URL in front of that of a worker, which tells for `seconds` how connectors were when it was asked first."""
    until = monotonic() + seconds
    told: dict[str, tuple[int, bytes]] = {}

    class Late(BaseHTTPRequestHandler):
        def answer(self) -> None:
            status, body = told.get(self.path, (0, b"")) if monotonic() < until else (0, b"")
            if not status:
                status, body = self.ask()
                if self.path.endswith("/status"):
                    told[self.path] = status, body
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def ask(self) -> tuple[int, bytes]:
            sent = self.rfile.read(int(self.headers["Content-Length"] or 0))
            with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)) as worker:
                worker.request(self.command, self.path, sent, {"Content-Type": "application/json"})
                with worker.getresponse() as found:
                    return found.status, found.read()

        do_GET = do_PUT = do_POST = answer  # noqa: N815 - the names are the library's

        def log_message(self, *_: object) -> None:  # nothing is logged
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Late) as serving:
        Thread(target=serving.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
