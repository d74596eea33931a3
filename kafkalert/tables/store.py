"""The global tables of a machine, in one LMDB environment: authorisations, settings, and rules compiled from both.

One follower writes the rows with their checkpoint, in one transaction; every worker reads, and adds the compiled rules
that it was the first to need. Commits are not forced to disk: a killed process loses nothing (the page cache has it),
and a store that another boot of the machine left behind is rebuilt from the topics, because its pages may be torn.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from shutil import rmtree
from typing import IO, Any
from weakref import finalize

import lmdb
import msgspec

from kafkalert.config.private_files import own_file, own_folder
from kafkalert.tables.arrivals import Arrival
from kafkalert.tables.faults import (
    ForeignTablesError,
    LostTablesError,
    RebuildingError,
    TablesFullError,
    fault,
)
from kafkalert.tables.origins import ORIGIN_BYTES
from kafkalert.tables.users import BOOT, is_alone, join_users

_READERS = 1024
_LOCK_BYTES = 128 * _READERS  # more than LMDB's table of readers takes
_REBUILDING = b"rebuilding"
_FROM_BEGINNING, _FROM_EARLIER = b"", b"earlier"
_FORM = "2"
"""Of what is kept. Tables of another form are read anew."""
MAX_ID = 480
"""Longest id in bytes that can be a row's key; LMDB takes 511."""


class Checkpoint(msgspec.Struct, frozen=True):
    """How far the tables have read one partition of a topic.

    `offset` is the next to read; `seen` the last moment at which the partition's end was reached, in ms, UTC;
    `arrivals` some of the records read, the newest first.
    """

    cluster: str
    topic_id: str
    offset: int
    seen: int
    arrivals: tuple[Arrival, ...] = ()


class Store:
    """The tables' files below `folder`. One object a process; threads may share it.

    `flavour` names what compiled rules depend on besides the rows (rules installed, framing): rules compiled under
    another flavour are dropped.
    """

    def __init__(self, folder: Path, *, size: int, flavour: bytes) -> None:
        self.folder = folder
        self._size = size
        self._flavour = blake2b(flavour, digest_size=16).digest()
        with self._faults(OSError, lmdb.Error), ExitStack() as undo:
            own_folder(folder)
            # Workers start at the same moment: none may discard what another has just opened.
            with own_file(folder / "open.lock").open("a") as alone:
                fcntl.flock(alone, fcntl.LOCK_EX)
                self._users = undo.enter_context(join_users(folder))
                self._discard_of_other_boot()
                self._allocate_lock()
                self._open(size)
            self._follower_lock = own_file(folder / "follower.lock")
            shared = (folder / "tables" / "data.mdb", folder / "tables" / "lock.mdb", self._follower_lock)
            self._files = {path: _identity(path) for path in shared}
            self._keep_flavour(self._flavour)
            undo.pop_all()
        finalize(self, self._users.close)  # the environment closes itself, too

    def _open(self, size: int) -> None:
        self._env = lmdb.open(
            str(self.folder / "tables"),
            map_size=size,
            max_dbs=6,
            max_readers=_READERS,
            sync=False,
            writemap=False,
            mode=0o600,
        )
        self._env.reader_check()
        self.authorisations = self._env.open_db(b"authorisations")
        self.settings = self._env.open_db(b"settings")
        self.compiled = self._env.open_db(b"compiled")
        self.authorisation_tombstones = self._env.open_db(b"tombstones of authorisations")
        self.setting_tombstones = self._env.open_db(b"tombstones of settings")
        self._meta = self._env.open_db(b"meta")

    def _discard_of_other_boot(self) -> None:
        boot = f"{BOOT.read_text(encoding='ascii') if BOOT.exists() else ''}{_FORM}\n"
        marker = self.folder / "boot"
        is_new = not marker.exists()
        if own_file(marker).read_text(encoding="ascii") != boot or is_new:
            if not is_alone(self._users):
                raise _foreign(self.folder)
            own_folder(self.folder / "tables")  # refuses a link
            rmtree(self.folder / "tables")  # or raises: what stayed of them would be read as if it was of this form
            marker.write_text(boot, encoding="ascii")

    def _allocate_lock(self) -> None:
        """Have room for LMDB's table of readers, which it maps: a hole there on a full disk would be a SIGBUS."""
        own_folder(self.folder / "tables")
        own_file(self.folder / "tables" / "data.mdb")
        with own_file(self.folder / "tables" / "lock.mdb").open("ab") as lock:
            lock.write(bytes(max(0, _LOCK_BYTES - lock.tell())))

    def _keep_flavour(self, flavour: bytes) -> None:
        with self.read() as txn:
            kept = txn.get(b"flavour", db=self._meta)
        if kept is None or bytes(kept) != flavour:
            with self.write() as txn:
                txn.drop(self.compiled, delete=False)
                txn.put(b"flavour", flavour, db=self._meta)

    @contextmanager
    def _faults(self, *kinds: type[OSError | lmdb.Error]) -> Iterator[None]:
        try:
            yield
        except kinds as error:
            known = fault(self.folder, self._size, error)
            if known is None:
                raise
            raise known from error

    @contextmanager
    def read(self) -> Iterator[Any]:
        """Open a read transaction: one state of all tables."""
        with self._env.begin() as txn:
            yield txn

    @contextmanager
    def write(self) -> Iterator[Any]:
        """Open the write transaction: all of it or nothing. Raises TablesFullError, with nothing written."""
        with self._faults(lmdb.Error), self._env.begin(write=True) as txn:
            yield txn

    def checkpoints(self) -> dict[tuple[str, int], Checkpoint]:
        """Return the checkpoint of each partition, by (topic, partition)."""
        with self.read() as txn, txn.cursor(db=self._meta) as cursor:
            found = {}
            for key, value in cursor:
                name = bytes(key)
                if name.startswith(b"at/"):
                    topic, partition = name[3:].decode().rsplit("/", 1)
                    found[topic, int(partition)] = msgspec.msgpack.decode(value, type=Checkpoint)
            return found

    def put_checkpoint(self, txn: Any, topic: str, partition: int, checkpoint: Checkpoint) -> None:  # noqa: ANN401
        """Note in `txn` how far a partition was read."""
        txn.put(f"at/{topic}/{partition}".encode(), msgspec.msgpack.encode(checkpoint), db=self._meta)

    def empty(self) -> None:
        """Drop every row, checkpoint and compiled rule: the tables are read again from the beginning."""
        with self.write() as txn:
            txn.put(_REBUILDING, _FROM_BEGINNING, db=self._meta)
            tombstones = (self.authorisation_tombstones, self.setting_tombstones)
            for table in (self.authorisations, self.settings, self.compiled, *tombstones):
                txn.drop(table, delete=False)
            with txn.cursor(db=self._meta) as cursor:
                more = cursor.set_range(b"at/")
                while more and bytes(cursor.key()).startswith(b"at/"):
                    more = cursor.delete()

    @staticmethod
    def row(txn: Any, key: bytes, table: Any) -> bytes | None:  # noqa: ANN401
        """Return a row of one of the tables, None where there is none."""
        kept: bytes | None = txn.get(key, None, table)
        return None if kept is None else kept[ORIGIN_BYTES:]

    def mark_partial(self, txn: Any) -> None:  # noqa: ANN401
        """Note in `txn` that rows go back in time from here on, until they are whole again."""
        if txn.get(_REBUILDING, None, self._meta) is None:
            txn.put(_REBUILDING, _FROM_EARLIER, db=self._meta)

    def mark_whole(self, txn: Any) -> None:  # noqa: ANN401
        """Note in `txn` that the tables have again what the topics have."""
        txn.delete(_REBUILDING, db=self._meta)

    def check_whole(self, txn: Any) -> None:  # noqa: ANN401
        """Raise RebuildingError while the tables that `txn` sees are being read again.

        Raises ForeignTablesError where their compiled rules are no longer this process's.
        """
        if txn.get(b"flavour", None, self._meta) != self._flavour:
            raise _foreign(self.folder)
        mark = txn.get(_REBUILDING, None, self._meta)
        if mark is not None:
            raise RebuildingError(self.folder, emptied=bytes(mark) == _FROM_BEGINNING)

    def check_files(self) -> None:
        """Raise LostTablesError where the folder no longer has the files that are open here.

        Another process makes new ones there, and follows those: what says that they are followed says nothing of these.
        """
        if any(_identity(path) != opened for path, opened in self._files.items()):
            raise LostTablesError(
                f"The tables' files in {self.folder} were removed or replaced while they were in use.",
                hint="Start it again: they are read anew from their topics. Remove them only while nothing uses them.",
            )

    def note_alive(self) -> None:
        """Say that the tables are followed.

        Raises LostTablesError where their files are gone; TablesFullError, ConfigError where no file can be written.
        """
        path = self.folder / "alive"
        with self._faults(OSError):
            try:
                path.touch(mode=0o600)
                os.utime(path)
            except FileNotFoundError:  # somebody is just removing the files: if not all are gone, the next call sees it
                self.check_files()

    def open_follower_lock(self) -> IO[str]:
        """Return the file that the one process has locked which follows the tables. Raises LostTablesError."""
        try:
            return self._follower_lock.open("a", encoding="ascii")
        except FileNotFoundError:
            self.check_files()
            raise

    def note_not_alive(self) -> None:
        """Say that they are not; where that cannot be said, it is seen once nobody has said the other for a while."""
        with suppress(OSError):
            (self.folder / "alive").unlink(missing_ok=True)

    def check_readers(self) -> int:
        """Free what readers left that were killed, which keeps pages from being used again; how many there were."""
        freed: int = self._env.reader_check()
        return freed

    def compile_missing(self, accounts: Iterable[bytes], make: Callable[[Any, bytes], bytes]) -> dict[bytes, bytes]:
        """Return the compiled rules of `accounts`, made from the newest rows by `make(txn, account)`, and kept.

        They are made inside the write transaction, so no change of a row can come between reading and keeping. On a
        full disk they are made all the same, and not kept. Raises RebuildingError.
        """
        try:
            with self.write() as txn:
                self.check_whole(txn)
                made = {account: make(txn, account) for account in accounts}
                for account, row in made.items():
                    txn.put(account, row, db=self.compiled)
                return made
        except TablesFullError:
            with self.read() as txn:
                self.check_whole(txn)
                return {account: make(txn, account) for account in accounts}

    def close(self) -> None:
        """Let go of the files."""
        self._env.close()
        self._users.close()


def _foreign(folder: Path) -> ForeignTablesError:
    return ForeignTablesError(
        f"The tables in {folder} are used by another version or configuration of kafkalert.",
        hint="Stop one of them, or give each an engine.state of its own.",
    )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino
