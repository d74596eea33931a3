"""What stands in the control log: one event of a switch from one cluster to the other, as JSON."""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from kafkalert.errors import DecodingError

Step = Literal["PREPARE", "COMMIT", "ABORT"]
Mode = Literal["planned", "forced"]
Key = tuple[int, str, str]
"""What makes two records the same event, wherever they stand: epoch, id, event."""

_Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
_Id = Annotated[str, Meta(min_length=1, max_length=128)]
_Epoch = Annotated[int, Meta(ge=1, le=2**53 - 1)]  # as far as every reader of JSON counts exactly
_Words = Annotated[str, Meta(max_length=1000)]
LONGEST_BYTES: Final = 2**20
"""Of an event. Every instance keeps the whole log, and a broker takes no more unless it is told to."""
DEEPEST: Final = 20
"""How many brackets of an event may be open at once. With hundreds it can be read, but not compared or written."""


class Event(msgspec.Struct, frozen=True, rename={"source": "from", "target": "to"}):
    """One step of a switch. What has the same `key` is the same event, copied.

    Attributes:
        epoch: number of the switch, from 1. Epoch 0 is the home cluster, before any switch.
        id: of the attempt; its PREPARE and its outcome share it.
        event: PREPARE, COMMIT or ABORT. A forced switch is one COMMIT.
        mode: planned or forced.
        source: cluster that is left; "from" in JSON.
        target: cluster that is gone to; "to" in JSON.
        by: who did it: user@host, or an instance.
        at: when, by the writer's clock, in ms since the epoch, UTC. For people; nothing is decided by it.
        reason: why, in words.
        detail: of PREPARE `timeoutSeconds`; of COMMIT `groups`, `ends`, `seconds`, `lost`; of an ABORT of an
            attempt that nobody began, so of nothing, `reconciled` and `complete`: what `failover reconcile` carried.
    """

    epoch: _Epoch
    id: _Id
    event: Step
    mode: Mode
    source: _Name
    target: _Name
    by: _Words
    at: int
    reason: _Words = ""
    detail: dict[str, Any] = {}  # msgspec gives every event one of its own

    @property
    def key(self) -> Key:
        """By it copies are known."""
        return self.epoch, self.id, self.event


_SQUARE: Final = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS: Final = bytes({*range(256)} - {*b"[]{}"})
_DECODER = msgspec.json.Decoder(Event)
_ENCODER = msgspec.json.Encoder()


def encode(event: Event) -> bytes:
    """Return the record's value. Raises DecodingError for an event that no reader would take."""
    try:
        value = _ENCODER.encode(event)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise DecodingError("bad-event", "A control event cannot be written as JSON.") from error
    decode(value)
    return value


def decode(value: bytes) -> Event:
    """Return the event that `value` holds; fields that are not known here are passed over.

    Raises DecodingError, code "bad-event", for everything that is none, whatever wrote it.
    """
    if len(value) > LONGEST_BYTES:
        raise DecodingError("bad-event", f"A control event has {len(value):,} bytes, more than {LONGEST_BYTES:,}.")
    try:
        event = _DECODER.decode(value)
    except msgspec.ValidationError as error:  # names the field and its type, no value
        raise DecodingError("bad-event", f"A control event is wrong: {error}.") from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise DecodingError("bad-event", "A control event is no JSON.") from error
    if _is_deep(value):
        raise DecodingError("bad-event", f"A control event is nested more than {DEEPEST} deep.")
    if event.source == event.target:
        raise DecodingError("bad-event", "A control event goes from a cluster to itself.")
    if event.mode == "forced" and event.event != "COMMIT":
        raise DecodingError("bad-event", f"A control event is a forced {event.event}.")
    return event


def _is_deep(value: bytes) -> bool:
    """Whether more than DEEPEST brackets of what is JSON are open at once, also in fields that are not known here."""
    bare = value.replace(b"\\\\", b"").replace(b'\\"', b"")  # of quotes only those around strings are left
    brackets = b"".join(bare.split(b'"')[::2]).translate(_SQUARE, _NO_BRACKETS)
    for _ in range(DEEPEST):
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)
