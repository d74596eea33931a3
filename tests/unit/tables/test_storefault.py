"""What keeps the tables from being opened or written, told by its cause."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import lmdb
import pytest

from kafkalert.errors import ConfigError, ExitCode
from kafkalert.tables import store as stores
from kafkalert.tables import users
from kafkalert.tables.faults import ForeignTablesError, TablesFullError, fault
from kafkalert.tables.store import Store

SIZE = 64 << 30


def system(number: int) -> OSError:
    """As the system says it."""
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "status", "said", "hint"),
    [
        (system(errno.ENOSPC), 1, "no room is left there", "Free disk space"),
        (system(errno.EDQUOT), 1, "no room is left there", "Free disk space"),
        (lmdb.DiskError("mdb_txn_commit: No space left on device"), 1, "no room is left there", "Free disk space"),
        (
            lmdb.MapFullError("mdb_put: MDB_MAP_FULL: Environment mapsize limit reached"),
            1,
            "the 68,719,476,736 bytes of engine.table_size",
            "Raise engine",
        ),
        (lmdb.DiskError("mdb_txn_commit: Input/output error"), 1, "Input/output error", "Look at the disk"),
        (system(errno.EACCES), 2, "This user may not write", "engine.state"),
        (system(errno.EROFS), 2, "This user may not write", "engine.state"),
        (lmdb.MemoryError("/x/tables: Cannot allocate memory"), 2, "address space", "Lower engine.table_size"),
        (lmdb.LockError("mdb_txn_begin: Resource temporarily unavailable"), 2, "another container", "engine.state"),
        (
            lmdb.InvalidError("/x/tables: MDB_INVALID: File is not an LMDB file"),
            1,
            "are damaged",
            "remove /nowhere/state",
        ),
        (system(errno.ENOTDIR), 2, "cannot be used: Not a directory", "engine.state"),
    ],
)
def test_each_cause_has_its_sentence(error: OSError | lmdb.Error, status: int, said: str, hint: str) -> None:
    """And its hint: what mends one makes another worse."""
    found = fault(Path("/nowhere/state"), SIZE, error)
    assert found is not None
    assert found.exit_code == ExitCode(status)
    assert said in str(found)
    assert str(found).endswith(".")
    assert hint in found.hint
    assert "/nowhere/state" in str(found)
    assert isinstance(found, TablesFullError) == (status == 1 and "damaged" not in said)


def test_a_disk_that_takes_half_of_a_write_is_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """LMDB says "Input/output error" of that; what is free tells it from a broken disk."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=4096))
    found = fault(tmp_path, SIZE, lmdb.DiskError("mdb_txn_commit: Input/output error"))
    assert "no room is left there" in str(found)


def test_what_nobody_knows_is_not_explained() -> None:
    assert fault(Path("/nowhere"), SIZE, lmdb.BadValsizeError("mdb_put: MDB_BAD_VALSIZE: Unsupported size")) is None


def test_a_sign_of_life_that_cannot_be_written_has_its_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is waited for; one that takes no writes any more ends the stage with a sentence, not as a bug."""
    store = Store(tmp_path, size=1 << 20, flavour=b"1")
    store.note_alive()
    for number, kind in ((errno.ENOSPC, TablesFullError), (errno.EROFS, ConfigError)):

        def fails(*_: object, number: int = number, **__: object) -> None:
            raise system(number)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "touch", fails)
            patch.setattr(Path, "unlink", fails)
            with pytest.raises(kind, match=str(tmp_path)):
                store.note_alive()
            store.note_not_alive()
    store.note_not_alive()
    assert not (tmp_path / "alive").exists()
    store.close()


def test_tables_of_another_pid_namespace_are_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as they are in use there: LMDB would take its processes and threads for those of here."""
    there = Store(tmp_path / "state", size=1 << 20, flavour=b"1")
    monkeypatch.setattr(users, "_namespace", lambda: "pid:[elsewhere]")
    boot = (tmp_path / "state" / "boot").read_bytes()
    with pytest.raises(ConfigError, match="in use by another container"):
        Store(tmp_path / "state", size=1 << 20, flavour=b"2")
    assert (tmp_path / "state" / "boot").read_bytes() == boot
    there.close()
    Store(tmp_path / "state", size=1 << 20, flavour=b"2").close()


def test_tables_of_another_form_that_cannot_be_removed_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor said to be of this one, so that the next start tries again."""
    Store(tmp_path / "state", size=1 << 20, flavour=b"1").close()
    marker = tmp_path / "state" / "boot"
    marker.write_text("another form\n")

    def refuse(_: Path) -> None:
        raise OSError(errno.EIO, "it cannot be removed")

    monkeypatch.setattr(stores, "rmtree", refuse)
    with pytest.raises(TablesFullError, match="cannot be removed"):
        Store(tmp_path / "state", size=1 << 20, flavour=b"1")
    assert marker.read_text() == "another form\n"


def test_tables_of_another_form_that_are_in_use_are_left_alone(tmp_path: Path) -> None:
    """Two versions on one folder would remove each other's tables in turns."""
    other = Store(tmp_path / "state", size=1 << 20, flavour=b"1")
    marker = tmp_path / "state" / "boot"
    marker.write_text("another form\n")
    with pytest.raises(ForeignTablesError, match="used by another version"):
        Store(tmp_path / "state", size=1 << 20, flavour=b"1")
    assert marker.read_text() == "another form\n"
    other.check_files()
    other.close()
    Store(tmp_path / "state", size=1 << 20, flavour=b"1").close()
    assert marker.read_text() != "another form\n"


OPEN = """
import sys
from pathlib import Path
from types import SimpleNamespace
from kafkalert.tables.store import Store
from kafkalert.errors import KafkalertError
try:
    Store(Path(sys.argv[1]), size=1 << 20, flavour=b"1").close()
except KafkalertError as error:
    sys.exit(str(error))
"""


def test_processes_of_one_namespace_share_and_a_container_does_not(tmp_path: Path) -> None:
    """With real namespaces, each of whose first processes is number 1."""
    here = Store(tmp_path / "state", size=1 << 20, flavour=b"1")
    command = [sys.executable, "-c", OPEN, str(tmp_path / "state")]
    assert subprocess.run(command, timeout=60, check=False).returncode == 0
    apart = ["unshare", "--pid", "--fork", "--mount-proc", "--map-root-user", "--mount", *command]
    found = subprocess.run(apart, timeout=60, check=False, capture_output=True, text=True)
    here.close()
    if "unshare" in found.stderr:
        pytest.skip(f"no namespace can be made here: {found.stderr.strip()}")
    assert "in use by another container" in found.stderr
    assert subprocess.run(apart, timeout=60, check=False).returncode == 0
