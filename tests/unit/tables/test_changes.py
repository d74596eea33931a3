"""Rows of one key in two partitions: one outcome, in whatever order partitions are read, and however in batches."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.serde.codec import Codec
from kafkalert.serde.keys import encode_key
from kafkalert.tables.kinds import Table, tables
from kafkalert.tables.origins import ORIGIN_BYTES
from kafkalert.tables.rows import Changes
from kafkalert.tables.store import Store
from tests.support.fakes.engine import FakeMessage

CODEC = Codec()
KEYS = ("a", "b")

# Of each partition, by rising offset: key, time that has passed since the record before, and whether it is a tombstone.
Log = list[tuple[str, int, bool]]
LOGS = st.lists(
    st.lists(st.tuples(st.sampled_from(KEYS), st.integers(0, 3), st.booleans()), max_size=6), min_size=1, max_size=3
)


def records(number: int, log: Log) -> list[FakeMessage]:
    """A partition's records, each with a value of its own."""
    time, found = 0, []
    for offset, (key, passed, is_tombstone) in enumerate(log):
        time += passed
        value = CODEC.encode("CustomerIds", {"customerIds": [{"id": f"{number}-{offset}"}]})
        found.append(
            FakeMessage(
                body=None if is_tombstone else value,
                id=encode_key(CODEC, "AccountId", key),
                at=offset,
                lies=number,
                time=time,
            )
        )
    return found


def expected(logs: list[list[FakeMessage]]) -> dict[bytes, bytes]:
    """By the last record of each key and partition: the latest, the highest partition among equals."""
    last = {(one.id, one.lies): one for log in logs for one in log}
    by_key: dict[str, FakeMessage] = {}
    for one in sorted(last.values(), key=lambda one: (one.time, one.lies)):
        by_key[CODEC.decode("AccountId", one.id)["id"]] = one
    return {key.encode(): one.body for key, one in by_key.items() if one.body is not None}


def kept(store: Store, table: Table) -> dict[bytes, bytes]:
    """The rows of a table."""
    with store.read() as txn, txn.cursor(db=table.rows) as cursor:
        return {bytes(key): bytes(value)[ORIGIN_BYTES:] for key, value in cursor}


def write(store: Store, table: Table, batch: list[FakeMessage]) -> None:
    """Take a batch, in one transaction."""
    changes = Changes(table)
    for one in batch:
        assert changes.take(one.real) is None
    with store.write() as txn:
        changes.write(txn, store.compiled)


@given(LOGS, st.data())
def test_any_order_of_partitions_gives_the_same_rows(logs: list[Log], data: st.DataObject) -> None:
    """The later record by its time; in one partition the later offset, also where times are equal."""
    all_records = [records(number, log) for number, log in enumerate(logs)]
    left = [list(log) for log in all_records]
    with TemporaryDirectory() as folder:
        store = Store(Path(folder), size=1 << 22, flavour=b"test")
        table, _ = tables(store, CODEC, authorisations="accounts", settings="settings")
        while any(left):
            count = min(data.draw(st.integers(1, 4)), sum(map(len, left)))
            batch = [data.draw(st.sampled_from([log for log in left if log])).pop(0) for _ in range(count)]
            write(store, table, batch)
        rows = kept(store, table)
        store.close()
    assert rows == expected(all_records)


@given(st.lists(st.lists(st.tuples(st.sampled_from(KEYS), st.integers(0, 9), st.booleans()), max_size=6), max_size=3))
def test_times_that_go_back_change_nothing_within_a_batch(logs: list[Log]) -> None:
    """Of each partition its last record of a key counts against those of the others."""
    all_records = [records(number, log) for number, log in enumerate(logs)]
    for log, times in zip(all_records, logs, strict=True):
        for one, (_, time, _) in zip(log, times, strict=True):
            one.time = time
    with TemporaryDirectory() as folder:
        store = Store(Path(folder), size=1 << 22, flavour=b"test")
        table, _ = tables(store, CODEC, authorisations="accounts", settings="settings")
        write(store, table, [one for log in all_records for one in log])
        rows = kept(store, table)
        store.close()
    assert rows == expected(all_records)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_row_that_its_own_partition_has_overwritten_counts_no_more(tmp_path: Path, order: tuple[int, int]) -> None:
    """Though it is the latest by its time, and another partition's record of the key comes in the same batch."""
    store = Store(tmp_path, size=1 << 22, flavour=b"test")
    table, _ = tables(store, CODEC, authorisations="accounts", settings="settings")
    first, overwritten = records(0, [("a", 5, False), ("a", 0, False)])
    overwritten.time = 3
    (elsewhere,) = records(1, [("a", 4, False)])
    write(store, table, [first])
    write(store, table, [(overwritten, elsewhere)[one] for one in order])
    assert kept(store, table) == {b"a": elsewhere.body}
    store.close()


def test_a_time_that_goes_back_in_one_partition_is_no_older_row(tmp_path: Path) -> None:
    """There the offset tells what is later."""
    store = Store(tmp_path, size=1 << 22, flavour=b"test")
    table, _ = tables(store, CODEC, authorisations="accounts", settings="settings")
    first, second = records(0, [("a", 0, False), ("a", 0, False)])
    first.time = second.time + 3_600_000
    write(store, table, [first])
    write(store, table, [second])
    with store.read() as txn:
        assert store.row(txn, b"a", table.rows) == second.body
    store.close()
