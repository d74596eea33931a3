"""Why a cluster does not answer, and what mends it: names, connections, TLS, credentials."""

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException

from kafkalert.bus.connecting import Failure
from kafkalert.config.sections import Cluster

Mistrust = Callable[[Cluster, str], str]
"""Tells why the certificate of a server is not trusted; empty where that is not told."""
_CLOSED: Final = ("Disconnected", "Receive failed")
_CLIENT_CERTIFICATE: Final = ("alert bad certificate", "alert certificate", "alert unknown ca", "handshake failure")
_NO_TLS: Final = ("PLAINTEXT broker listener", "wrong version number", "packet length too long")


class About(StrEnum):
    """What a cause is about."""

    ADDRESS = "address"
    TLS = "tls"
    LOGIN = "login"
    SILENCE = "silence"


class Cause(NamedTuple):
    """What is told of a cluster that does not answer, what mends it, and what it is about."""

    sentence: str
    hint: str
    about: About

    @property
    def known(self) -> bool:
        """Whether there is more to tell than silence."""
        return self.about is not About.SILENCE


def explain(cluster: Cluster, failures: Sequence[Failure], mistrust: Mistrust = lambda *_: "") -> Cause:
    """Return the first of `failures` that tells more than that nobody is there."""
    for failure in failures:
        cause = _name(cluster, failure) or _tls(cluster, failure, mistrust) or _login(cluster, failure)
        if cause is not None:
            return cause
    refused = next((f": {_reason(failure.said)}" for failure in failures if failure.state == "CONNECT"), "")
    return Cause(
        f"Cluster {cluster.name} ({cluster.bootstrap}) does not answer{refused}.",
        f"Start it, or correct [clusters.{cluster.name}] bootstrap; `kafkalert sandbox up` starts a local one.",
        About.SILENCE,
    )


def _name(cluster: Cluster, failure: Failure) -> Cause | None:
    """Return a name that is not known, or an address that a broker gives of itself and where it is not."""
    if failure.state not in {"CONNECT", "TRY_CONNECT"}:
        return None
    if failure.broker:
        return Cause(
            f"Cluster {cluster.name} ({cluster.bootstrap}) answers, but its broker {failure.broker} cannot be reached "
            f"at {failure.at}, the address that it advertises: {_reason(failure.said)}.",
            "Correct advertised.listeners of that broker, or have its name and port reached from here.",
            About.ADDRESS,
        )
    if "resolve" in failure.said:
        return Cause(
            f"The name of cluster {cluster.name} ({failure.at}) is not known here: {_reason(failure.said)}.",
            f"Correct [clusters.{cluster.name}] bootstrap, or this machine's name service.",
            About.ADDRESS,
        )
    return None


def _tls(cluster: Cluster, failure: Failure, mistrust: Mistrust) -> Cause | None:
    where, section = f"Cluster {cluster.name} ({failure.at})", f"[clusters.{cluster.name}.kafka]"
    # A listener without TLS takes the first word of it for a length, and closes; which of the two is seen is chance.
    closed = failure.state == "SSL_HANDSHAKE" and "closed by peer" in failure.said
    if closed or any(text in failure.said for text in _NO_TLS):
        return Cause(
            f"{where} speaks no TLS at this port, but security.protocol is {protocol(cluster)}.",
            f"Give the port of a TLS listener, or correct security.protocol of {section}.",
            About.TLS,
        )
    if "certificate verify failed" in failure.said:
        why = mistrust(cluster, failure.at)
        what = f"{where} is not trusted: its certificate is not verified"
        return Cause(f"{what} ({why})." if why else f"{what}.", trust_hint(why, section), About.TLS)
    if any(text in failure.said for text in _CLIENT_CERTIFICATE):
        return Cause(
            f"{where} does not take this client's certificate, or lacks one: {_reason(failure.said)}.",
            f"Check ssl.certificate.location and ssl.key.location of {section}.",
            About.TLS,
        )
    if failure.state == "SSL_HANDSHAKE" and "timed out" not in failure.said:
        what = f"TLS with cluster {cluster.name} ({failure.at}) fails: {_reason(failure.said)}."
        return Cause(what, f"Check {section}.", About.TLS)
    return None


def _login(cluster: Cluster, failure: Failure) -> Cause | None:
    """Credentials that are refused, or a listener that wants some, or others."""
    where, section = f"Cluster {cluster.name} ({failure.at})", f"[clusters.{cluster.name}.kafka]"
    if failure.state.startswith("AUTH"):
        return Cause(
            f"{where} refuses this client's credentials: {_reason(failure.said)}.",
            f"Check sasl.mechanism, sasl.username and sasl.password of {section}.",
            About.LOGIN,
        )
    if failure.state in {"APIVERSION_QUERY", "UP"} and failure.said.startswith(_CLOSED):
        return Cause(
            f"{where} closes the connection at the first request: that listener wants another security.protocol than "
            f"{protocol(cluster)}, it seems.",
            f"Set security.protocol of {section} to the listener's: SSL, SASL_SSL, SASL_PLAINTEXT or PLAINTEXT.",
            About.LOGIN,
        )
    return None


def protocol(cluster: Cluster) -> str:
    """Return the security.protocol that the configuration gives."""
    given = cluster.kafka.get("security.protocol")
    return "PLAINTEXT" if given is None else given.get_secret_value().upper()


def _reason(said: str) -> str:
    """Return what was said, without the library's own talk around it."""
    said = re.sub(r"^(Connect to \S+ failed|SASL authentication error|SSL handshake failed|Receive failed): ", "", said)
    return re.sub(r"error:[0-9A-F]+:[^:]*:[^:]*:", "", said).rstrip(".")


def trust_hint(why: str, section: str) -> str:
    """Return what mends that a broker's certificate is not trusted, for this reason."""
    if "expired" in why:
        return "Have the broker's certificate renewed, or correct this machine's clock."
    if "ostname" in why or "IP address" in why:
        return "Give bootstrap by a name that the certificate has, or have the certificate name this one."
    return f"Set ssl.ca.location of {section} to the authority that signed the broker's certificate."


def said(error: Exception) -> str:
    """Return an error as a sentence; librdkafka's own hold more than people read."""
    if isinstance(error, KafkaException) and error.args and isinstance(error.args[0], KafkaError):
        return f"{error.args[0].str()}."
    return str(error)
