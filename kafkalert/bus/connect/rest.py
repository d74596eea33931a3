"""JSON over HTTP within a bound, whatever hangs: name server, connection, or an answer that never ends."""

import http.client
import json
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

MOST_BYTES: Final = 16 * 2**20
"""Of an answer: a worker tells a few kilobytes a connector."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; `body` is sent as JSON, None as nothing."""

    method: str
    path: str
    body: object
    headers: Mapping[str, str]


def why(error: Exception) -> str:
    """Return what stood in the way, for the end of a sentence; never what was sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f": its certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return ": it does not speak https"
    if isinstance(error, http.client.HTTPException | ValueError):
        return " as a Connect worker does"
    return ""


class Answer(NamedTuple):
    """What a server said: its HTTP status, what it sent (None if nothing), and its own time as its header has it."""

    status: int
    content: Any
    date: str


def call(url: str, tls: ssl.SSLContext | None, request: Request, seconds: float) -> Answer:
    """Ask one server.

    On a thread that is left behind if it hangs: looking up a name has no time-out. Raises OSError,
    http.client.HTTPException or ValueError if there was no answer within `seconds`, or none in JSON.
    """
    result: list[Answer | Exception] = []

    def ask() -> None:
        try:
            result.append(_call(url, tls, request, seconds))
        except Exception as error:  # noqa: BLE001 - raised on the caller's thread
            result.append(error)

    thread = threading.Thread(target=ask, name="connect", daemon=True)
    thread.start()
    thread.join(seconds)
    if not result:
        raise TimeoutError
    (found,) = result
    if isinstance(found, Exception):
        raise found
    return found


def _call(url: str, tls: ssl.SSLContext | None, request: Request, seconds: float) -> Answer:
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=seconds, context=tls)
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
    try:
        text = None if request.body is None else json.dumps(request.body)
        connection.request(request.method, parts.path.rstrip("/") + request.path, text, dict(request.headers))
        with connection.getresponse() as answer:
            content = answer.read(MOST_BYTES + 1)
            date = answer.getheader("Date", "")
        if len(content) > MOST_BYTES:
            raise ValueError("an answer without end")
        if answer.status >= HTTPStatus.BAD_REQUEST:
            return Answer(answer.status, _said(content), date)
        return Answer(answer.status, _decoded(content) if content else None, date)
    finally:
        connection.close()


def _said(content: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Return the answer of a worker that refused; a proxy before it may say something else than JSON."""
    try:
        return _decoded(content)
    except ValueError:
        return None


def _decoded(content: bytes) -> Any:  # noqa: ANN401 - as above
    """Raise ValueError for what is no JSON, or nested without end."""
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ValueError("nested without end") from error
