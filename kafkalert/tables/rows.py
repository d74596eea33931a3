"""Changes of a table's rows: taken from records in any order of partitions, and written in one transaction."""

import logging
from collections.abc import Iterable, Mapping
from itertools import chain
from struct import Struct
from typing import Any, Final, NamedTuple

from confluent_kafka import Message

from kafkalert.errors import DecodingError
from kafkalert.tables.kinds import Table, change

_LOG = logging.getLogger(__name__)
_PACKED: Final = Struct(">qi")


class Origin(NamedTuple):
    """Where the last record of a key lay, and its time in ms."""

    time: int
    partition: int

    def supersedes(self, old: "Origin | None") -> bool:
        """Whether a record from here, read after that of `old`, is the one that counts.

        In one partition the later offset counts. A key has records in two partitions where partitions were added to
        its topic, or where somebody partitions otherwise. They are read in any order, so there the later record counts
        by its time: every machine comes to the same row, whenever it reads.
        """
        return old is None or old.partition == self.partition or self > old


class Changes:
    """What records change in one table, of records that are taken once and written once."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._values: dict[bytes, bytes | None] = {}
        self._origins: dict[bytes, Origin] = {}
        self._overtaken = 0

    def take(self, message: Message) -> DecodingError | None:
        """Note what a record changes; what is wrong with it, if anything is."""
        changed: dict[bytes, bytes | None] = {}
        bad = change(self._table, message, changed)
        for row, value in changed.items():
            origin = Origin(message.timestamp()[1], message.partition() or 0)
            if origin.supersedes(self._origins.get(row)):
                self._values[row], self._origins[row] = value, origin
            else:
                self._overtaken += 1
        return bad

    def write(self, txn: Any, compiled: Any) -> None:  # noqa: ANN401 - LMDB
        """Put and delete rows; `compiled` rules that rest on an old or a new one go, and are compiled when needed."""
        origins = self._newer(txn)
        if self._overtaken:
            _LOG.warning(
                "tables: %d records of %s are passed over: a later one of the same key is in another partition",
                self._overtaken,
                self._table.topic,
            )
        rows = {row: self._values[row] for row in origins}
        if not rows:
            return
        self._drop_compiled(txn, compiled, rows)
        with txn.cursor(db=self._table.rows) as cursor:
            cursor.putmulti(sorted((row, value) for row, value in rows.items() if value is not None))
        for row, value in rows.items():
            if value is None:
                txn.delete(row, db=self._table.rows)
        with txn.cursor(db=self._table.origins) as cursor:
            cursor.putmulti(sorted((row, _PACKED.pack(*origin)) for row, origin in origins.items()))

    def _newer(self, txn: Any) -> dict[bytes, Origin]:  # noqa: ANN401 - LMDB
        """Return the rows that these changes change, given what `txn` has."""
        found: dict[bytes, Origin] = {}
        for row, origin in self._origins.items():
            old = txn.get(row, db=self._table.origins)
            if origin.supersedes(None if old is None else Origin(*_PACKED.unpack(old))):
                found[row] = origin
            else:
                self._overtaken += 1
        return found

    def _drop_compiled(self, txn: Any, compiled: Any, rows: Mapping[bytes, bytes | None]) -> None:  # noqa: ANN401
        if not txn.stat(compiled)["entries"]:
            return
        try:
            for row, value in rows.items():
                old = txn.get(row, db=self._table.rows)
                versions = (one for one in (old, value) if one is not None)
                for account in chain.from_iterable(self._table.accounts(row, bytes(one)) for one in versions):
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
