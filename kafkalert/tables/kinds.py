"""What the two tables are: which topic fills which, how a record is checked, and which accounts a change touches."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Message

from kafkalert.errors import DecodingError
from kafkalert.serde.codec import Codec
from kafkalert.serde.keys import KeyReader
from kafkalert.serde.rows import RowReader
from kafkalert.tables.origins import origin
from kafkalert.tables.store import MAX_ID, Store

STAGE: Final = "tables"
"""As what the follower of the tables puts records away."""


def checked_id(reader: KeyReader, key: bytes | None) -> bytes:
    """Return the logical id of a key that can be a row's. Raises DecodingError with a code that begins with `key-`."""
    try:
        row = reader.logical(key)
    except DecodingError as error:
        raise DecodingError(f"key-{error.code}", f"Key: {error}") from error
    if not 0 < len(row) <= MAX_ID:
        raise DecodingError("key-length", f"Key: an id has 1 to {MAX_ID} bytes; this one has {len(row)}.")
    return row


@dataclass(frozen=True)
class _Followed:
    """A compacted topic, and the LMDB databases of its rows, and of where tombstones lay: no rows are of their keys."""

    topic: str
    rows: Any
    tombstones: Any
    codec: Codec
    keys: KeyReader
    read: RowReader


class Authorisations(_Followed):
    """accounttocustomerids: who may see an account."""

    def check(self, row: bytes, value: bytes) -> None:  # noqa: ARG002 - it does not name its account
        """Check that `value` can be a row. Raises DecodingError."""
        self.read.check_authorisation(value)

    def accounts(self, row: bytes, value: bytes) -> Iterable[bytes]:  # noqa: ARG002 - its own account, always
        """Return the account itself."""
        return (row,)


class CustomerSettings(_Followed):
    """customeralertsettings: what each customer asked for."""

    def check(self, row: bytes, value: bytes) -> None:
        """Check that `value` can be the row. Raises DecodingError."""
        if self.read.settings_customer(value) != row:
            raise DecodingError("wrong-key", "customerId is not the customer of the key.")

    def accounts(self, row: bytes, value: bytes) -> Iterable[bytes]:  # noqa: ARG002 - named in the value
        """Every account that the customer has settings for. Raises DecodingError."""
        datum = self.codec.decode("CustomerAlertSettings", value)
        named = (setting["account"]["id"].encode() for setting in datum["accountAlertSettings"])
        # An id that can be no row's is no account's that an entry could come for.
        return [account for account in named if 0 < len(account) <= MAX_ID]


Table = Authorisations | CustomerSettings
"""One compacted topic, as rows by logical id: `row` names one, `check` its value, `accounts` what rests on it."""


def change(table: Table, message: Message, rows: dict[bytes, bytes]) -> DecodingError | None:
    """Note in `rows` what a record changes; what is wrong with it, if anything is.

    A row is the record's origin, and its value behind it; the origin alone is a tombstone.

    A value that cannot be read takes the row out of force, as a tombstone does: the row before it is no longer what
    anybody asked for, and a machine that reads the compacted topic anew does not find it either.
    """
    try:
        row = checked_id(table.keys, message.key())
    except DecodingError as bad:
        return DecodingError(bad.code, f"{bad} Which row it is about is not known; no row is changed.")
    value, where = message.value(), origin(message)
    if value is None:
        rows[row] = where
        return None
    try:
        table.check(row, value)
    except DecodingError as bad:
        rows[row] = where
        return DecodingError(bad.code, f"{bad} The row of its key is out of force until it is written again.")
    rows[row] = where + value
    return None


def tables(
    store: Store, codec: Codec, *, authorisations: str, settings: str
) -> tuple[Authorisations, CustomerSettings]:
    """Both tables, for topics of these names."""
    read = RowReader(codec)
    return (
        Authorisations(
            authorisations,
            store.authorisations,
            store.authorisation_tombstones,
            codec,
            KeyReader(codec, "AccountId"),
            read,
        ),
        CustomerSettings(
            settings, store.settings, store.setting_tombstones, codec, KeyReader(codec, "CustomerId"), read
        ),
    )
