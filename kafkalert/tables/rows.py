"""Changes of a table's rows: taken from records in any order of partitions, and written in one transaction."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from confluent_kafka import Message

from kafkalert.errors import DecodingError
from kafkalert.tables.kinds import Table, change
from kafkalert.tables.origins import ORIGIN_BYTES, partition_of, supersedes
from kafkalert.tables.store import Store

_LOG = logging.getLogger(__name__)


class Changes:
    """What records change in one table, of records that are taken once and written once."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._taken: defaultdict[int, dict[bytes, bytes]] = defaultdict(dict)

    def take(self, message: Message) -> DecodingError | None:
        """Note what a record changes; what is wrong with it, if anything is."""
        return change(self._table, message, self._taken[message.partition() or 0])

    def write(self, txn: Any, compiled: Any) -> None:  # noqa: ANN401 - LMDB
        """Put and delete rows; `compiled` rules that rest on an old or a new one go, and are compiled when needed."""
        changed, overtaken = self._newest()
        if not changed:
            return
        self._drop_compiled(txn, compiled, changed)
        had_tombstones = bool(txn.stat(self._table.tombstones)["entries"])
        if had_tombstones:
            overtaken += self._leave_overtaken(txn, self._table.tombstones, changed)
        tombstones = [row for row, value in changed.items() if len(value) == ORIGIN_BYTES]
        # While tables are restored nearly all rows are new: what this adds needs no look at what was there.
        if tombstones or not self._add(txn, changed):
            overtaken += self._leave_overtaken(txn, self._table.rows, changed)
            gone = {row: changed.pop(row) for row in tombstones if row in changed}
            with txn.cursor(db=self._table.rows) as cursor:
                cursor.putmulti(changed.items())
            for row, where in gone.items():
                txn.delete(row, db=self._table.rows)
                txn.put(row, where, db=self._table.tombstones)
        if had_tombstones:
            for row in changed:
                txn.delete(row, db=self._table.tombstones)
        if overtaken:
            _LOG.warning(
                "tables: %d records of %s are passed over: a later one of the same key is in another partition",
                overtaken,
                self._table.topic,
            )

    def _newest(self) -> tuple[dict[bytes, bytes], int]:
        """Return what each row becomes, in the order of their keys, and how many changes of them do not count."""
        changed: dict[bytes, bytes] = {}
        for rows in self._taken.values():
            both = changed.keys() & rows.keys()
            earlier = [(row, changed[row]) for row in both if not supersedes(rows[row], changed[row])]
            changed |= rows
            changed.update(earlier)
        return dict(sorted(changed.items())), sum(map(len, self._taken.values())) - len(changed)

    def _add(self, txn: Any, rows: Mapping[bytes, bytes]) -> bool:  # noqa: ANN401 - LMDB
        """Add the rows that are new; whether all of them are."""
        with txn.cursor(db=self._table.rows) as cursor:
            asked, added = cursor.putmulti(rows.items(), overwrite=False)
        return bool(asked == added)

    def _leave_overtaken(self, txn: Any, kept: Any, changed: dict[bytes, bytes]) -> int:  # noqa: ANN401 - LMDB
        """Leave out the changes that do not count, given what `txn` has in `kept`; return how many."""
        before = len(changed)
        with txn.cursor(db=kept) as cursor:
            for row, old in cursor.getmulti(list(changed)):
                is_replaced = row in self._taken.get(partition_of(old), ())  # by another record of its partition
                if not is_replaced and not supersedes(changed[row], old):
                    del changed[row]
        return before - len(changed)

    def _drop_compiled(self, txn: Any, compiled: Any, changed: Mapping[bytes, bytes]) -> None:  # noqa: ANN401
        if not txn.stat(compiled)["entries"]:
            return
        try:
            for row, new in changed.items():
                old = Store.row(txn, row, self._table.rows)
                versions = (version for version in (old, new[ORIGIN_BYTES:]) if version)
                for account in chain.from_iterable(self._table.accounts(row, version) for version in versions):
                    txn.delete(account, db=compiled)
        except DecodingError:  # an old row that cannot be read any more, so that nobody knows what rests on it
            txn.drop(compiled, delete=False)


def added_partitions(topic: str, count: int, known: Iterable[tuple[str, int]], cluster: str) -> list[tuple[str, int]]:
    """Partitions of `topic` that are not among `known`, `count` being how many there are; says so."""
    before = sum(name == topic for name, _ in known)
    if count > before:
        _LOG.warning(
            "tables: %s on %s has %d partitions, it had %d. All are read. Of a key with rows in two of them the row"
            " with the later record time counts.",
            *(topic, cluster, count, before),
        )
    return [(topic, number) for number in range(before, count)]
