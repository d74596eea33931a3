"""What a stage takes from an entry's record: the movement, its id, and what travels on."""

from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Message

from kafkalert.errors import DecodingError
from kafkalert.model.ids import EntryId, entry_id
from kafkalert.model.records import CREDIT, DEBIT
from kafkalert.rules.rule import Movement, movement
from kafkalert.serde.codec import Codec

ID: Final = "ka-id"
ENTRY: Final = "ka-entry"
BALANCE: Final = "ka-balance"
TRACE: Final = "traceparent"
ID_BYTES: Final = 1024
"""Longest id of an entry: it travels in the headers of each of its alerts."""
_UNKNOWN: Final = b"unknown"


@dataclass(frozen=True, slots=True)
class Entry:
    """A decoded booking. `passed_on` are the headers that its outputs carry too."""

    id: EntryId
    account: str
    currency: str
    movement: Movement
    passed_on: list[tuple[str, Any]]


def read(codec: Codec, message: Message, id_headers: tuple[str, ...] = (ID,)) -> Entry:
    """The entry in `message`; its id is in the first of `id_headers` that is there. Raises DecodingError."""
    datum = codec.decode("AccountEntry", message.value())
    indicator = datum["bookingCreditDebitIndicator"]
    if indicator not in {CREDIT, DEBIT}:
        raise DecodingError("bad-indicator", "bookingCreditDebitIndicator is neither CRDT nor DBIT.")
    headers: dict[str, Any] = dict(message.headers() or ())
    balance = None if headers.get(BALANCE) == _UNKNOWN else datum["BalanceAfterBookingNumeric"]
    return Entry(
        identify(message, headers, id_headers),
        datum["accountId"],
        datum["accountCurrency"],
        movement(datum["bookingAmountNumeric"], balance, credit=indicator == CREDIT),
        [(name, value) for name in (TRACE, BALANCE) if (value := headers.get(name)) and len(value) <= ID_BYTES],
    )


def identify(message: Message, headers: dict[str, Any], id_headers: tuple[str, ...]) -> EntryId:
    """The id that the record carries, or the one made from it. Raises DecodingError."""
    for name in id_headers:
        raw = headers.get(name)
        if raw:
            if len(raw) > ID_BYTES:
                raise DecodingError("bad-id", f"The header {name} has more than {ID_BYTES} bytes.")
            try:
                return EntryId(raw.decode())
            except UnicodeDecodeError as error:
                raise DecodingError("bad-id", f"The header {name} is no UTF-8.") from error
    return entry_id(message.key(), message.value(), message.timestamp()[1])
