"""What an operator names: an id, or the place of a record."""

import re
from dataclasses import dataclass
from typing import Final

from kafkalert.config import names
from kafkalert.config.pipeline import OUTBOUND
from kafkalert.config.sections import Settings
from kafkalert.errors import UsageError
from kafkalert.ops.offsets import LARGEST
from kafkalert.ops.tail.request import own_topics, topic_name
from kafkalert.stages.entry import ID_BYTES

SOURCES: Final = (names.ACCOUNTENTRY, names.CUSTOMERACCOUNTENTRY)
TRACED: Final = (*SOURCES, *OUTBOUND.values(), names.DEADLETTER)
"""The topics through which a booking passes."""
HINT: Final = "Name an id, as in the headers ka-id and ka-entry, or a place such as accountentry[3]@1234."

_PLACE: Final = re.compile(r"([A-Za-z0-9._-]{1,249})(?:\[([0-9]{1,9})\]|/([0-9]{1,9}))@([0-9]{1,19})", re.ASCII)


@dataclass(frozen=True, slots=True)
class At:
    """The place of a record: topic (as it is called here), partition, offset."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


def asked(settings: Settings, text: str) -> At | str:
    """Return the place that `text` names, else the id that it is.

    `TOPIC[P]@OFFSET` and `TOPIC/P@OFFSET` are places where TOPIC is one of this context. Raises UsageError.
    """
    found = _PLACE.fullmatch(text)
    if found is not None:
        topic = topic_name(settings, found[1])
        own = own_topics(settings).get(topic)
        if own in TRACED and int(found[4]) <= LARGEST:
            return At(topic, int(found[2] or found[3]), int(found[4]))
        if own is not None:
            raise UsageError(f"{found[1]} has neither bookings nor alerts.", hint=HINT)
    if not text.strip() or len(text.encode()) > ID_BYTES:
        raise UsageError(f"An id has 1 to {ID_BYTES:,} bytes.", hint=HINT)
    return text


def traced(settings: Settings) -> tuple[str, ...]:
    """Return the topics through which a booking passes in this context: with one hop there is no second to read."""
    one_hop = settings.engine.mode != "two-hop"
    return tuple(one for one in TRACED if not (one_hop and one == names.CUSTOMERACCOUNTENTRY))
