"""How a stage is told to stop, and how long it may take."""

import logging
import os
import signal
from threading import Event, Thread, Timer
from typing import Final

from kafkalert.engine.clock import Clock
from kafkalert.errors import ExitCode, KafkalertError, RestartError

_LOG = logging.getLogger(__name__)
_BUG: Final = "This is a bug in kafkalert; please report it. What was not committed is processed again."
ORDERLY_SECONDS: Final = 6.0
"""What delivering and committing may take after a stop; with closing and the last heartbeat it stays below 10 s."""
LAST_SECONDS: Final = 9.0
"""After this the process ends whatever it waits for: a library's call to a broker that hangs may take minutes."""

PARENT: Final = "KAFKALERT_SUPERVISOR"
"""Environment of a worker: the supervisor's pid. A worker whose parent is another one has lost it, and stops."""


HOPELESS: Final = 78
"""Exit status by which a worker tells its supervisor that no restart helps (EX_CONFIG of BSD's sysexits)."""


class InterruptedStopError(KafkalertError):
    """Stopping took too long: what was not acknowledged is not committed, and is processed again."""


class Stopping:
    """Set once, by a signal or by who owns the stage; `reason` is what went wrong, if anything did.

    `event` is for those who wait for more than a stop.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.event = Event()
        self._since = 0.0
        self.reason: KafkalertError | None = None

    def stop(self, reason: KafkalertError | None = None) -> None:
        """Ask for an orderly end; the first reason counts."""
        if not self.event.is_set():
            self._since = self._clock.monotonic()
            self.reason = reason
            self.event.set()

    def thread_ended(self, error: BaseException | None) -> None:
        """End the stage, as a thread that it cannot do without has ended, unless that has just returned."""
        if error is None:
            return
        what = f"A thread of the stage ended ({type(error).__name__})."  # its text may hold anything
        _LOG.debug("%s", what, exc_info=error)
        self.stop(error if isinstance(error, KafkalertError) else RestartError(what, hint=_BUG))

    def __bool__(self) -> bool:
        return self.event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds` for a stop; whether there is one."""
        return self.event.wait(seconds)

    def check_deadline(self) -> None:
        """Raise InterruptedStopError once a stop has taken too long."""
        if self.event.is_set() and self._clock.monotonic() - self._since > ORDERLY_SECONDS:
            raise InterruptedStopError(
                "The broker did not acknowledge everything in time.",
                hint="Nothing is lost: what was not acknowledged is not committed, and the next start sends it.",
            )

    def with_parent(self) -> None:
        """Stop if this is a worker whose supervisor is gone."""
        parent = os.environ.get(PARENT)
        if parent is not None and parent != str(os.getppid()):
            self.stop()

    def on_signals(self, *, within: float = LAST_SECONDS) -> None:
        """SIGTERM and SIGINT stop in order, `within` so many seconds; a second one ends the process at once.

        A thread of its own takes them: Python's handlers wait until a call into a library has returned, and they run
        inside the interrupted code, which may hold the event's lock.
        """
        readable, writable = os.pipe()
        os.set_blocking(writable, False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
        Thread(target=self._heed, args=(readable, within), name="signals", daemon=True).start()

    def _heed(self, readable: int, within: float) -> None:
        os.read(readable, 1)
        self.stop()
        # What was not acknowledged is not committed, so this is as orderly as an end without the broker can be.
        last = Timer(within, os._exit, (ExitCode.DONE,))
        last.daemon = True
        last.start()
        (number,) = os.read(readable, 1)
        os._exit(ExitCode.INTERRUPTED if number == signal.SIGINT else 128 + number)
