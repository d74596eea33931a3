"""Changes of a table's rows: taken from records in any order of partitions, and written in one transaction."""

import logging
from collections.abc import Iterable, Mapping
from itertools import chain
from struct import Struct
from typing import Any, Final

from confluent_kafka import Message

from kafkalert.errors import DecodingError
from kafkalert.tables.kinds import Table, change
from kafkalert.tables.store import ORIGIN_BYTES, Store

_LOG = logging.getLogger(__name__)
_TIME_BYTES: Final = 8
_pack: Final = Struct(">qi").pack


def supersedes(new: bytes, old: bytes) -> bool:
    """Whether a record from `new`, read after that from `old`, is the one that counts.

    Both are origins: the record's time in ms, and its partition, packed so that they are ordered as these are.

    In one partition the later offset counts. A key has records in two partitions where partitions were added to its
    topic, or where somebody partitions otherwise. They are read in any order, so there the later record counts by its
    time: every machine comes to the same row, whenever it reads.
    """
    return new > old or new[_TIME_BYTES:] == old[_TIME_BYTES:]


class Changes:
    """What records change in one table, of records that are taken once and written once."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._values: dict[bytes, bytes | None] = {}
        self._origins: dict[bytes, bytes] = {}
        self._changed: dict[bytes, bytes | None] = {}
        self._overtaken = 0

    def take(self, message: Message) -> DecodingError | None:
        """Note what a record changes; what is wrong with it, if anything is."""
        changed = self._changed
        bad = change(self._table, message, changed)
        if changed:
            row, value = changed.popitem()
            time = message.timestamp()[1]
            new, old = _pack(max(0, time), message.partition() or 0), self._origins.get(row)
            if old is None or supersedes(new, old):
                self._values[row], self._origins[row] = value, new
            else:
                self._overtaken += 1
        return bad

    def write(self, txn: Any, compiled: Any) -> None:  # noqa: ANN401 - LMDB
        """Put and delete rows; `compiled` rules that rest on an old or a new one go, and are compiled when needed."""
        had_tombstones = bool(txn.stat(self._table.tombstones)["entries"])
        self._leave_overtaken(txn, self._table.rows)
        if had_tombstones:
            self._leave_overtaken(txn, self._table.tombstones)
        if self._overtaken:
            _LOG.warning(
                "tables: %d records of %s are passed over: a later one of the same key is in another partition",
                self._overtaken,
                self._table.topic,
            )
        if not self._values:
            return
        self._drop_compiled(txn, compiled, self._values)
        origins = self._origins
        in_order = sorted(self._values.items())
        with txn.cursor(db=self._table.rows) as cursor:
            cursor.putmulti([(row, origins[row] + value) for row, value in in_order if value is not None])
        for row, value in in_order:
            if value is None:
                txn.delete(row, db=self._table.rows)
                txn.put(row, origins[row], db=self._table.tombstones)
            elif had_tombstones:
                txn.delete(row, db=self._table.tombstones)

    def _leave_overtaken(self, txn: Any, kept: Any) -> None:  # noqa: ANN401 - LMDB
        """Leave out the changes that do not count, given what `txn` has in `kept`."""
        with txn.cursor(db=kept) as cursor:
            for row, old in cursor.getmulti(sorted(self._origins)):
                if not supersedes(self._origins[row], old[:ORIGIN_BYTES]):
                    del self._origins[row], self._values[row]
                    self._overtaken += 1

    def _drop_compiled(self, txn: Any, compiled: Any, rows: Mapping[bytes, bytes | None]) -> None:  # noqa: ANN401
        if not txn.stat(compiled)["entries"]:
            return
        try:
            for row, value in rows.items():
                old = Store.row(txn, row, self._table.rows)
                versions = (one for one in (old, value) if one is not None)
                for account in chain.from_iterable(self._table.accounts(row, one) for one in versions):
                    txn.delete(account, db=compiled)
        except DecodingError:  # an old row that cannot be read any more, so that nobody knows what rests on it
            txn.drop(compiled, delete=False)


def added_partitions(topic: str, count: int, known: Iterable[tuple[str, int]], cluster: str) -> list[tuple[str, int]]:
    """Partitions of `topic` that are not among `known`, `count` being how many there are; says so."""
    before = sum(one == topic for one, _ in known)
    if count > before:
        _LOG.warning(
            "tables: %s on %s has %d partitions, it had %d. All are read. Of a key with rows in two of them the row"
            " with the later record time counts.",
            *(topic, cluster, count, before),
        )
    return [(topic, number) for number in range(before, count)]
