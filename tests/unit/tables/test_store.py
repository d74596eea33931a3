"""The tables' files: what is written together stays together, and what is no longer true goes."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from kafkalert.errors import ExitCode
from kafkalert.tables.faults import ForeignTablesError, LostTablesError, RebuildingError, TablesFullError
from kafkalert.tables.readiness import STALE_SECONDS, staleness
from kafkalert.tables.store import Checkpoint, Store
from tests.support.fakes.engine import FakeClock

SIZE = 1 << 24
HERE = Checkpoint("dc1", "id", 7, 2000)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Opens a store in one folder, the one before being closed: `opened(flavour=b"1", size=...)`."""
    stores: list[Store] = []

    def one(*, flavour: bytes = b"1", size: int = SIZE) -> Store:
        for before in stores:
            before.close()
        stores[:] = [Store(tmp_path / "state", size=size, flavour=flavour)]
        return stores[0]

    yield one
    for store in stores:
        store.close()


def put(store: Store, *rows: bytes) -> None:
    """Rows with a checkpoint after them, and a compiled row for each."""
    with store.write() as txn:
        for row in rows:
            txn.put(row, b"authorisation of " + row, db=store.authorisations)
            txn.put(row, b"settings of " + row, db=store.settings)
            txn.put(row, b"compiled of " + row, db=store.compiled)
        store.put_checkpoint(txn, "authorisations", 0, HERE)


def rows_of(store: Store) -> tuple[int, int]:
    """How many authorisations and settings there are."""
    with store.read() as txn:
        return txn.stat(store.authorisations)["entries"], txn.stat(store.settings)["entries"]


def compiled(store: Store, row: bytes) -> bytes | None:
    """The compiled row."""
    with store.read() as txn:
        found: bytes | None = txn.get(row, db=store.compiled)
        return found


def test_rows_and_checkpoints_outlive_the_process(opened: Callable[..., Store]) -> None:
    """Whoever opens the folder next goes on where the last one was; partitions are told apart."""
    put(opened(), b"a", b"b")
    store = opened()
    with store.write() as txn:
        store.put_checkpoint(txn, "settings/with/slashes", 12, HERE)
    assert rows_of(opened()) == (2, 2)
    assert opened().checkpoints() == {("authorisations", 0): HERE, ("settings/with/slashes", 12): HERE}
    assert compiled(opened(), b"a") == b"compiled of a"


def test_rows_and_their_checkpoint_are_written_together_or_not_at_all(opened: Callable[..., Store]) -> None:
    """Whatever happens between them."""
    store = opened()

    def interrupted() -> None:
        with store.write() as txn:
            txn.put(b"x", b"row", db=store.authorisations)
            store.put_checkpoint(txn, "authorisations", 0, HERE)
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert rows_of(store) == (0, 0)
    assert store.checkpoints() == {}


def test_a_store_of_another_boot_is_not_believed(opened: Callable[..., Store], tmp_path: Path) -> None:
    """Its pages were not forced to disk, so some may be missing."""
    put(opened(), b"a")
    (tmp_path / "state" / "boot").write_text("another boot\n", encoding="ascii")
    assert opened().checkpoints() == {}
    assert rows_of(opened()) == (0, 0)
    put(opened(), b"a")
    assert rows_of(opened()) == (1, 1)


def test_another_flavour_drops_what_was_compiled_and_nothing_else(opened: Callable[..., Store]) -> None:
    """Other rules or another framing make other alerts of the same rows."""
    put(opened(flavour=b"1"), b"a")
    assert compiled(opened(flavour=b"1"), b"a") == b"compiled of a"
    store = opened(flavour=b"2")
    assert compiled(store, b"a") is None
    assert rows_of(store) == (1, 1)
    assert store.checkpoints() == {("authorisations", 0): HERE}


def test_an_emptied_store_decides_nothing_until_it_is_whole_again(opened: Callable[..., Store]) -> None:
    """Rows, checkpoints and compiled rows are gone; no rule is compiled from the part that has been read again."""
    store = opened()
    put(store, b"a")
    store.empty()
    assert rows_of(store) == (0, 0)
    assert store.checkpoints() == {}
    assert compiled(store, b"a") is None
    with pytest.raises(RebuildingError):
        store.compile_missing([b"a"], lambda _txn, _account: b"no rules")
    store = opened()  # somebody else's process, or the next one
    with pytest.raises(RebuildingError):
        store.compile_missing([b"a"], lambda _txn, _account: b"no rules")
    with store.write() as txn:
        store.mark_whole(txn)
    assert store.compile_missing([b"a"], lambda _txn, _account: b"rules") == {b"a": b"rules"}


def test_full_tables_say_so_and_keep_what_they_had(opened: Callable[..., Store]) -> None:
    """The transaction that did not fit leaves neither rows nor checkpoint, and reading goes on."""
    store = opened(size=1 << 20)
    put(store, b"kept")

    def fill() -> None:
        with store.write() as txn:
            for number in range(100_000):
                txn.put(b"%d" % number, b"x" * 1000, db=store.settings)
            store.put_checkpoint(txn, "settings", 0, HERE)

    with pytest.raises(TablesFullError, match="cannot be written") as raised:
        fill()
    assert raised.value.exit_code is ExitCode.FAILED
    assert "engine.table_size" in raised.value.hint
    assert rows_of(store) == (1, 1)
    assert set(store.checkpoints()) == {("authorisations", 0)}
    put(store, b"another")
    assert rows_of(store) == (2, 2)


def test_rules_are_compiled_on_full_tables_too(opened: Callable[..., Store]) -> None:
    """They are used, and not kept."""
    store = opened(size=1 << 20)
    huge = b"x" * (1 << 20)
    assert store.compile_missing([b"a"], lambda _txn, _account: huge) == {b"a": huge}
    assert compiled(store, b"a") is None


def test_a_change_never_leaves_rules_compiled_from_what_was_there_before(opened: Callable[..., Store]) -> None:
    """A change that comes while rules are compiled waits, and then finds them and drops them.

    LMDB numbers its writes. The change is the next one after the write in which the rules were made from what was
    read, so they were kept in that write too, and the change found them.
    """
    store = opened()
    put(store, b"a")
    with store.write() as txn:
        txn.delete(b"a", db=store.compiled)
    numbers: list[int] = []

    def change() -> None:
        with store.write() as txn:
            numbers.append(txn.id())
            txn.put(b"a", b"changed", db=store.settings)
            txn.delete(b"a", db=store.compiled)

    thread = Thread(target=change)

    def make(txn: Any, account: bytes) -> bytes:  # noqa: ANN401 - an LMDB transaction
        row: bytes = txn.get(account, db=store.settings)
        return b"from " + row

    def make_meanwhile(txn: Any, account: bytes) -> bytes:  # noqa: ANN401 - as above
        numbers.append(txn.id())
        txn.put(b"b", b"", db=store.settings)  # a write that changes nothing takes no number
        made = make(txn, account)
        thread.start()
        return made

    assert store.compile_missing([b"a"], make_meanwhile) == {b"a": b"from settings of a"}
    thread.join(10)
    assert numbers[1:] == [numbers[0] + 1]
    assert compiled(store, b"a") is None
    assert store.compile_missing([b"a"], make) == {b"a": b"from changed"}


def test_tables_that_another_version_took_over_decide_nothing(opened: Callable[..., Store]) -> None:
    """It compiles other rules, or other keys, into the rows that all processes of the machine share."""
    store = opened(flavour=b"1")
    put(store, b"a")
    with store.write() as txn:  # as another process does when it opens them
        txn.put(b"flavour", b"another", db=store._meta)
    with pytest.raises(ForeignTablesError, match="used by another version"):
        store.compile_missing([b"b"], lambda _txn, _account: b"rules")
    with pytest.raises(ForeignTablesError):
        staleness(store, FakeClock())


def test_what_a_killed_reader_left_is_freed(opened: Callable[..., Store], tmp_path: Path) -> None:
    """Its slot would keep the pages that it saw from being used again, and the file would grow."""
    store = opened()
    put(store, b"a")
    script = f"""
import lmdb, os, signal
tables = lmdb.open({str(tmp_path / "state" / "tables")!r}, readonly=True, max_dbs=4)
with tables.begin() as txn:
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", script], timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert store.check_readers() == 1
    assert store.check_readers() == 0


def test_tables_are_stale_when_nobody_follows_them(opened: Callable[..., Store], tmp_path: Path) -> None:
    """Since a while, ever, or since the clock was set back: what a file of the future says is not believed."""
    store, clock = opened(), FakeClock()
    assert staleness(store, clock) == "the customer tables are not kept up to date"
    alive = tmp_path / "state" / "alive"
    alive.touch()
    os.utime(alive, (clock.wall / 1000, clock.wall / 1000))
    clock.pass_by(STALE_SECONDS - 1)
    assert staleness(store, clock) == ""
    clock.pass_by(2)
    assert staleness(store, clock) == "the customer tables are 6 s out of date"
    clock.pass_by(-3600)
    assert staleness(store, clock).endswith("the clock went back")
    store.empty()
    assert staleness(store, clock) == "the customer tables are read again from the beginning"


@pytest.mark.parametrize("name", ["", "tables/data.mdb", "tables/lock.mdb", "follower.lock"])
def test_tables_whose_files_were_taken_away_decide_nothing(
    opened: Callable[..., Store], tmp_path: Path, name: str
) -> None:
    """Though another process has made new ones there since, and follows those."""
    store, clock, state = opened(), FakeClock(), tmp_path / "state"
    script = f"""
from pathlib import Path
from kafkalert.tables.store import Store
Store(Path({str(state)!r}), size={SIZE}, flavour=b"1").close()
"""
    taken = state / name
    taken.rename(tmp_path / "taken")
    with pytest.raises(LostTablesError, match="removed or replaced while they were in use"):
        staleness(store, clock)
    subprocess.run([sys.executable, "-c", script], timeout=60, check=True)
    (state / "alive").touch()
    os.utime(state / "alive", (clock.wall / 1000, clock.wall / 1000))
    with pytest.raises(LostTablesError) as caught:
        staleness(store, clock)
    assert caught.value.hint.startswith("Start it again: ")


def test_tables_removed_at_any_moment_are_called_removed(opened: Callable[..., Store], tmp_path: Path) -> None:
    """Before anybody follows them, and between the look at the files and the sign of life."""
    store = opened()
    (tmp_path / "state").rename(tmp_path / "taken")
    for use in (store.open_follower_lock, store.note_alive):
        with pytest.raises(LostTablesError, match="removed or replaced while they were in use"):
            use()


def test_a_sign_of_life_that_is_removed_as_it_is_given_waits_for_the_next(
    opened: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever removes the folder begins somewhere: the files that tell may stand a moment longer."""
    store = opened()

    def removed(path: Path, *_: object) -> None:
        path.unlink(missing_ok=True)
        raise FileNotFoundError(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "utime", removed)
        store.note_alive()
    store.note_alive()
    assert (store.folder / "alive").exists()


def test_the_files_are_private(opened: Callable[..., Store], tmp_path: Path) -> None:
    """They hold addresses and account numbers."""
    put(opened(), b"a")
    paths = [tmp_path / "state", *(tmp_path / "state").rglob("*")]
    assert len(paths) > 4
    assert [path for path in paths if path.stat().st_mode & 0o077] == []
