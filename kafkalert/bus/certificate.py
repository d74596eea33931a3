"""What a certificate says: its fields by RFC 5280, read from its bytes, also where nobody trusts it."""

from datetime import UTC, datetime
from typing import Final

_VERSION: Final = 0xA0
_LONG: Final = 0x80
_UTC_TIME: Final = 0x17
_PIVOT: Final = 50
"""RFC 5280, 4.1.2.5.1: a year of two digits from here on is one of the 1900s."""


def fields(der: bytes) -> list[tuple[int, bytes]]:
    """Return what is signed, from its serial number on: serial, signature, issuer, validity, subject, and more.

    Each as its tag and content. Raises IndexError or ValueError where the bytes are no certificate.
    """
    (_, certificate), *_ = parts(der)
    (_, signed), *_ = parts(certificate)
    found = parts(signed)
    return found[1:] if found[0][0] == _VERSION else found


def expiry(der: bytes) -> datetime | None:
    """Return when a certificate ends, None where the bytes do not tell it."""
    try:
        _, (tag, end) = parts(fields(der)[3][1])
        text = end.decode("ascii")
        if tag == _UTC_TIME:
            text = f"{'19' if int(text[:2]) >= _PIVOT else '20'}{text}"
        return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except (IndexError, ValueError):
        return None


def parts(der: bytes) -> list[tuple[int, bytes]]:
    """Return the tag and content of each value that stands in `der`, one after the other (X.690, definite lengths)."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(der):
        tag, size, start = der[at], der[at + 1], at + 2
        if size >= _LONG:
            start += size - _LONG
            size = int.from_bytes(der[at + 2 : start], "big")
        found.append((tag, der[start : start + size]))
        at = start + size
    return found
