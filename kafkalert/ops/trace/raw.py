"""Records as they lie on a cluster, and what their headers say of entry and alert."""

from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import Message

from kafkalert.bus.records.marks import ORIGIN_HEADER, record_id
from kafkalert.bus.records.partitions import Partition
from kafkalert.errors import DecodingError
from kafkalert.model.ids import EntryId
from kafkalert.stages.entry import ENTRY, ID, identify

HASHED: Final = 32
"""Hex digits of an id that is made of the record itself."""


@dataclass(frozen=True, slots=True)
class Raw:
    """A record on a cluster. `name` is the topic's own (docs/topics.md), `timestamp` its CreateTime in ms.

    `mark` is equal for a record and its copies; `native`: written to this cluster itself, not carried there.
    """

    cluster: str
    name: str
    topic: str
    partition: int
    offset: int
    timestamp: int
    mark: bytes
    native: bool
    message: Message = field(compare=False, repr=False)

    @property
    def where(self) -> Partition:
        """Topic and partition."""
        return self.topic, self.partition

    @property
    def headers(self) -> dict[str, Any]:
        """The headers; of a name that is there several times the last one."""
        return headers_of(self.message)

    def text(self, name: str) -> str:
        """Return a header as text, empty without one."""
        return (self.headers.get(name) or b"").decode(errors="backslashreplace")


def raw(cluster: str, name: str, message: Message) -> Raw:
    """Return a message of `cluster`, of the topic that is called `name` in docs/topics.md."""
    native = not any(header.startswith(ORIGIN_HEADER) for header in headers_of(message))
    return Raw(
        cluster,
        name,
        str(message.topic()),
        int(message.partition() or 0),
        int(message.offset() or 0),
        int(message.timestamp()[1]),
        record_id(message),
        native,
        message,
    )


def headers_of(message: Message) -> dict[str, Any]:
    """Return a message's headers; of a name that is there several times the last one."""
    listed: Any = message.headers() or ()
    return dict(listed)


def booking_id(message: Message, id_key: bytes) -> EntryId | None:
    """Return the id that alerting knows the entry of an accountentry record by; None where it can have none."""
    try:
        return identify(message, headers_of(message), id_key, (ID,))
    except DecodingError:
        return None


def names_booking(message: Message, wanted: str, id_key: bytes) -> bool:
    """Whether an accountentry record is the entry of this id."""
    own = _last(message, ID)
    if own:
        return own == wanted.encode()
    return len(wanted) == HASHED and booking_id(message, id_key) == wanted


def entry_named(message: Message) -> bytes | None:
    """Return the id of the entry that a record says it came from."""
    return _last(message, ENTRY)


def names_itself(message: Message, wanted: bytes) -> bool:
    """Whether a record's own id is this one."""
    return _last(message, ID) == wanted


def _last(message: Message, name: str) -> bytes | None:
    found = None
    listed: Any = message.headers() or ()
    for header, value in listed:
        if header == name:
            found = value
    return found
