"""Keys: a record of one string, whose text is the row's logical id."""

from typing import Final

from kafkalert.serde.codec import Codec
from kafkalert.serde.framing import SINGLE_OBJECT_BYTES, single_object
from kafkalert.serde.wire import text_bytes

FIELD: Final = {
    "AccountId": "id",
    "CustomerId": "id",
    "EmailAddress": "emailAddress",
    "PhoneNumber": "phoneNumber",
}
"""The one field of each key schema."""

_ONE_BYTE = 0x80


class KeyReader:
    """Reads the logical ids of keys of one schema; quick for the keys that all are in practice."""

    def __init__(self, codec: Codec, name: str) -> None:
        self._codec = codec
        self._name = name
        self._prefix = single_object(name)

    def logical(self, key: bytes | None) -> bytes:
        """Return the id in the key, as UTF-8. Raises DecodingError."""
        if key is not None and key[:SINGLE_OBJECT_BYTES] == self._prefix and len(key) > SINGLE_OBJECT_BYTES:
            # Avro writes the length as a zigzag varint: one even byte up to 63 characters.
            size = key[SINGLE_OBJECT_BYTES]
            body = key[SINGLE_OBJECT_BYTES + 1 :]
            if size < _ONE_BYTE and size == 2 * len(body) and body.isascii():
                return body
        text: str = self._codec.decode(self._name, key)[FIELD[self._name]]
        return text.encode()


def encode_key(codec: Codec, name: str, text: str) -> bytes:
    """Return the key record `name` that holds `text`.

    Raises ValueError for what is no Unicode, and as `Framing.prefix`.
    """
    try:
        return codec.framing.prefix(name) + text_bytes(text)  # a record is its fields, one after the other
    except UnicodeEncodeError:
        raise ValueError(f"The text of the {name} is no Unicode.") from None
