"""Several processes of one stage, kept alive: what dies is started again, later and later while it keeps dying."""

import logging
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from kafkalert.engine.clock import Clock
from kafkalert.engine.stopping import HOPELESS, LAST_SECONDS, PARENT, Stopping
from kafkalert.errors import ExitCode, KafkalertError

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 0.1
_FIRST_SECONDS: Final = 0.2
_MOST_SECONDS: Final = 30.0
_STEADY_SECONDS: Final = 60.0
_PATIENCE_SECONDS: Final = LAST_SECONDS + 0.3
LAST_OF_ALL_SECONDS: Final = LAST_SECONDS + 0.8
"""When a supervisor that was told to stop ends, whatever it still waits for: after its workers, and below 10 s."""
RESTARTS: Final = "KAFKALERT_RESTARTS"
_WRONG: Final = {
    HOPELESS: ExitCode.FAILED,
    **{code.value: code for code in (ExitCode.USAGE, ExitCode.UNREACHABLE, ExitCode.REFUSED)},
}
"""Statuses of workers that found out what no restart mends, and what the supervisor ends with then."""


@dataclass
class Worker:
    """One of the processes, and what is known of it."""

    index: int
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    restarts: int = 0
    wait: float = 0.0
    due: float = 0.0
    finished: bool = False


class Supervisor:
    """Runs `count` processes until stopped, or, where they should come to an end, until all have.

    `command(index)` is the command line of the worker of that index, from 0. `until_end`: status 0 is a worker's end;
    otherwise somebody told it to stop, and it is started again like one that died.
    """

    def __init__(
        self,
        command: Callable[[int], Sequence[str]],
        count: int,
        *,
        until_end: bool,
        clock: Clock,
        stopping: Stopping,
    ) -> None:
        self._until_end = until_end
        self._command = command
        self._clock = clock
        self._stopping = stopping
        self._workers = [Worker(index) for index in range(count)]

    def run(self) -> None:
        """Supervise. Raises KafkalertError with a worker's own status where it ended for what no restart mends."""
        try:
            while not self._stopping and not all(worker.finished for worker in self._workers):
                for worker in self._workers:
                    self._look(worker)
                self._stopping.wait(_LOOK_SECONDS)
        finally:
            self._end()

    def _look(self, worker: Worker) -> None:
        now = self._clock.monotonic()
        if worker.finished:
            return
        if worker.process is None:
            if now >= worker.due:
                self._start(worker, now)
            return
        status = worker.process.poll()
        if status is None:
            return
        worker.process = None
        if status == 0 and (self._until_end or self._stopping):
            worker.finished = True
        elif status in _WRONG:
            error = KafkalertError(
                f"Worker {worker.index} gave up; the others are stopped.", hint="It said why, above."
            )
            error.exit_code = _WRONG[status]
            raise error
        else:
            cause = f"was killed by {_name(-status)}" if status < 0 else f"ended with status {status}"
            self._put_off(worker, now, cause, steady=now - worker.started > _STEADY_SECONDS)

    def _put_off(self, worker: Worker, now: float, cause: str, *, steady: bool) -> None:
        """Have it started again in a while, longer than the last time unless it had run well."""
        worker.wait = _FIRST_SECONDS if steady or not worker.wait else min(2 * worker.wait, _MOST_SECONDS)
        worker.due = now + worker.wait
        worker.restarts += 1
        _LOG.warning("worker %d %s; starting it again in %.1f s", worker.index, cause, worker.wait)

    def _start(self, worker: Worker, now: float) -> None:
        environment = {**os.environ, PARENT: str(os.getpid()), RESTARTS: str(worker.restarts)}
        # A group of its own: ctrl-c reaches the supervisor alone, which then stops the workers in order.
        try:
            worker.process = subprocess.Popen(
                list(self._command(worker.index)),
                env=environment,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:  # too many processes, or no memory for one more: that passes
            self._put_off(worker, now, f"cannot be started: {error.strerror}", steady=False)
            return
        worker.started = now
        _LOG.warning("worker %d runs as process %d", worker.index, worker.process.pid)

    def _end(self) -> None:
        """Stop what runs: in order, then, for what takes too long, at once."""
        running = [worker.process for worker in self._workers if worker.process is not None]
        for process in running:
            process.terminate()
        until = self._clock.monotonic() + _PATIENCE_SECONDS
        for process in running:
            try:
                process.wait(max(0.1, until - self._clock.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _name(number: int) -> str:
    """Return a signal's name; those between the first and the last real-time one have none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
