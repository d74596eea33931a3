"""Clocks, disk, mirror and schemas: what is seen of them, and what that means."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from kafkalert.bus.connect.client import Worker
from kafkalert.bus.connect.flow import Flow
from kafkalert.config.sections import Cluster, Engine
from kafkalert.errors import UnreachableError
from kafkalert.ops.doctor import clocks, disk, mirror, schemas, versions
from kafkalert.ops.doctor.checkup import Checks, Subject
from kafkalert.ops.doctor.clocks import Offset
from kafkalert.ops.doctor.mirror import Heard
from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord
from kafkalert.ops.failover.status.instances import WatchedInstance
from kafkalert.ops.mirror.comparing import Comparison, Difference
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.schemas import Checked, State
from tests.support.fakes.engine import FakeClock

FLOW = Flow("dc1", "dc2", "mirror-dc1-to-dc2")
DC2 = Cluster(name="dc2", bootstrap="b:1", connect="http://w:1")
DATE = "Sat, 31 Jan 2026 08:00:00 GMT"
DATE_MS = 1_769_846_400_000


@pytest.mark.parametrize(
    ("least", "most", "grade", "words"),
    [
        (-1000, 100, "ok", "-1.0 s to +0.1 s"),
        (1999, 3000, "ok", "No clock is 2 s away"),
        (2000, 3000, "look", "2.0 s or more ahead of this machine's"),
        (-3000, -2500, "look", "2.5 s or more behind this machine's"),
        (60_000, 61_000, "bad", "60 s or more ahead of"),
    ],
)
def test_a_clock_is_wrong_by_as_much_as_is_certain(least: int, most: int, grade: str, words: str) -> None:
    (one,) = clocks.judge("dc1", "instances", [Offset("host-a", least, most)])
    assert (str(one.grade), words in one.text) == (grade, True), one.text


def test_the_clock_of_a_worker_by_the_date_of_its_answer() -> None:
    """It names a second, and was written between question and answer."""
    heard = Heard(Worker("4.3.1", "id", DATE), DATE_MS + 400, DATE_MS + 500)
    assert clocks.of_worker("http://w:1", heard) == Offset("the Connect worker http://w:1", -500, 600)
    assert clocks.of_worker("http://w:1", replace(heard, worker=Worker("4.3.1", "id", "yesterday"))) is None


def test_the_clock_of_a_machine_by_heartbeats_that_arrive() -> None:
    """Of instances that beat now; each machine once."""
    clock = FakeClock()

    def member(name: str, host: str, ahead: int, heard: dict[str, float], state: str = "running") -> WatchedInstance:
        beat = HeartbeatRecord(name, "alerting", "dc1", state, clock.wall - 1000 + ahead, host)
        return WatchedInstance(beat, heard)

    now = clock.now
    members = [
        member("a-1", "a", 5000, {"dc1": now - 1}),
        member("a-2", "a", 9000, {"dc1": now - 1}),
        member("b-1", "b", 5000, {}),
        member("c-1", "c", 5000, {"dc1": now - 1}, "stopped"),
    ]
    (one,) = clocks.of_instances(members, clock)
    assert (one.whose, one.least) == ("a (a-1)", 5000)


def test_nobody_tells_a_time() -> None:
    (one,) = clocks.judge("dc1", "instances", [])
    assert str(one.grade) == "skipped"


def grades(folder: disk.Folder, size: int = 1 << 30, user: int = 1000) -> dict[str, str]:
    """What is said of a folder, by name."""
    return {one.name: str(one.grade) for one in disk.judge(folder, size, user)}


FOLDER = disk.Folder(
    Path("state"), there=True, is_folder=True, mode=0o700, owner=1000, writable=True, free=1 << 40, used=0, kind="ext4"
)


@pytest.mark.parametrize(
    ("changed", "name", "grade"),
    [
        ({"mode": 0o755}, "folder", "look"),
        ({"owner": 1001}, "folder", "look"),
        ({"owner": 0, "writable": False}, "folder", "bad"),
        ({"is_folder": False}, "folder", "bad"),
        ({"there": False, "writable": False, "owner": 0, "mode": 0o755}, "folder", "bad"),
        ({"there": False, "owner": 0, "mode": 0o755}, "folder", "ok"),
        ({"free": 1 << 29}, "room", "look"),
        ({"free": 1 << 20}, "room", "bad"),
        ({"used": 900 << 20}, "tables", "look"),
        ({"kind": "nfs4"}, "file system", "bad"),
    ],
)
def test_the_folder_of_the_tables(changed: dict[str, object], name: str, grade: str) -> None:
    assert grades(FOLDER) == {"folder": "ok", "room": "ok"}
    assert grades(replace(FOLDER, **changed))[name] == grade  # type: ignore[arg-type]  # fields of a folder


def test_a_folder_is_looked_at_as_it_is(tmp_path: Path) -> None:
    """Also where it is not there yet, and where it is a link."""
    there = tmp_path / "there"
    there.mkdir(mode=0o755)
    there.chmod(0o755)
    (tmp_path / "link").symlink_to(there)
    found, absent, link = (disk.look(Engine(state=tmp_path / name)) for name in ("there", "a/b/c", "link"))
    assert (found.there, found.mode, found.owner, found.writable) == (True, 0o755, os.geteuid(), True)
    assert (absent.there, absent.writable, absent.free > 0) == (False, True, True)
    assert (link.there, link.is_folder) == (True, False)


def test_a_file_system_is_that_of_the_nearest_mount() -> None:
    mounts = "rootfs / ext4 rw 0 0\nserver:/x /mnt/all\\040data nfs4 rw 0 0\n"
    assert disk.file_system(Path("/mnt/all data/state"), mounts) == "nfs4"
    assert disk.file_system(Path("/mnt/all"), mounts) == "ext4"
    assert disk.file_system(Path("/mnt"), "") == ""


@pytest.mark.parametrize(
    ("condition", "reason", "grade", "words"),
    [
        (Condition.RUNNING, "", "ok", "It runs."),
        (Condition.ABSENT, "", "bad", "does not exist: nothing crosses"),
        (Condition.FAILED, "no such host", "bad", "failed: no such host"),
        (Condition.STOPPED, "", "look", "is stopped: nothing crosses"),
        (Condition.STARTING, "it has no tasks yet", "look", "is starting: it has no tasks yet"),
    ],
)
def test_a_flow_by_its_connector(condition: Condition, reason: str, grade: str, words: str) -> None:
    (one,) = mirror.connector(Comparison(FLOW, condition, reason, ()))
    assert (str(one.grade), words in one.text) == (grade, True), one.text


def test_a_connector_that_is_not_as_configured() -> None:
    """Besides how it is; no value is shown, which may be a secret."""
    other = Comparison(FLOW, Condition.RUNNING, "", (Difference("tasks.max", "1", "2"),))
    fine, differs = mirror.connector(other)
    assert (str(fine.grade), str(differs.grade)) == ("ok", "bad")
    assert differs.text.endswith("is not as configured: tasks.max.")


def test_a_worker_that_works_for_another_cluster() -> None:
    heard: dict[str, Heard | Exception] = {
        "http://w:1": Heard(Worker("4.3.1", "other", DATE), 0, 1),
        "http://w:2": UnreachableError("It is away."),
    }
    other, away = mirror.workers(DC2, "own", heard)
    assert "works for another cluster than dc2" in other.text
    assert (away.text, str(away.grade)) == ("It is away.", "bad")
    (unknown,) = mirror.workers(DC2, None, {"http://w:1": heard["http://w:1"]})
    assert str(unknown.grade) == "ok"


def test_a_worker_that_is_too_old() -> None:
    said = {f"http://w:{n}": Worker(v, "id", DATE) for n, v in enumerate(("3.5.2", "3.6.0", "4.3.1", "unknown"))}
    assert [str(one.grade) for one in versions.of_workers("dc2", said)] == ["bad", "ok", "ok", "ok"]


def test_what_a_registry_lacks_matters_where_records_are_written_by_it() -> None:
    there = Checked("a", "a-value", State.REGISTERED, 1)
    missing = Checked("b", "b-value", State.MISSING, None)
    other = Checked("c", "c-value", State.INCOMPATIBLE, None)
    assert [str(one.grade) for one in schemas.registered([there], needed=True)] == ["ok"]
    assert [str(one.grade) for one in schemas.registered([there, missing], needed=False)] == ["look"]
    assert [str(one.grade) for one in schemas.registered([there, missing, other], needed=True)] == ["bad", "bad"]


def test_what_could_not_be_asked_is_unknown() -> None:
    """With the error's own sentence; nothing of an unforeseen one but its kind, as its text may hold anything."""
    checks = Checks(Subject.TOPICS, "dc1")
    known = checks.untold("all", UnreachableError("It is away.", hint="Start it."))
    assert (str(known.grade), known.text, known.hint) == ("unknown", "It is away.", "Start it.")
    assert checks.untold("all", TimeoutError()).text == "Topics (all) on dc1 was not told in time."
    assert "NL91ABNA0417164300" not in checks.untold("all", ValueError("NL91ABNA0417164300")).text
