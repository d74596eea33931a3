"""Whether the rows of dead letters are still the last ones of their keys: an older row must not replace a newer one."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from confluent_kafka import Message

from kafkalert.bus.records.mark_reader import Places
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.engine.clock import Clock
from kafkalert.errors import DecodingError
from kafkalert.ops.deadletters.reading import OnProgress
from kafkalert.ops.deadletters.restored import Restored
from kafkalert.ops.failover.reconcile.reading import read
from kafkalert.tables.kinds import Table, checked_id
from kafkalert.tables.origins import origin, supersedes


class _Row(NamedTuple):
    """The record of a key that counts."""

    origin: bytes
    key: bytes
    value: bytes | None
    time: int


def outdated(
    cluster: Cluster,
    other: str,
    tables: Mapping[str, Table],
    rows: Mapping[str, Restored],
    clock: Clock,
    told: OnProgress = lambda *_: None,
) -> set[str]:
    """Return which of `rows`, by any name, are not the record of their key that counts on `cluster`.

    A later record took their place, or they are gone. The table's topic is read from their time on: whatever was
    written behind a record lies behind the first record of its time or later. `other` is the other cluster's name.

    Raises KafkalertError.
    """
    places = Places(cluster)
    named: dict[tuple[str, bytes], list[str]] = defaultdict(list)
    oldest: dict[str, int] = {}
    for name, row in rows.items():
        try:
            named[row.topic, checked_id(tables[row.topic].keys, row.key)].append(name)
        except DecodingError:  # it changes no row
            continue
        oldest[row.topic] = min(oldest.get(row.topic, row.timestamp), row.timestamp)
    partitions = places.partitions(oldest) if oldest else []
    ends = places.ends(partitions)
    first = places.since({one: oldest[one[0]] for one in partitions})
    total = sum(ends[one] - at for one, at in first.items())
    counted: dict[tuple[str, bytes], _Row] = {}
    for batch in read(cluster, other, first, ends, clock, lambda left: told(max(0, total - left), total)):
        for one, message in batch:
            _count(counted, named, tables[one[0]], one, message)
    return {name for key, names in named.items() for name in names if not _is(counted.get(key), rows[name])}


def _count(
    counted: dict[tuple[str, bytes], _Row],
    named: Mapping[tuple[str, bytes], list[str]],
    table: Table,
    one: Partition,
    message: Message,
) -> None:
    """Note a record that is the one to count of a key, as the follower decides it."""
    try:
        key = one[0], checked_id(table.keys, message.key())
    except DecodingError:
        return
    if key not in named:
        return
    where = origin(message)
    if key not in counted or supersedes(where, counted[key].origin):
        raw_key, raw = message.key(), message.value()
        counted[key] = _Row(where, _raw(raw_key) or b"", _raw(raw), message.timestamp()[1])


def _is(found: _Row | None, row: Restored) -> bool:
    return found is not None and (found.key, found.value, found.time) == (row.key, row.value, row.timestamp)


def _raw(part: bytes | str | None) -> bytes | None:
    return part.encode() if isinstance(part, str) else part
