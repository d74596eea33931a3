"""Processes of the sandbox: known again, recorded whatever happens, gone when their owner is."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from kafkalert.errors import KafkalertError
from kafkalert.sandbox import ports
from kafkalert.sandbox.cleanup import alone, clear, data_folder, identity_file, processes, remove
from kafkalert.sandbox.lock import exclusive
from kafkalert.sandbox.process import PROC, Identity, identify, kill, recorded, send, spawn, state_of, wait_until

SLEEP = ["/bin/sleep", "1000"]
OWNER = """
import os, sys
from pathlib import Path
from kafkalert.sandbox.guard import Guard
from kafkalert.sandbox.process import spawn
from kafkalert.sandbox.cleanup import alone, data_folder, identity_file

folder = Path(sys.argv[1])
with alone(folder) as lock:
    home = data_folder(folder) / "dc1"
    home.mkdir(parents=True)
    identity_file(folder).write_text("one")
    guard = Guard(folder, "one")
    spawn(["/bin/sleep", "1000"], folder=home, env=os.environ, lock=lock)
if "fork" in sys.argv and os.fork() == 0:
    os.setsid()
    os.execv("/bin/cat", ["cat"])  # outlives its parent
print("ready", flush=True)
if "keep" in sys.stdin.readline():
    guard.dismiss()
"""


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Identity]:
    """A process that was started as the sandbox starts its own."""
    with exclusive(tmp_path / "lock", seconds=1, busy="") as lock:
        process = spawn(SLEEP, folder=tmp_path, env=os.environ, lock=lock)
    assert process is not None
    yield process
    kill(process)


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that owns a sandbox in `tmp_path/sb` whose only component sleeps."""
    folder = tmp_path / "sb"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()
    remove(folder)


def test_a_process_is_known_by_its_pid_file(tmp_path: Path, sleeper: Identity) -> None:
    """The file names the very process that became the command."""
    recorded = Identity.read(tmp_path / "pid")
    assert recorded == sleeper
    assert wait_until(lambda: Path(f"/proc/{sleeper.pid}/comm").read_text(encoding="ascii") == "sleep\n", 10)


@pytest.mark.skipif(not PROC.joinpath("self/stat").exists(), reason="no /proc on this machine")
def test_a_planted_pid_file_names_no_process_of_the_sandbox(tmp_path: Path) -> None:
    """Pid and time of start are right, and yet it does not run in the sandbox's folder: `down` leaves it alone."""
    with subprocess.Popen(["/bin/sleep", "60"], cwd="/") as foreign:
        found = identify(foreign.pid)
        assert found is not None
        home = data_folder(tmp_path / ".kafkalert") / "dc1"
        home.mkdir(parents=True)
        (home / "pid").write_text(f"{found[0]}\n")
        assert Identity.read(home / "pid") == found[0]
        assert recorded(home) is None
        assert remove(tmp_path / ".kafkalert")
        assert foreign.poll() is None
        foreign.kill()


def test_a_pid_that_was_given_out_again_is_left_alone(sleeper: Identity) -> None:
    """A process of the same pid that began at another time counts as ended and is not signalled."""
    former = replace(sleeper, began=f"{sleeper.began}0")
    assert state_of(former) is None
    assert not send(former, signal.SIGKILL)
    assert state_of(sleeper) is not None


def test_a_stopped_process_is_told_from_a_running_one(sleeper: Identity) -> None:
    """SIGSTOP shows as T until SIGCONT."""
    send(sleeper, signal.SIGSTOP)
    assert wait_until(lambda: state_of(sleeper) == "T", 5)
    send(sleeper, signal.SIGCONT)
    assert wait_until(lambda: state_of(sleeper) == "S", 5)


def test_a_killed_child_leaves_no_zombie(sleeper: Identity) -> None:
    """Nobody else asks for a child of this process once it has ended."""
    assert kill(sleeper)
    assert identify(sleeper.pid) is None


@pytest.mark.skipif(not Path("/bin/ps").exists(), reason="no ps on this machine")
def test_where_there_is_no_proc_ps_tells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sleeper: Identity) -> None:
    """As on macOS: still one identity a process, and its state."""
    monkeypatch.setattr("kafkalert.sandbox.process.PROC", tmp_path / "none")
    told = identify(sleeper.pid)
    assert told is not None
    assert told == identify(sleeper.pid)
    assert told[0].pid == sleeper.pid
    assert state_of(replace(told[0], began="another day")) is None
    send(told[0], signal.SIGSTOP)
    assert wait_until(lambda: state_of(told[0]) == "T", 5)
    assert kill(told[0])
    assert identify(sleeper.pid) is None


@pytest.mark.parametrize("text", ["", "12", "x 5", "12 "])
def test_a_pid_file_that_is_cut_off_names_no_process(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pid"
    file.write_text(text, encoding="ascii")
    assert Identity.read(file) is None


def test_a_command_that_cannot_be_run_is_noticed(tmp_path: Path) -> None:
    """Its process ends at once, and the log says why."""
    with exclusive(tmp_path / "lock", seconds=1, busy="") as lock:
        process = spawn(["/no/such/command"], folder=tmp_path, env=os.environ, lock=lock)
    assert process is not None
    assert wait_until(lambda: state_of(process) is None, 10)
    assert "No such file" in (tmp_path / "log").read_text(encoding="utf-8")


def test_the_lock_passes_to_the_started_process_until_it_is_recorded(tmp_path: Path) -> None:
    """Whoever gets the lock after a starter that died at the worst moment finds the process on record."""
    lock = tmp_path / "lock"
    starter = f"""
import os
from pathlib import Path
from kafkalert.sandbox import process
from kafkalert.sandbox.lock import exclusive
process.wait_until = lambda *_: os._exit(9)  # dies before it has seen the record
with exclusive(Path({str(lock)!r}), seconds=5, busy="") as held:
    process.spawn(["/bin/sleep", "1000"], folder=Path({str(tmp_path)!r}), env=os.environ, lock=held)
"""
    assert subprocess.run([sys.executable, "-c", starter], check=False).returncode == 9
    with exclusive(lock, seconds=30, busy="the lock was not let go"):
        recorded = Identity.read(tmp_path / "pid")
    assert recorded is not None
    assert kill(recorded)


def test_the_lock_keeps_others_out_and_ends_with_its_holder(tmp_path: Path) -> None:
    """A second command says who is busy; after the first it goes on, also when the first removed the file."""
    file = tmp_path / "lock"
    with (
        exclusive(file, seconds=1, busy=""),
        pytest.raises(KafkalertError, match="busy with it"),
        exclusive(file, seconds=0, busy="busy with it"),
    ):
        pass
    with exclusive(file, seconds=1, busy=""):
        file.unlink()
    with exclusive(file, seconds=1, busy=""):
        assert file.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_nothing_outlives_the_owner(tmp_path: Path, owner: subprocess.Popen[str], number: signal.Signals) -> None:
    """Whatever ends the owner, its guard ends every process and removes the folder."""
    (process,) = processes(tmp_path / "sb")
    owner.send_signal(number)
    assert wait_until(lambda: state_of(process) is None and not (tmp_path / "sb").exists(), 30)


def test_a_forked_child_of_the_owner_does_not_keep_the_sandbox(tmp_path: Path) -> None:
    """It holds the guard's pipe open, as a pool of worker processes would; the owner's end counts all the same."""
    folder = tmp_path / "sb"
    folder.mkdir()
    command = [sys.executable, "-c", OWNER, str(folder), "fork"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        (process,) = processes(folder)
        owner.kill()
        assert wait_until(lambda: state_of(process) is None and not folder.exists(), 30)


def test_a_dismissed_guard_leaves_everything(tmp_path: Path, owner: subprocess.Popen[str]) -> None:
    """A sandbox that is to stay stays when the command that started it ends."""
    (process,) = processes(tmp_path / "sb")
    owner.communicate("keep\n", timeout=30)
    assert owner.returncode == 0
    assert state_of(process) is not None
    assert data_folder(tmp_path / "sb").exists()


def test_a_guard_leaves_the_successor_of_its_sandbox_alone(tmp_path: Path, owner: subprocess.Popen[str]) -> None:
    """Taken down and started anew by others, the sandbox is no longer the owner's."""
    folder = tmp_path / "sb"
    children = psutil.Process(owner.pid).children()
    (guard,) = (child for child in children if "kafkalert.sandbox.guard" in child.cmdline())
    with alone(folder) as lock:
        clear(folder)
        home = data_folder(folder) / "dc1"
        home.mkdir(parents=True)
        identity_file(folder).write_text("two", encoding="ascii")
        successor = spawn(SLEEP, folder=home, env=os.environ, lock=lock)
    owner.kill()
    owner.wait()
    assert not psutil.wait_procs([guard], timeout=30)[1]
    assert state_of(successor) is not None


def test_a_server_s_port_is_not_free_until_it_ends() -> None:
    """And the error for it names the port."""
    with socket.create_server((ports.HOST, 0)) as server:
        port = server.getsockname()[1]
        assert not ports.is_free(port)
        with pytest.raises(KafkalertError, match=f"Port {port} of 127.0.0.1 is in use"):
            ports.demand_free(port, hint="")
    assert ports.is_free(port)


def test_chosen_ports_are_none_that_an_outgoing_connection_gets() -> None:
    """A client that knocks at a dead broker's port must not be given that port as its own."""
    with contextlib.suppress(FileNotFoundError):
        lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
        assert lowest > ports.HIGHEST
    taken: set[int] = set()
    for _ in range(50):
        port = ports.free_port(taken)
        assert ports.LOWEST <= port <= ports.HIGHEST
        assert port not in taken
        taken.add(port)
