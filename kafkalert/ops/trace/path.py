"""The path of a booking over all hops and both clusters, with the time that each hop took.

Times are those of the records, which their producers give (CreateTime): the bridge's clock for a booking, alerting's
for an alert. A copy keeps the time of its original, so how long it took to cross is not measured.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from kafkalert.config import names
from kafkalert.config.pipeline import OUTBOUND, WORDS
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock
from kafkalert.errors import DecodingError
from kafkalert.model.moment import moment
from kafkalert.ops.masks import Tree, guard_header
from kafkalert.ops.offsets import Position
from kafkalert.ops.tail.record import Reader, Record
from kafkalert.ops.tail.request import own_topics
from kafkalert.ops.trace.raw import Raw
from kafkalert.ops.trace.trail import ALERTS, Trail, trail
from kafkalert.ops.wording import counted
from kafkalert.serde import build

VERSION: Final = 1
Kind = Literal["booking", "customer-entry", "alert", "dead-letter"]
_KINDS: Final[dict[str, Kind]] = {
    names.ACCOUNTENTRY: "booking",
    names.CUSTOMERACCOUNTENTRY: "customer-entry",
    names.DEADLETTER: "dead-letter",
    **dict.fromkeys(OUTBOUND.values(), "alert"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies. `native`: its producer wrote it there; else the mirror carried it there."""

    cluster: str
    topic: str
    partition: int
    offset: int
    timestamp: datetime | None
    native: bool


@dataclass(frozen=True, slots=True)
class Hop:
    """One record of the path, wherever it lies. `after` is the place of the hop before it in `Path.hops`.

    `ms` is how much later than that hop it was made, by the clocks of both producers; None where that is not known.
    `id` is personal where it may say something. `record` is the decoded one, None where it cannot be decoded.
    """

    kind: Kind
    id: Tree
    after: int | None
    ms: int | None
    channel: str | None
    customer: str | None
    record: Record | None
    places: tuple[Place, ...]

    @property
    def written(self) -> tuple[Place, ...]:
        """Where producers wrote it; twice where it was processed again."""
        return tuple(one for one in self.places if one.native)


@dataclass(frozen=True, slots=True)
class Path:
    """The path of one booking: `hops` in order, the booking first where it was found.

    `clusters` answered, `silent` did not. `notes` are sentences on what is not whole.
    """

    entry: Tree
    clusters: tuple[str, ...]
    silent: tuple[str, ...]
    hops: tuple[Hop, ...]
    notes: tuple[str, ...]


def path(
    settings: Settings,
    what: str,
    *,
    clusters: Sequence[str] = (),
    since: Position | None = None,
    until: Position | None = None,
    clock: Clock | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> Path:
    """Return the path of the booking that `what` names: an id of an entry or an alert, or the place of a record.

    By a place it reads little: the record, and some thousands around its time. Raises as `trail`.
    """
    found = trail(settings, what, clusters=clusters, since=since, until=until, clock=clock, note=note)
    return path_of(settings, found, what, tuple(clusters or settings.context.clusters))


def path_of(settings: Settings, found: Trail, what: str, clusters: Sequence[str]) -> Path:
    """Return the path that a trail is. An id that the operator gave (`what`) is shown as it is."""
    channels = {settings.topic(name): word for word, name in WORDS.items()}
    reader = Reader(build.codec(settings.serde), own_topics(settings), channels)
    hops = [_hop(reader, records, None, None) for records in _alike(found.bookings)]
    booking = 0 if hops else None
    begun = found.bookings[0].timestamp if found.bookings else None
    second: dict[str, tuple[int, int]] = {}
    for records in _alike(found.customer_entries):
        hop = _hop(reader, records, booking, _since(records[0], begun))
        second[hop.customer or ""] = second[records[0].text("ka-id")] = len(hops), records[0].timestamp
        hops.append(hop)
    for records in [*_alike(found.alerts), *_alike(found.dead)]:
        hop = _hop(reader, records, booking, _since(records[0], begun))
        named = hop.customer if records[0].name in ALERTS else records[0].text("ka-id")
        if named and named in second:
            place, ms = second[named]
            hop = _hop(reader, records, place, _since(records[0], ms))
        hops.append(hop)
    answered = tuple(one for one in clusters if one not in found.silent)
    entry = found.entry if found.entry == what else guard_header("ka-entry", found.entry or None)
    return Path(entry, answered, tuple(found.silent), tuple(hops), tuple(_notes(found)))


def _hop(reader: Reader, records: Sequence[Raw], after: int | None, ms: int | None) -> Hop:
    first = records[0]
    try:
        record = reader.read(first.message)
    except DecodingError:
        record = None
    own = first.headers.get("ka-id")
    return Hop(
        _KINDS[first.name],
        guard_header("ka-id", own) if own else None,
        after,
        ms,
        record.channel if record is not None and first.name in ALERTS else None,
        _customer(record),
        record,
        tuple(
            Place(one.cluster, one.topic, one.partition, one.offset, moment(one.timestamp), one.native)
            for one in records
        ),
    )


def _customer(record: Record | None) -> str | None:
    """Return the customer that a record is about."""
    if record is None or not isinstance(record.value, dict):
        return None
    if record.schema == "OutboundMessage":
        named = record.value["customerId"]
        return None if named is None else str(named["id"])
    is_second = isinstance(record.key, dict) and "accountId" in record.value and "ka-entry" in record.headers
    return str(record.key["id"]) if is_second else None


def _alike(records: Iterable[Raw]) -> list[list[Raw]]:
    """Return records and their copies and repeats together: the original first, in the order of time."""
    found: dict[tuple[str, object], list[Raw]] = {}
    for one in records:
        # A booking of one id is one, and so is an alert; one dead letter each time that a record was put away.
        key = (one.timestamp, one.mark) if _KINDS[one.name] == "dead-letter" else one.mark
        found.setdefault((one.name, key), []).append(one)
    return [sorted(each, key=lambda one: (not one.native, one.timestamp)) for each in found.values()]


def _since(one: Raw, begun: int | None) -> int | None:
    return None if begun is None or one.timestamp < 0 or begun < 0 else one.timestamp - begun


def _notes(found: Trail) -> Iterable[str]:
    if not found.bookings:
        yield "The booking itself was not found: its topic no longer holds it, or a cluster that was not read has it."
    if found.looked_until is not None and not found.alerts and found.processed_by is None:
        when = moment(found.looked_until)
        yield f"Alerts were looked for up to {when:%Y-%m-%d %H:%M:%S} (UTC)." if when else "Not all was looked at."
    for cluster, why in found.silent.items():
        yield f"What lies on {cluster} is not known: {why}"
    if found.unread:
        yield f"{counted(len(found.unread), 'partition')} did not answer: {', '.join(found.unread)}."
