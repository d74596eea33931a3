"""What a stage takes from the headers of an entry's record: its id, and what travels on."""

from typing import Any, Final, NamedTuple

from confluent_kafka import Message

from kafkalert.errors import DecodingError
from kafkalert.model.ids import EntryId, entry_id

ID: Final = "ka-id"
ENTRY: Final = "ka-entry"
BALANCE: Final = "ka-balance"
TRACE: Final = "traceparent"
ID_BYTES: Final = 1024
"""Longest id of an entry: it travels in the headers of each of its alerts."""
_PASSED_ON: Final = (TRACE, BALANCE)
_UNKNOWN: Final = b"unknown"


class Carried(NamedTuple):
    """What an entry's headers say: its id, what its outputs carry too, and whether its balance is not known."""

    id: EntryId
    passed_on: list[tuple[str, Any]]
    balance_unknown: bool = False


def carried(message: Message, id_key: bytes, id_headers: tuple[str, ...] = (ID,)) -> Carried:
    """Return what the headers of an entry's record say; its id is in the first of `id_headers` that is there.

    Without one it is made, by `id_key`. Raises DecodingError.
    """
    listed: Any = message.headers() or ()
    headers: dict[str, Any] = dict(listed)
    own = identify(message, headers, id_key, id_headers)
    if len(headers) == 1 and id_headers[0] in headers:  # its id alone, as nearly always
        return Carried(own, [], False)
    return Carried(own, passed_on(headers), headers.get(BALANCE) == _UNKNOWN)


def passed_on(headers: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the headers of an entry that its outputs carry too."""
    return [(name, value) for name in _PASSED_ON if (value := headers.get(name)) and len(value) <= ID_BYTES]


def identify(message: Message, headers: dict[str, Any], id_key: bytes, id_headers: tuple[str, ...]) -> EntryId:
    """Return the id that the record carries, or the one made from it. Raises DecodingError."""
    for name in id_headers:
        raw = headers.get(name)
        if raw:
            if len(raw) > ID_BYTES:
                raise DecodingError("bad-id", f"The header {name} has more than {ID_BYTES} bytes.")
            try:
                return EntryId(raw.decode())
            except UnicodeDecodeError as error:
                raise DecodingError("bad-id", f"The header {name} is no UTF-8.") from error
    return entry_id(id_key, message.key(), message.value(), message.timestamp()[1])
