"""What lies on the topics of a pipeline, as tests compare it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from kafkalert.serde.codec import Codec

OUTBOUND = ("outboundemailmessage", "outboundsmsmessage", "outboundcustomerpushmessage")
ENTRIES, BY_CUSTOMER = "accountentry", "customeraccountentry"
AUTHORISATIONS, SETTINGS = "accounttocustomerids", "customeralertsettings"
DEAD, STATUS = "kafkalert.deadletter", "kafkalert.status"
CODEC = Codec()

Place = tuple[str, int]


class Output(NamedTuple):
    """An outbound record; `what` is all of it but its time."""

    place: Place
    offset: int
    key: bytes
    id: str
    entry: str
    account: str
    what: tuple[Any, ...]


def output(message: Message) -> Output:
    headers: dict[str, Any] = dict(message.headers() or ())
    value = CODEC.decode("OutboundMessage", message.value())
    params = value["params"]
    key = message.key() or b""
    what = (message.topic(), key, headers["ka-entry"], value["messageType"], tuple(sorted(params.items())))
    return Output(
        (str(message.topic()), int(message.partition() or 0)),
        int(message.offset() or 0),
        key,
        headers["ka-id"].decode(),
        headers["ka-entry"].decode(),
        params["alert_settings_account_number"],
        what,
    )


def ends(client: Consumer, places: Sequence[Place]) -> dict[Place, int]:
    """The offsets after the last records. Raises KafkaException; it may be asked again."""
    try:
        return {one: client.get_watermark_offsets(TopicPartition(*one), timeout=5)[1] for one in places}
    except KafkaException:
        client.list_topics(timeout=5)  # others may lead them by now, which a client that is asked for ends alone misses
        raise
