"""When a stay on a cluster ends: with the process, or alone, because the stage moves."""

from traceback import clear_frames
from typing import Final, Protocol

from kafkalert.errors import KafkalertError


class Ends(Protocol):
    """What may tell somebody who waits to stop waiting: a `Stopping`, or an `Ending`."""

    def __bool__(self) -> bool:
        """Whether the end has come."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds` for it; whether it has come."""
        ...

    def check_deadline(self) -> None:
        """Raise InterruptedStopError once an orderly end has taken too long."""
        ...


class AbandonedError(KafkalertError):
    """The stage works elsewhere now. Whoever still works on the old cluster has woken too late, and ends."""


class Ending:
    """Whether one stay ends.

    `leave` asks for an orderly end, at a commit boundary. `abandon` forbids every further step: the next look at this
    object raises AbandonedError, whatever call the stay was waiting in. Neither can be taken back.
    """

    def __init__(self, stopping: Ends) -> None:
        self._stopping = stopping
        self.leaving = False
        self.abandoned = False

    def leave(self) -> None:
        """Ask for an orderly end."""
        self.leaving = True

    def abandon(self) -> None:
        """Forbid every further step."""
        self.abandoned = True

    def check(self) -> None:
        """Raise AbandonedError if the stay was abandoned."""
        if self.abandoned:
            raise AbandonedError(_LATE)

    def __bool__(self) -> bool:
        return self.leaving or self.abandoned or bool(self._stopping)

    @property
    def stopped(self) -> bool:
        """Whether the whole process ends."""
        return bool(self._stopping)

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds` for the process' end; whether that or the stay's has come."""
        return bool(self) or self._stopping.wait(seconds) or bool(self)

    def check_deadline(self) -> None:
        """Raise AbandonedError, or InterruptedStopError once a stop has taken too long."""
        self.check()
        self._stopping.check_deadline()


_LATE: Final = "The stage has moved to another cluster."


def alone(error: BaseException) -> BaseException:
    """Return an error that keeps nothing alive.

    Its frames hold clients, which must not end on somebody else's thread.
    """
    each: BaseException | None = error
    while isinstance(each, BaseException):  # the library may leave something else there; see bus/threads.py
        clear_frames(each.__traceback__)
        each = each.__cause__ or each.__context__
    return error
