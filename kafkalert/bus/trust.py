"""Which certificates of servers are trusted, and what is shown of our own.

Trusted is what the Kafka client and Java trust, on every Python.
"""

import ssl
from typing import Final

from kafkalert.config.sections import Cluster
from kafkalert.errors import ConfigError

_STRICTER: Final = ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
"""What Python asks of certificates from 3.13 on, and the others do not: many an authority has no key usage."""


def trusting(file: str | None, text: str | None = None) -> ssl.SSLContext:
    """For connections to servers whose authority is in a PEM file or text, the system's where neither is given.

    Raises OSError and ValueError where that holds no certificates.
    """
    context = ssl.create_default_context(cafile=file, cadata=text)
    context.verify_flags &= ~_STRICTER
    return context


def of_workers(cluster: Cluster) -> ssl.SSLContext:
    """For connections to the Connect workers beside `cluster`. Raises ConfigError where its files cannot be read."""
    try:
        context = trusting(None if cluster.connect_ca is None else str(cluster.connect_ca))
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ConfigError(
            f"{cluster.connect_ca} holds no certificates that can be read.",
            hint=f"Correct connect_ca of [clusters.{cluster.name}].",
        ) from error
    if cluster.connect_certificate is not None:
        try:
            context.load_cert_chain(cluster.connect_certificate, cluster.connect_key, password=_unasked)
        except (OSError, ValueError) as error:
            key = cluster.connect_key or cluster.connect_certificate
            raise ConfigError(
                f"{cluster.connect_certificate} and {key} hold no certificate and key that can be read.",
                hint=f"Both in PEM, the key without a password: connect_certificate and connect_key of "
                f"[clusters.{cluster.name}].",
            ) from error
    return context


def _unasked() -> str:
    """In place of a question on the terminal for a key's password."""
    raise ValueError("the key has a password")
