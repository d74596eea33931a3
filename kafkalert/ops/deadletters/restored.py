"""The record that was put away, as it was: it is judged, and written again where it came from."""

from dataclasses import dataclass
from typing import Any

from confluent_kafka import Message

from kafkalert.bus.records.marks import REPLAYED_HEADER
from kafkalert.engine.deadletter import own_headers
from kafkalert.ops.deadletters.letter import Letter

_CREATE_TIME = 1


@dataclass(frozen=True, slots=True)
class Restored:
    """A record without its place. `timestamp` in ms; 0 where nobody knows it."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, Any], ...]
    timestamp: int

    def replayed(self, number: int) -> list[tuple[str, Any]]:
        """Return the headers with which it is written for the `number`th time."""
        return [*self.headers, (REPLAYED_HEADER, str(number))]

    def message(self, letter: Letter) -> Message:
        """Return what the stage would be given."""
        return Message(
            topic=self.topic,
            partition=letter.from_partition or 0,
            offset=letter.from_offset or 0,
            key=self.key,
            value=self.value,
            headers=self.replayed(1),
            timestamp=(_CREATE_TIME, self.timestamp),
        )


def restored(letter: Letter, message: Message) -> Restored:
    """Return the record of `letter`, of which `message` is the record in the dead letter topic.

    Its own id and time stay: an entry without an id has one that is made of key, value and time.
    """
    headers = tuple(one for one in own_headers(message) if one[0] != REPLAYED_HEADER)
    return Restored(letter.topic, _bytes(message.key()), _bytes(message.value()), headers, letter.record_time or 0)


def _bytes(part: bytes | str | None) -> bytes | None:
    return part.encode() if isinstance(part, str) else part
