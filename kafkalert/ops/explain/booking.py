"""A booking as alerting reads it."""

from dataclasses import dataclass

from confluent_kafka import Message

from kafkalert.config.sections import Settings
from kafkalert.model.ids import EntryId
from kafkalert.model.personal import AccountId
from kafkalert.rules.rule import Movement, movement
from kafkalert.serde.booking import BookingReader
from kafkalert.serde.codec import Codec
from kafkalert.serde.keys import KeyReader
from kafkalert.serde.wire import bytes_text
from kafkalert.stages.entry import carried
from kafkalert.tables.kinds import checked_id


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules need of an entry: its id, account and currency, and how the money moved."""

    entry: EntryId
    account: AccountId
    currency: str
    moved: Movement


def facts(settings: Settings, codec: Codec, message: Message) -> Facts:
    """Return what an accountentry record says. Raises DecodingError where alerting would put it away."""
    account = checked_id(KeyReader(codec, "AccountId"), message.key())
    currency, amount, balance, credit = BookingReader(codec).read(message.value(), bytes_text(account))
    entry = carried(message, settings.alerts.id_key.get_secret_value())
    moved = movement(amount, None if entry.balance_unknown else balance, credit)
    return Facts(entry.id, AccountId(account.decode()), currency.decode(), moved)
