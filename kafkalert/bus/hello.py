"""The first word of Kafka's protocol: which requests a broker takes, and which features its cluster has in force.

The request ApiVersions (KIP-35, KIP-511; features by KIP-584) is answered before anybody signs in, and changes nothing.
No client library tells what is in the answer.
"""

import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_API_VERSIONS: Final = 18
_VERSION: Final = 3
_CORRELATION: Final = 0x6B61
_SUPPORTED: Final = 0
_FINALISED: Final = 2
"""Tags of what this one broker could have, and of what its cluster has in force."""
_MOST_BYTES: Final = 1 << 20
_MORE: Final = 0x80
CONSUMER_GROUP: Final = 68
"""ConsumerGroupHeartbeat, by which brokers have the group protocol of KIP-848."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a broker answers.

    Attributes:
        requests: the newest version of each request that it takes, by number.
        features: the levels of the features that its cluster has in force.
        could: the highest levels that this broker could have.
    """

    requests: Mapping[int, int] = field(default_factory=dict)
    features: Mapping[str, int] = field(default_factory=dict)
    could: Mapping[str, int] = field(default_factory=dict)


def ask(connection: socket.socket) -> Spoken:
    """Ask the broker at the other end. Raises OSError where it does not answer, ValueError for what is no Kafka."""
    connection.sendall(request())
    (size,) = struct.unpack(">i", _read(connection, 4))
    if not 0 < size <= _MOST_BYTES:
        raise ValueError("no Kafka")
    return parse(_read(connection, size))


def request() -> bytes:
    """Return the request, with its size before it."""
    own = b"kafkalert"
    head = struct.pack(">hhih", _API_VERSIONS, _VERSION, _CORRELATION, len(own)) + own + b"\0"
    body = bytes([len(own) + 1]) + own + bytes([2]) + b"1" + b"\0"
    return struct.pack(">i", len(head + body)) + head + body


def parse(answer: bytes) -> Spoken:
    """Return what an answer tells. Raises ValueError where it is none.

    A broker that does not know this version of the request says so in the form of version 0, and tells no features.
    """
    try:
        correlation, error = struct.unpack_from(">ih", answer)
        if correlation != _CORRELATION:
            raise ValueError("no Kafka")
        return Spoken() if error else _body(_Bytes(answer[6:]))
    except (struct.error, IndexError, UnicodeDecodeError) as cause:
        raise ValueError("no Kafka") from cause


def _body(answer: "_Bytes") -> Spoken:
    requests: dict[int, int] = {}
    for _ in range(answer.varint() - 1):
        key, _, newest = answer.numbers(">hhh")
        requests[key] = newest
        answer.tags()
    answer.numbers(">i")  # how long this client would be held back
    tags = answer.tags()
    return Spoken(requests, _levels(tags.get(_FINALISED)), _levels(tags.get(_SUPPORTED), newest=1))


def _levels(content: bytes | None, *, newest: int = 0) -> dict[str, int]:
    """Return features by name, with the level that stands at `newest` of the numbers that follow it."""
    levels: dict[str, int] = {}
    features = _Bytes(content or b"\x01")
    for _ in range(features.varint() - 1):
        name = features.take(features.varint() - 1).decode("ascii")
        levels[name] = features.numbers(">hh")[newest]
        features.tags()
    return levels


class _Bytes:
    """An answer, read from its begin."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def take(self, count: int) -> bytes:
        found = self._content[self._at : self._at + count]
        if count < 0 or len(found) < count:
            raise IndexError(count)
        self._at += count
        return found

    def numbers(self, form: str) -> tuple[int, ...]:
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def varint(self) -> int:
        value = shift = 0
        while (byte := self.take(1)[0]) & _MORE:
            value |= (byte & ~_MORE) << shift
            shift += 7
        return value | byte << shift

    def tags(self) -> dict[int, bytes]:
        """Return the tagged fields that stand here (KIP-482)."""
        found = {}
        for _ in range(self.varint()):
            tag = self.varint()
            found[tag] = self.take(self.varint())
        return found


def _read(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        piece = connection.recv(count - len(found))
        if not piece:
            raise ConnectionResetError("closed")
        found += piece
    return found
