"""Reads what the compacted topics hold of one account and of one customer."""

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from confluent_kafka import Message

from kafkalert.bus.records.partitioner import partition_of_key
from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.records.watermarks import tombstones_kept_ms
from kafkalert.config import names
from kafkalert.config.sections import Settings
from kafkalert.errors import DecodingError
from kafkalert.ops.explain.history import History, Version
from kafkalert.ops.tail.log import Ends
from kafkalert.ops.trace.look import Look, Ranges
from kafkalert.serde.codec import Codec
from kafkalert.serde.keys import KeyReader, encode_key
from kafkalert.serde.rows import RowReader
from kafkalert.tables.kinds import Authorisations, CustomerSettings, Table, change, checked_id
from kafkalert.tables.store import MAX_ID

_KEYS: Final = {names.ACCOUNTTOCUSTOMERIDS: "AccountId", names.CUSTOMERALERTSETTINGS: "CustomerId"}


def history(settings: Settings, codec: Codec, look: Look, name: str, own: str, *, now_ms: int) -> History:
    """Return what the table `name` (docs/topics.md) holds of the logical id `own`.

    The partition of its key is read, and all of them where it has none there, or where the topic has another number of
    partitions than it should: then rows may lie in several. Raises UnreachableError, DeniedError.
    """
    row = own.encode()
    if not 0 < len(row) <= MAX_ID:
        return History(())
    topic = settings.topic(name)
    table = table_of(codec, name, topic)
    ends = look.ends([name])
    home = partition_of_key(encode_key(codec, _KEYS[name], own), len(ends)) if ends else 0
    near = {one: both for one, both in ends.items() if one[1] == home or len(ends) != settings.topics.partitions}
    versions, whole = read_versions(look, table, row, near)
    if not versions and len(near) < len(ends):
        elsewhere, others = read_versions(
            look, table, row, {one: both for one, both in ends.items() if one not in near}
        )
        versions, whole = elsewhere, whole | (others if elsewhere else {})
    kept = tombstones_kept_ms(settings.clusters[look.cluster], [topic]).get(topic)
    return History(tuple(versions), whole, None if kept is None else now_ms - kept)


class Messages(Protocol):
    """What gives the records of ranges; see `Look`."""

    def messages(self, ranges: Ranges) -> Iterable[tuple[str, Message]]:
        """Yield every record in `ranges`, those of a partition in order."""
        ...


def read_versions(
    look: Messages, table: Table, row: bytes, ends: Mapping[Partition, Ends]
) -> tuple[list[Version], dict[int, bool]]:
    """Return the records of `row`, and of each partition whether nothing is missing before its first one."""
    found: dict[int, list[Version]] = {number: [] for _, number in ends}
    following = {number: 0 for _, number in ends}
    whole = {number: both.low == 0 or both.high == 0 for (_, number), both in ends.items()}
    for _, message in look.messages({one: (both.low, both.high) for one, both in ends.items()}):
        number, offset = int(message.partition() or 0), int(message.offset() or 0)
        versions = found[number]
        if not versions:
            whole[number] = whole[number] and offset == following[number]
            following[number] = offset + 1
        key = message.key()
        if key is None or row not in key or not _is_of(table.keys, key, row):
            continue
        rows: dict[bytes, bytes] = {}
        problem = change(table, message, rows)
        code = "" if problem is None else problem.code
        versions.append(Version(number, offset, int(message.timestamp()[1]), rows[row], code))
    for (_, number), both in ends.items():
        if not found[number] and following[number] < both.high:
            whole[number] = False  # a marker, or a record that is gone, at the end
    return [one for number in sorted(found) for one in found[number]], whole


def _is_of(keys: KeyReader, key: bytes, row: bytes) -> bool:
    try:
        return checked_id(keys, key) == row
    except DecodingError:
        return False


def table_of(codec: Codec, name: str, topic: str) -> Table:
    """Return what reads a table's records, without a store."""
    kind = Authorisations if name == names.ACCOUNTTOCUSTOMERIDS else CustomerSettings
    return kind(topic, None, None, codec, KeyReader(codec, _KEYS[name]), RowReader(codec))
