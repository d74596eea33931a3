"""What the records of kafkalert.deadletter say: letters that stages wrote, and what operators did with them.

The topic is deleted by age, so no letter can be taken out of it. Who replays or drops one writes a *note* behind it,
into its partition: so the note is never gone before the letter is. Both clusters hold letters at other offsets, so a
note names its letter by what was put away, and not by its place.
"""

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, Literal

from confluent_kafka import Message

from kafkalert.bus.records.marks import ID_HEADER, ORIGIN_HEADER, REPLAYED_HEADER
from kafkalert.config.stages import installed
from kafkalert.engine import deadletter as names
from kafkalert.engine.deadletter import own_headers
from kafkalert.model.ids import prefixed
from kafkalert.ops.masks import guard_header
from kafkalert.tables.kinds import STAGE as TABLES_STAGE

What = Literal["replayed", "dropped"]
WHATS: Final[tuple[What, ...]] = ("replayed", "dropped")
_DIGEST_BYTES: Final = 16
_DIGITS: Final = 18
"""Of a number that anybody may have written."""
_MOST_REPLAYS: Final = 6
"""Digits of how often a record was replayed."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A record that a stage put away, without its bytes. What is not known is None.

    Args:
        cluster: where the stage read the record.
        partition: the letter's own, on the cluster that is looked at; `offset` too.
        record: a digest of what was put away, equal on both clusters, and for all letters of one record of one stage.
        replays: how often the record had been replayed before it was put away.
        time: when it was put away, in ms.
        topic: where the record lay; `from_partition` and `from_offset` too.
        record_time: the record's own time in ms.
        has_id: whether it carries an id.
        left_out: its bytes are not here.
    """

    cluster: str
    partition: int
    offset: int
    record: str
    replays: int
    stage: str
    reason: str
    detail: str
    time: int | None
    topic: str
    from_partition: int | None
    from_offset: int | None
    record_time: int | None
    has_id: bool
    key_bytes: int | None
    value_bytes: int | None
    left_out: bool

    @property
    def name(self) -> str:
        """What notes call it. A record that fails again after it was replayed is another letter."""
        return f"{self.record}/{self.replays}"

    @property
    def place(self) -> str:
        """Where it lies, as it is written on the command line."""
        return f"{self.partition}:{self.offset}"


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody did with the letter `letter`, at `time` (ms). `replays`: how often its record was replayed then."""

    letter: str
    record: str
    what: What
    replays: int
    by: str
    why: str
    time: int | None


def read(message: Message, here: str, others: Collection[str]) -> Letter | Note | None:
    """Return what a record of the dead letter topic says, read on the cluster `here`; None where it is neither.

    `others`: the other clusters of the context, from which it may be a copy.
    """
    found: Any = message.headers() or ()
    headers: dict[str, bytes | None] = dict(found)
    if names.DONE in headers:
        return _note(headers)
    if not headers.keys() >= {names.STAGE, names.REASON, names.TOPIC}:
        return None
    origin = next((name for name in others if f"{ORIGIN_HEADER}{name}" in headers), here)
    left_out = names.LEFT_OUT in headers
    return Letter(
        cluster=origin,
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        record=_digest(message, headers, origin, left_out=left_out),
        replays=_number(headers.get(REPLAYED_HEADER), _MOST_REPLAYS) or 0,
        stage=_stage(headers),
        reason=_text(headers, names.REASON),
        detail=_text(headers, names.DETAIL),
        time=_number(headers.get(names.TIME)),
        topic=_text(headers, names.TOPIC),
        from_partition=_number(headers.get(names.PARTITION)),
        from_offset=_number(headers.get(names.OFFSET)),
        record_time=_number(headers.get(names.RECORD_TIME)),
        has_id=bool(headers.get(ID_HEADER)),
        key_bytes=_size(message.key()),
        value_bytes=_size(message.value()),
        left_out=left_out,
    )


def _note(headers: dict[str, bytes | None]) -> Note | None:
    letter = _plain(headers.get(names.LETTER))
    what = next((one for one in WHATS if one.encode() == headers[names.DONE]), None)
    record, slash, _ = letter.rpartition("/")
    if what is None or not slash:
        return None
    return Note(
        letter=letter,
        record=record,
        what=what,
        replays=_number(headers.get(REPLAYED_HEADER), _MOST_REPLAYS) or 0,
        by=_plain(headers.get(names.BY)),
        why=_plain(headers.get(names.WHY)),
        time=_number(headers.get(names.TIME)),
    )


def _digest(message: Message, headers: dict[str, bytes | None], origin: str, *, left_out: bool) -> str:
    """Return what makes a record that was put away this one: its stage, its topic, its id or time, and its bytes.

    A stage may put a record away twice: after a crash, on each machine, on both clusters. That is one letter. Where
    bytes or time are not known, the place where the record lay stands for them.
    """
    place = [origin.encode(), headers.get(names.PARTITION) or b"", headers.get(names.OFFSET) or b""]
    own = headers.get(ID_HEADER) or headers.get(names.RECORD_TIME)
    parts = [headers.get(names.STAGE) or b"", headers.get(names.TOPIC) or b"", *([own] if own else place)]
    if left_out:
        parts += [b"", *place]
    else:
        # What it carries besides counts, too: a balance that is not known, say.
        more = [(name, value) for name, value in own_headers(message) if name not in (ID_HEADER, REPLAYED_HEADER)]
        parts += [b"1", *map(_known, (message.key(), message.value())), repr(sorted(more, key=repr)).encode()]
    return blake2b(b"".join(map(prefixed, parts)), digest_size=_DIGEST_BYTES).hexdigest()


def _known(raw: bytes | str | None) -> bytes:
    """Return a key or value as it is hashed: a tombstone is not an empty value."""
    return b"" if raw is None else b"=" + (raw.encode() if isinstance(raw, str) else raw)


def _stage(headers: dict[str, bytes | None]) -> str:
    """Return the stage that a letter names: one that is known here is called as it is."""
    name = _plain(headers.get(names.STAGE))
    return name if name in installed() or name == TABLES_STAGE else _text(headers, names.STAGE)


def _text(headers: dict[str, bytes | None], name: str) -> str:
    """Return what a header says, masked where it is not of the form that stages write: anybody may write here."""
    return str(guard_header(name, headers.get(name)) or "")


def _plain(raw: bytes | None) -> str:
    return (raw or b"").decode(errors="replace")


def _number(raw: bytes | None, digits: int = _DIGITS) -> int | None:
    return int(raw) if raw and len(raw) <= digits and raw.isdigit() else None


def _size(part: bytes | str | None) -> int | None:
    return None if part is None else len(part)
