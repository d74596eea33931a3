"""Disk: the folder of the tables, whose it is, and what room it has. Brokers tell theirs to Kafka's own tool only."""

import os
import shlex
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kafkalert.config.sections import Cluster, Engine
from kafkalert.ops.doctor.checkup import Checks, Checkup, Subject

LOW_BYTES: Final = 1 << 30
FULL_BYTES: Final = 128 << 20
FULL_SHARE: Final = 0.8
"""Of `engine.table_size`."""
_MOUNTS: Final = Path("/proc/mounts")
_REMOTE: Final = ("nfs", "cifs", "smb", "ceph", "gluster", "lustre", "9p", "afs", "fuse.sshfs")
"""Where several machines see the same files, memory maps and locks do not hold."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of the tables as it is.

    `there`: whether it is; else the others are those of the nearest folder above it. `mode` and `owner` as the system
    has them. `free`, `used`: bytes. `kind`: of the file system, empty where that is not known.
    """

    path: Path
    there: bool
    is_folder: bool
    mode: int
    owner: int
    writable: bool
    free: int
    used: int
    kind: str


def look(engine: Engine) -> Folder:
    """Look at the folder of the tables. Raises OSError where that cannot be done."""
    path = engine.state
    there = path.exists() or path.is_symlink()
    nearest = path if there else next(one for one in path.absolute().parents if one.exists())
    status = nearest.lstat()
    data = path / "tables" / "data.mdb"
    return Folder(
        path,
        there,
        stat.S_ISDIR(status.st_mode),
        stat.S_IMODE(status.st_mode),
        status.st_uid,
        os.access(nearest, os.W_OK | os.X_OK),
        shutil.disk_usage(nearest).free,
        data.stat().st_blocks * 512 if data.exists() else 0,
        file_system(nearest.resolve(), _MOUNTS.read_text(encoding="utf-8") if _MOUNTS.exists() else ""),
    )


def file_system(path: Path, mounts: str) -> str:
    """Return the kind of file system that `path` lies on, by lines as /proc/mounts has them; empty without one."""
    found, kind = "", ""
    for line in mounts.splitlines():
        _, _, rest = line.partition(" ")
        point, _, rest = rest.partition(" ")
        point = point.replace("\\040", " ")
        if path.is_relative_to(point) and len(point) >= len(found):
            found, kind = point, rest.partition(" ")[0]
    return kind


def judge(folder: Folder, table_size: int, user: int) -> Iterator[Checkup]:
    """Yield how the folder is to the user `user`."""
    checks, path = Checks(Subject.DISK), folder.path
    if folder.there and not folder.is_folder:
        text = f"{path} (engine.state) is a link, or no folder; alerting leaves it alone and does not start."
        yield checks.bad("folder", text, "Look at who made it, and remove it; or set engine.state.")
        return
    if folder.there and folder.owner not in {user, 0}:
        text = (
            f"{path} (engine.state) belongs to another user (uid {folder.owner}); alerting does not start as this one."
        )
        yield checks.look("folder", text, "Run alerting as that user; or set engine.state.")
    elif not folder.writable:
        what = "" if folder.there else " does not exist, and the folder above it"
        yield checks.bad("folder", f"{path} (engine.state){what} cannot be written by this user.", "Correct its mode.")
    elif folder.there and folder.owner == user and folder.mode & 0o077:
        text = f"{path} (engine.state) may be read by others (mode {folder.mode:04o}): it holds customers' data."
        yield checks.look("folder", text, f"`chmod 700 {shlex.quote(str(path))}`; a start of alerting does that too.")
    else:
        yield checks.ok("folder", f"{path} is this user's." if folder.there else f"{path} is made by `run alerting`.")
    yield from _room(checks, folder, table_size)
    if folder.kind.startswith(_REMOTE):
        text = f"{path} (engine.state) is on {folder.kind}, which several machines share: tables there may be damaged."
        yield checks.bad("file system", text, "Set engine.state to a folder on a disk of this machine.")


def _room(checks: Checks, folder: Folder, table_size: int) -> Iterator[Checkup]:
    text = f"{_size(folder.free)} are free where {folder.path} (engine.state) is."
    hint = "Make room, or set engine.state: alerting holds while its tables cannot be written."
    if folder.free < FULL_BYTES:
        yield checks.bad("room", text, hint)
    elif folder.free < LOW_BYTES:
        yield checks.look("room", text, hint)
    else:
        yield checks.ok("room", f"{text} The tables take {_size(folder.used)}.")
    if folder.used > FULL_SHARE * table_size:
        text = f"The tables take {_size(folder.used)} of the {_size(table_size)} that engine.table_size allows."
        yield checks.look("tables", text, "Raise engine.table_size, and start alerting again.")


def of_brokers(cluster: Cluster) -> Checkup:
    """Return how to look at the disks of brokers, which the client library does not tell of."""
    tool = shlex.join(["kafka-log-dirs.sh", "--bootstrap-server", cluster.bootstrap, "--describe"])
    return Checks(Subject.DISK, cluster.name).skipped("brokers", "Brokers do not tell this client.", f"`{tool}` tells.")


def _size(number: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if number < 1024:  # noqa: PLR2004 - the step between units
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"
