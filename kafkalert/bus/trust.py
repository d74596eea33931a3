"""Which certificates of servers are trusted: the same as the Kafka client and Java trust, on every Python."""

import ssl
from typing import Final

_STRICTER: Final = ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
"""What Python asks of certificates from 3.13 on, and the others do not: many an authority has no key usage."""


def trusting(file: str | None, text: str | None = None) -> ssl.SSLContext:
    """For connections to servers whose authority is in a PEM file or text, the system's where neither is given.

    Raises OSError and ValueError where that holds no certificates.
    """
    context = ssl.create_default_context(cafile=file, cadata=text)
    context.verify_flags &= ~_STRICTER
    return context
