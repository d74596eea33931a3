"""All records that a booking left behind: itself, what two-hop mode made of it, its alerts, its dead letters."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from confluent_kafka import Message

from kafkalert.config import names
from kafkalert.config.pipeline import OUTBOUND
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import DeniedError, KafkalertError, UnreachableError
from kafkalert.ops.failover.positions.asking import at_once
from kafkalert.ops.offsets import Position
from kafkalert.ops.tail.log import Log
from kafkalert.ops.trace.asked import HINT, At, asked, traced
from kafkalert.ops.trace.look import SKEW_MS, Look, looking
from kafkalert.ops.trace.origin import Origins
from kafkalert.ops.trace.raw import Raw, booking_id, entry_named, headers_of, names_itself

ALERTS: Final = tuple(OUTBOUND.values())
_OTHER_SECONDS: Final = 3.0
"""How long another cluster than the first one is waited for."""
_LATER: Final = 500
"""Bookings of the same partition behind the one that is asked for: where one of them has been processed, it has too."""


class NotFoundError(KafkalertError):
    """There is no such booking or alert, as far as was looked."""


@dataclass(frozen=True, slots=True)
class Trail:
    """What was found of one booking, on all clusters; of each kind in the order of time.

    `entry` is its id, empty where that is not known. `processed_by`: a time (ms) by which a later booking of its
    partition was processed, so that it was too; None where none is known. `looked_until`: the time (ms) up to which its
    alerts were looked for, None for all that there is. `silent`: why a cluster did not tell. `unread`: partitions that
    gave nothing.
    """

    entry: str
    bookings: tuple[Raw, ...] = ()
    customer_entries: tuple[Raw, ...] = ()
    alerts: tuple[Raw, ...] = ()
    dead: tuple[Raw, ...] = ()
    processed_by: int | None = None
    looked_until: int | None = None
    silent: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


def trail(
    settings: Settings,
    what: str,
    *,
    clusters: Sequence[str] = (),
    since: Position | None = None,
    until: Position | None = None,
    clock: Clock | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> Trail:
    """Return the trail of the booking that `what` names: an id of an entry or an alert, or a record's place.

    The first of `clusters` (all, as the context has them) has to answer; another one that does not is named in the
    result. Raises UsageError, NotFoundError, UnreachableError, DeniedError.
    """
    sought, clock = asked(settings, what), clock or SystemClock()
    chosen = tuple(clusters or settings.context.clusters)
    origins = Origins(settings, since, until)
    silent = _silent(settings, chosen[1:])
    with ExitStack() as stack:
        looks = {
            name: stack.enter_context(looking(settings, name, clock=clock, note=note))
            for name in chosen
            if name not in silent
        }
        first = {name: looks[name] for name in (chosen[:1] if isinstance(sought, At) else looks)}
        origin = _first(origins, first, sought, silent)
        if origin is None:
            raise _nothing(sought, since, until, [name for name in first if name not in silent], silent)
        gathering = _Gathering(settings, origins, origin)
        for name in sorted(looks.keys() - silent.keys(), key=lambda one: (one != origin.cluster, one)):
            try:
                gathering.gather(looks[name])
            except (UnreachableError, DeniedError) as error:
                if name == origin.cluster:
                    raise
                silent[name] = str(error)
        unread = tuple(f"{one} on {name}" for name, look in looks.items() for one in look.report.unread)
        return gathering.trail(silent, unread)


def _silent(settings: Settings, clusters: Sequence[str]) -> dict[str, str]:
    """Return why those of `clusters` do not answer that do not, within seconds: they are not what was asked about."""
    topic = settings.topic(names.ACCOUNTENTRY)
    calls = {name: partial(Log(settings.clusters[name]).topics, [topic], seconds=_OTHER_SECONDS) for name in clusters}
    answers = at_once(calls, _OTHER_SECONDS)
    return {
        name: f"Cluster {name} does not answer." if isinstance(one, TimeoutError) else str(one)
        for name, one in answers.items()
        if isinstance(one, Exception)
    }


def _first(origins: Origins, looks: Mapping[str, Look], sought: At | str, silent: dict[str, str]) -> Raw | None:
    """Return a record of the booking, from the first cluster that has one."""
    for place, (name, look) in enumerate(looks.items()):
        try:
            found = origins.first(look, sought)
        except (UnreachableError, DeniedError) as error:
            if place == 0:
                raise
            silent[name] = str(error)
            continue
        if found is not None:
            return found
    return None


def _nothing(
    sought: At | str,
    since: Position | None,
    until: Position | None,
    looked: Sequence[str],
    silent: Mapping[str, str],
) -> NotFoundError:
    if isinstance(sought, At):
        return NotFoundError(f"There is no record at {sought} on {' or '.join(looked)}.", hint=HINT)
    bounds = [f"{word} {one}" for word, one in (("since", since), ("until", until)) if one is not None]
    said = "".join(f" {one}" for one in silent.values())
    return NotFoundError(
        f"No booking and no alert has this id. Looked on {' and '.join(looked)}, in "
        f"{', '.join((names.ACCOUNTENTRY, *ALERTS))}, {' '.join(bounds) or 'in all that these topics hold'}.{said}",
        hint=HINT,
    )


class _Gathering:
    """Gathers the trail of the booking that `origin` is a record of, one cluster after the other."""

    def __init__(self, settings: Settings, origins: Origins, origin: Raw) -> None:
        self._origins, self._origin = origins, origin
        self._key = settings.alerts.id_key.get_secret_value()
        self._customer_topic = settings.topic(names.CUSTOMERACCOUNTENTRY)
        self._after = [one for one in traced(settings) if one != names.ACCOUNTENTRY]
        self._found: list[Raw] = []
        self._entry = origins.entry(origin)
        self._booking: Raw | None = None
        self._later: set[bytes] = set()
        self._passed: int | None = None
        # An alert goes out together with the others of its booking.
        self._settled: int | None = origin.timestamp if origin.name in ALERTS else None
        self._until: list[int | None] = []

    def gather(self, look: Look) -> None:
        """Add what a cluster has of the booking."""
        bookings = self._origins.bookings(look, self._booking or self._origin, self._entry)
        if bookings and not self._entry:
            self._entry = self._origins.entry(bookings[0])
        for one in bookings[:1]:
            self._booking = self._booking or one  # by which the other cluster has it at the same time
            if self._settled is None and not self._later:
                self._later = set(self._behind(look, one))
        own = self._entry.encode()

        def wanted(name: str, message: Message) -> bool:
            if name == names.DEADLETTER:
                return self._is_dead(message, own, bookings)
            entry = entry_named(message)
            if entry in self._later and name != names.CUSTOMERACCOUNTENTRY:
                self._pass(int(message.timestamp()[1]))
            return bool(own) and entry == own

        def settled(found: list[Raw]) -> int | None:
            times = [one.timestamp for one in found if one.name != names.CUSTOMERACCOUNTENTRY]
            known = self._passed if self._settled is None else self._settled
            return max([*times, *([] if known is None else [known])], default=None)

        start = min((one.timestamp for one in bookings), default=self._origin.timestamp) - SKEW_MS
        found, until = look.forward(self._after, start, wanted, settled)
        self._settled = settled(found)
        self._until.append(until)
        if self._origin.cluster == look.cluster and self._origin not in (*bookings, *found):
            found.append(self._origin)  # what does not name its entry, or is dead and said nothing of it
        self._found += [*bookings, *found]

    def trail(self, silent: Mapping[str, str], unread: tuple[str, ...]) -> Trail:
        """Return all of it."""
        hops = _of(self._found, names.CUSTOMERACCOUNTENTRY)
        second = {one.text("ka-id") for one in hops}
        dead = [
            one
            for one in _of(self._found, names.DEADLETTER)
            if one.text("ka-topic") != self._customer_topic or one.text("ka-id") in second or one == self._origin
        ]
        ends = [one for one in self._until if one is not None]
        return Trail(
            self._entry,
            tuple(_of(self._found, names.ACCOUNTENTRY)),
            tuple(hops),
            tuple(_of(self._found, *ALERTS)),
            tuple(dead),
            self._passed,
            min(ends, default=None),
            silent,
            unread,
        )

    def _pass(self, ms: int) -> None:
        self._passed = ms if self._passed is None else min(self._passed, ms)

    def _is_dead(self, message: Message, entry: bytes, bookings: Sequence[Raw]) -> bool:
        """Whether a dead letter may be about the booking, or about what two-hop mode made of it."""
        said = {name: (value or b"") for name, value in headers_of(message).items()}
        if said.get("ka-topic", b"").decode(errors="replace") == self._customer_topic:
            return True  # which of them it is about is known by the ids of these
        if entry and names_itself(message, entry):
            return True
        place = (said.get("ka-topic"), said.get("ka-partition"), said.get("ka-offset"))
        return any(
            place == (one.topic.encode(), str(one.partition).encode(), str(one.offset).encode())
            or (one.message.value() and (one.message.key(), one.message.value()) == (message.key(), message.value()))
            for one in bookings
        )

    def _behind(self, look: Look, booking: Raw) -> Iterable[bytes]:
        """Return the ids of the bookings that follow in its partition."""
        ends = look.ends((names.ACCOUNTENTRY,)).get(booking.where)
        first = booking.offset + 1
        spans = {} if ends is None else {booking.where: (first, min(ends.high, first + _LATER))}
        for _, message in look.messages(spans):
            own = booking_id(message, self._key)
            if own is not None and own != self._entry:
                yield own.encode()


def _of(records: Iterable[Raw], *topics: str) -> list[Raw]:
    """Return those of `topics` in the order of time, whichever was found first."""
    wanted = (one for one in records if one.name in topics)
    return sorted(
        wanted, key=lambda one: (one.timestamp, topics.index(one.name), one.mark, not one.native, one.cluster)
    )
