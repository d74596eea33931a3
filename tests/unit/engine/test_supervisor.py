"""Processes kept alive, by a clock that the test moves and commands of the shell."""

import errno
import logging
import os
import signal
from pathlib import Path
from threading import Thread

import pytest

from kafkalert.engine.stopping import HOPELESS, PARENT, Stopping
from kafkalert.engine.supervisor import RESTARTS, Supervisor, Worker
from kafkalert.errors import ExitCode, KafkalertError
from kafkalert.sandbox.process import wait_until
from tests.support.fakes.engine import FakeClock


class Shell:
    """A supervisor of shell scripts; a script finds its index in $0."""

    def __init__(self, script: str, count: int = 1, *, until_end: bool = False) -> None:
        self.clock = FakeClock()
        self.stopping = Stopping(self.clock)
        self.supervisor = Supervisor(
            lambda index: ["sh", "-c", script, str(index)],
            count,
            until_end=until_end,
            clock=self.clock,
            stopping=self.stopping,
        )
        self.workers = self.supervisor._workers

    def look(self) -> None:
        """One look at each worker."""
        for worker in self.workers:
            self.supervisor._look(worker)

    def see_end(self, worker: Worker) -> None:
        """Start it if it is due, wait for its end, and look at that."""
        self.supervisor._look(worker)
        assert worker.process is not None
        worker.process.wait(30)
        self.supervisor._look(worker)
        assert worker.process is None


def test_what_keeps_dying_is_started_again_later_and_later() -> None:
    """The wait doubles up to half a minute; what ran for a minute starts from the first wait again."""
    shell = Shell("exit 3")
    (worker,) = shell.workers
    waits = []
    for restarts in range(1, 11):
        shell.see_end(worker)
        assert worker.restarts == restarts
        waits.append(worker.wait)
        shell.clock.pass_by(worker.wait - 0.01)
        shell.look()
        assert worker.process is None
        shell.clock.pass_by(0.02)
    assert waits == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30])
    shell.supervisor._look(worker)
    assert worker.process is not None
    worker.process.wait(30)
    shell.clock.pass_by(61)
    shell.supervisor._look(worker)
    assert worker.wait == pytest.approx(0.2)


def test_a_worker_knows_its_supervisor_and_how_often_it_was_restarted(tmp_path: Path) -> None:
    """So it can end when it is left alone, and say so in its heartbeat."""
    shell = Shell(f'echo "$0 ${PARENT} ${RESTARTS}" >> {tmp_path}/said; kill -9 $$')
    (worker,) = shell.workers
    shell.see_end(worker)
    shell.clock.pass_by(1)
    shell.see_end(worker)
    assert (tmp_path / "said").read_text() == f"0 {os.getpid()} 0\n0 {os.getpid()} 1\n"


def test_when_all_have_finished_so_has_the_supervisor() -> None:
    """Where there is an end, status 0 is one, not a death."""
    shell = Shell("exit 0", count=3, until_end=True)
    shell.supervisor.run()
    assert all(one.finished and one.restarts == 0 for one in shell.workers)


def test_a_worker_that_somebody_stopped_is_started_again() -> None:
    """Without an end to come to, status 0 is that of a SIGTERM: its place must not stay empty."""
    shell = Shell("exit 0")
    (worker,) = shell.workers
    shell.see_end(worker)
    assert (worker.finished, worker.restarts) == (False, 1)
    shell.clock.pass_by(1)
    shell.see_end(worker)
    assert worker.restarts == 2
    shell.stopping.stop()
    shell.clock.pass_by(1)
    shell.see_end(worker)
    assert (worker.finished, worker.restarts) == (True, 2)


def test_a_signal_without_a_name_is_a_death_like_others(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python names the first and the last of the real-time signals only."""
    monkeypatch.setattr(logging.getLogger("kafkalert"), "propagate", True)
    shell = Shell("kill -37 $$; exec sleep 600")
    (worker,) = shell.workers
    shell.see_end(worker)
    assert worker.restarts == 1
    assert "was killed by signal 37; starting it again" in caplog.text


def test_where_no_process_can_be_had_it_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine has no more of them: the other workers go on meanwhile."""
    shell = Shell("exit 3")
    (worker,) = shell.workers

    def none_left(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr("kafkalert.engine.supervisor.subprocess.Popen", none_left)
        waits = []
        for _ in range(3):
            shell.look()
            waits.append(worker.wait)
            shell.clock.pass_by(worker.wait + 0.01)
        assert waits == pytest.approx([0.2, 0.4, 0.8])
        assert worker.process is None
    shell.see_end(worker)


@pytest.mark.parametrize(
    ("status", "own"),
    [
        (2, ExitCode.USAGE),
        (4, ExitCode.UNREACHABLE),
        (5, ExitCode.REFUSED),
        (HOPELESS, ExitCode.FAILED),
    ],
)
def test_what_no_restart_mends_ends_all_with_its_status(status: int, own: ExitCode) -> None:
    """A wrong configuration, a cluster that was away for too long, a refusal, or any other stated reason."""
    shell = Shell(f'test "$0" = 1 && exit {status}; exec sleep 600', count=2)
    with pytest.raises(KafkalertError, match="Worker 1 gave up") as raised:
        shell.supervisor.run()
    assert raised.value.exit_code is own
    other = shell.workers[0].process
    assert other is not None
    assert other.returncode == -signal.SIGTERM


def test_a_stop_stops_the_workers_in_order(tmp_path: Path) -> None:
    """Each is told once, by SIGTERM, and may end its work."""
    shell = Shell(
        f'trap "echo end >> {tmp_path}/said; exit 0" TERM; echo up >> {tmp_path}/said; while :; do sleep 0.05; done',
        count=2,
    )
    running = Thread(target=shell.supervisor.run)
    running.start()
    said = tmp_path / "said"
    assert wait_until(lambda: said.exists() and said.read_text() == "up\nup\n", 30)
    shell.stopping.stop()
    running.join(30)
    assert said.read_text() == "up\nup\nend\nend\n"
    assert [one.process and one.process.returncode for one in shell.workers] == [0, 0]


def test_a_worker_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time is up; nothing is left behind."""
    monkeypatch.setattr("kafkalert.engine.supervisor._PATIENCE_SECONDS", 0.1)
    shell = Shell(f'trap "" TERM; echo up >> {tmp_path}/said; while :; do sleep 0.05; done')
    running = Thread(target=shell.supervisor.run)
    running.start()
    assert wait_until((tmp_path / "said").exists, 30)
    shell.stopping.stop()
    running.join(30)
    (worker,) = shell.workers
    assert worker.process is not None
    assert worker.process.returncode == -signal.SIGKILL
