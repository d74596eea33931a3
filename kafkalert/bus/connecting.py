"""What goes wrong in connecting to a cluster, asked of the client library afresh.

librdkafka tells the callers of its requests no more than "transport failure"; why stands in its log.
"""

import logging
import re
import socket
import ssl
from threading import Thread
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from kafkalert.bus.trust import trusting
from kafkalert.config.sections import Cluster

SECONDS: Final = 1.0
"""How long each of two questions is waited for."""
_BROKERS: Final = 3
"""Of a large cluster so many brokers are asked at most."""
TALKATIVE: Final = {"log_level": 6, "log.connection.close": True}
"""Properties of a client whose log tells of every connection that failed."""
_QUICK: Final = {**TALKATIVE, "socket.connection.setup.timeout.ms": 1000}
_LINE: Final = re.compile(r"(?:\w+://)?(?P<at>\S+:\d+)/(?P<broker>bootstrap|\d+): (?P<said>.*)", re.DOTALL)
_STATE: Final = re.compile(r" \(after \d+ms in state (?P<state>\w+)[^)]*\)$")


class Failure(NamedTuple):
    """A connection that failed: `at` host and port, `broker` its number, empty for bootstrap; `state` librdkafka's."""

    at: str
    broker: str
    state: str
    said: str


class ConnectionLog(logging.Handler):
    """Keeps the failed connections that librdkafka's log tells of: a client that is given `logger` and TALKATIVE.

    The client hands its log over where it is polled.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[Failure] = []
        self.logger = logging.Logger("kafkalert.connecting", logging.DEBUG)  # noqa: LOG001 - no part of what is shown
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the connection that a line tells of, if it does."""
        found = parse(record.getMessage())
        if found is not None:
            self.failures.append(found)


def parse(line: str) -> Failure | None:
    """Return the failed connection that a line of librdkafka's log tells of; None for another line."""
    found = _LINE.search(line) if line.startswith("FAIL ") else None
    if found is None:
        return None
    said = " ".join(found["said"].split())
    state = _STATE.search(said)
    broker = "" if found["broker"] == "bootstrap" else found["broker"]
    return Failure(found["at"], broker, state["state"] if state else "", _STATE.sub("", said))


def failures(properties: dict[str, Any]) -> list[Failure]:
    """Ask a cluster, then its brokers by their own addresses; what fails. Takes two seconds and a half at most.

    `properties` are those of the cluster's clients.
    """
    found: list[Failure] = []
    # On a thread of its own: what asks is mostly an error's handler, and the library keeps an error that is handled
    # while it fails for ever, with all that its frames hold. In a process of days that were hundreds of clients.
    asking = Thread(target=lambda: found.extend(_failures(properties)), name="why", daemon=True)
    asking.start()
    asking.join()
    return found


def _failures(properties: dict[str, Any]) -> list[Failure]:
    log = ConnectionLog()
    try:
        client = AdminClient({**properties, **_QUICK}, logger=log.logger)
    except KafkaException:
        return []
    try:
        brokers = sorted(client.list_topics(timeout=SECONDS).brokers)[:_BROKERS]
        asked = [ConfigResource(ResourceType.BROKER, str(broker)) for broker in brokers]
        # A cluster whose only broker was away for a moment names none; the library takes no empty question.
        answers = client.describe_configs(asked, request_timeout=SECONDS) if asked else {}
        for future in answers.values():
            future.exception(SECONDS + 0.5)
    except (KafkaException, TimeoutError):
        pass
    client.poll(0)  # hands the log over
    return log.failures


def mistrust(cluster: Cluster, at: str) -> str:
    """Why the certificate of the server `at` is not trusted, by a handshake of our own; empty where that is not told.

    librdkafka says only that it is not.
    """
    host, _, port = at.rpartition(":")
    host = host.strip("[]")
    given = {name: secret.get_secret_value() for name, secret in cluster.kafka.items()}
    try:
        context = trusting(given.get("ssl.ca.location"), given.get("ssl.ca.pem"))
        with socket.create_connection((host, int(port)), timeout=SECONDS) as connection:
            connection.settimeout(SECONDS)
            context.wrap_socket(connection, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        return str(error.verify_message).rstrip(".")
    except (OSError, ValueError):
        pass
    return ""
