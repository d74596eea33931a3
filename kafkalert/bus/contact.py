"""Contact with one address of a cluster, step by step: its name, a connection, TLS, and a first answer.

librdkafka tells why a connection failed; how far it came, which certificate was shown, and which version of Kafka
answers, it does not.
"""

import socket
import ssl
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from typing import Any, Final

from kafkalert.bus.hello import Spoken, ask
from kafkalert.bus.trust import trusting
from kafkalert.config.sections import Cluster

_MOST_ADDRESSES: Final = 3
_LEAST_SECONDS: Final = 0.05


class Step(StrEnum):
    """What comes of a contact, one after the other."""

    NAME = "name"
    CONNECTION = "connection"
    TLS = "tls"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Contact:
    """How far it came.

    Attributes:
        at: host and port.
        failed: the step that failed; None where the other end speaks Kafka.
        said: why, in words for the end of a sentence; empty where nothing came in time.
        certificate: what the other end showed, as DER; empty where it showed none, or needs none.
        mistrust: why that is not trusted.
        spoken: what it answered.
    """

    at: str
    failed: Step | None
    said: str = ""
    certificate: bytes = b""
    mistrust: str = ""
    spoken: Spoken | None = None


def addresses(cluster: Cluster) -> list[str]:
    """Return the addresses of `bootstrap`."""
    return [one.strip().rpartition("://")[2] for one in cluster.bootstrap.split(",") if one.strip()]


def uses_tls(cluster: Cluster) -> bool:
    """Whether its connections are encrypted."""
    given = cluster.kafka.get("security.protocol")
    return given is not None and given.get_secret_value().lower() in {"ssl", "sasl_ssl"}


def contact(cluster: Cluster, at: str, seconds: float) -> Contact:
    """Speak with the address `at` of a cluster, for `seconds`. A name server that hangs may take longer."""
    give_up = monotonic() + seconds
    host, _, port = at.rpartition(":")
    host = host.strip("[]")
    try:
        places = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    except (OSError, ValueError, OverflowError) as error:  # UnicodeError, for a name that no name server takes
        return Contact(at, Step.NAME, _words(error))
    said = ""
    for place in places[:_MOST_ADDRESSES]:
        try:
            connection = _connected(place, give_up)
        except OSError as error:
            said = said or _words(error)
        else:
            with connection:
                return _spoken(cluster, at, host, connection, give_up)
    return Contact(at, Step.CONNECTION, said)


def shown(at: str, context: ssl.SSLContext, seconds: float) -> Contact:
    """Look at the certificate of a server that is no broker, by what `context` trusts, for `seconds`."""
    host, _, port = at.rpartition(":")
    host = host.strip("[]")
    try:
        with (
            socket.create_connection((host, int(port)), timeout=seconds) as connection,
            context.wrap_socket(connection, server_hostname=host) as encrypted,
        ):
            return Contact(at, None, "", encrypted.getpeercert(binary_form=True) or b"")
    except ssl.SSLCertVerificationError as error:
        return Contact(at, Step.TLS, "", b"", str(error.verify_message).rstrip("."))
    except (OSError, ValueError) as error:
        return Contact(at, Step.TLS, _words(error))


def _connected(place: tuple[socket.AddressFamily, socket.SocketKind, int, str, Any], give_up: float) -> socket.socket:
    family, kind, protocol, _, where = place
    connection = socket.socket(family, kind, protocol)
    try:
        connection.settimeout(_left(give_up))
        connection.connect(where)
    except BaseException:
        connection.close()
        raise
    return connection


def _spoken(cluster: Cluster, at: str, host: str, connection: socket.socket, give_up: float) -> Contact:
    """Go on from a connection."""
    certificate, why = b"", ""
    if uses_tls(cluster):
        try:
            context = _lenient(cluster)
            connection.settimeout(_left(give_up))
            connection = context.wrap_socket(connection, server_hostname=host)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            return Contact(at, Step.TLS, _words(error))
        certificate = connection.getpeercert(binary_form=True) or b""
        why = _mistrust(cluster, at, host, give_up)
    try:
        with connection:
            connection.settimeout(_left(give_up))
            spoken = ask(connection)
    except (OSError, ValueError) as error:
        return Contact(at, Step.ANSWER, _words(error), certificate, why)
    return Contact(at, None, "", certificate, why, spoken)


def _lenient(cluster: Cluster) -> ssl.SSLContext:
    """Return what shows our own certificate, and takes any: it is to be looked at, and nothing secret is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    own = _given(cluster, "ssl.certificate.location")
    if own:
        password = _given(cluster, "ssl.key.password") or ""
        context.load_cert_chain(own, _given(cluster, "ssl.key.location") or None, password=lambda: password)
    return context


def _mistrust(cluster: Cluster, at: str, host: str, give_up: float) -> str:
    """Why the certificate at an address is not trusted; empty where it is, and where the configuration does not ask."""
    if (_given(cluster, "enable.ssl.certificate.verification") or "true").lower() == "false":
        return ""
    try:
        context = trusting(_given(cluster, "ssl.ca.location"), _given(cluster, "ssl.ca.pem"))
        context.check_hostname = (_given(cluster, "ssl.endpoint.identification.algorithm") or "https").lower() != "none"
        with socket.create_connection((host, int(at.rpartition(":")[2])), timeout=_left(give_up)) as connection:
            connection.settimeout(_left(give_up))
            context.wrap_socket(connection, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        return str(error.verify_message).rstrip(".")
    except (OSError, ValueError):  # of what else fails the other connection tells
        pass
    return ""


def _given(cluster: Cluster, name: str) -> str | None:
    secret = cluster.kafka.get(name)
    return None if secret is None else secret.get_secret_value()


def _left(give_up: float) -> float:
    return max(_LEAST_SECONDS, give_up - monotonic())


def _words(error: Exception) -> str:
    """Return what went wrong for the end of a sentence; nothing for silence."""
    if isinstance(error, TimeoutError):
        return ""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no TLS").replace("_", " ").lower()
    if isinstance(error, OSError):
        return (error.strerror or str(error)).rstrip(".").lower()
    return "what answers there does not speak Kafka's protocol" if str(error) == "no Kafka" else "no such name"
