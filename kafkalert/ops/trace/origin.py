"""The records from which a search begins: what the operator named, and the booking that it came from."""

from collections.abc import Mapping
from typing import Final

from confluent_kafka import Message

from kafkalert.bus.records.marks import record_id
from kafkalert.bus.records.partitioner import partition_of_key
from kafkalert.bus.records.partitions import Partition
from kafkalert.config import names
from kafkalert.config.pipeline import OUTBOUND
from kafkalert.config.sections import Settings
from kafkalert.errors import DecodingError
from kafkalert.ops.offsets import Position, Time
from kafkalert.ops.tail.log import Ends
from kafkalert.ops.trace.asked import At
from kafkalert.ops.trace.look import SKEW_MS, Look
from kafkalert.ops.trace.raw import Raw, booking_id, entry_named, names_booking, names_itself
from kafkalert.serde import build
from kafkalert.serde.keys import encode_key
from kafkalert.stages.entry import ENTRY, ID

_SEARCHED: Final = (names.ACCOUNTENTRY, *OUTBOUND.values())
_ELSEWHERE: Final = 20_000
"""Records of each other partition that are read for a booking that is not where its account belongs."""
_ACCOUNT: Final = "alert_settings_account_number"


class Origins:
    """Finds origins on a cluster; `since` and `until` bound the search by an id."""

    def __init__(self, settings: Settings, since: Position | None, until: Position | None) -> None:
        self._settings, self._since, self._until = settings, since, until
        self._key = settings.alerts.id_key.get_secret_value()
        self._codec = build.codec(settings.serde)

    def first(self, look: Look, sought: At | str) -> Raw | None:
        """Return the record at a place, or one of an id: the booking itself rather than what came from it."""
        if isinstance(sought, At):
            return look.at(sought.topic, sought.partition, sought.offset)
        raw_id = sought.encode()

        def names_it(name: str, message: Message) -> bool:
            if name == names.ACCOUNTENTRY:
                return names_booking(message, sought, self._key)
            return names_itself(message, raw_id) or entry_named(message) == raw_id

        found = look.back(self._ranges(look, look.ends(_SEARCHED)), names_it)
        return min(found, key=lambda one: (one.name != names.ACCOUNTENTRY, one.timestamp), default=None)

    def entry(self, origin: Raw) -> str:
        """Return the id of the entry from which a record came, empty where the record does not say it."""
        if origin.name == names.ACCOUNTENTRY:
            return booking_id(origin.message, self._key) or ""
        if origin.name == names.DEADLETTER:
            return origin.text(ID) if origin.text("ka-topic") == self._settings.topic(names.ACCOUNTENTRY) else ""
        return origin.text(ENTRY)

    def bookings(self, look: Look, origin: Raw, entry: str) -> list[Raw]:
        """Return the booking's own records on a cluster: one, several where it was sent again, or none."""
        if origin.name == names.ACCOUNTENTRY:
            if origin.cluster == look.cluster:
                return [origin]
            there = (self._settings.topic(names.ACCOUNTENTRY), origin.partition)
            return look.near({there: origin.timestamp}, lambda _, one: record_id(one) == origin.mark)
        found = self._put_away(look, origin) if origin.name == names.DEADLETTER else []
        return found or (self._before(look, origin, entry) if entry else [])

    def _before(self, look: Look, origin: Raw, entry: str) -> list[Raw]:
        """Return the booking that an alert came from: in its account's partition, else in all, before the alert."""
        ends = look.ends((names.ACCOUNTENTRY,))
        stops = look.positions(Time(max(0, origin.timestamp + SKEW_MS)), ends)
        ranges = {one: (both.low, stops[one]) for one, both in ends.items()}
        own = self._partition(origin, len(ends))

        def names_it(_: str, message: Message) -> bool:
            return names_booking(message, entry, self._key)

        found = look.back({one: each for one, each in ranges.items() if one[1] == own}, names_it)
        others = {one: (max(start, stop - _ELSEWHERE), stop) for one, (start, stop) in ranges.items() if one[1] != own}
        return found or look.back(others, names_it)

    def _put_away(self, look: Look, letter: Raw) -> list[Raw]:
        """Return the booking that a dead letter is about, on the cluster whose place it tells."""
        number, offset = letter.text("ka-partition"), letter.text("ka-offset")
        topic = self._settings.topic(names.ACCOUNTENTRY)
        here = letter.native and letter.cluster == look.cluster and letter.text("ka-topic") == topic
        if not (here and number.isdecimal() and offset.isdecimal()):
            return []
        found = look.at(topic, int(number), int(offset))
        return [] if found is None else [found]

    def _partition(self, origin: Raw, count: int) -> int | None:
        """Return the partition of the account that a record is about, where it tells."""
        value, key = origin.message.value(), origin.message.key()
        if origin.name == names.DEADLETTER:
            return partition_of_key(key, count) if key and count else None
        try:
            if origin.name == names.CUSTOMERACCOUNTENTRY:
                account = self._codec.decode("AccountEntry", value)["accountId"]
            else:
                account = self._codec.decode("OutboundMessage", value)["params"][_ACCOUNT]
            return partition_of_key(encode_key(self._codec, "AccountId", account), count) if count else None
        except (DecodingError, KeyError, ValueError):
            return None

    def _ranges(self, look: Look, ends: Mapping[Partition, Ends]) -> dict[Partition, tuple[int, int]]:
        first = {one: both.low for one, both in ends.items()}
        stop = {one: both.high for one, both in ends.items()}
        if self._since is not None:
            first = look.positions(self._since, ends)
        if self._until is not None:
            stop = look.positions(self._until, ends)
        return {one: (first[one], stop[one]) for one in ends}
