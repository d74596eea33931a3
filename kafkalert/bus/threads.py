"""Threads whose end is seen, and callbacks whose errors reach Python, whatever a client library raises.

confluent_kafka passes on what a callback raised as the error of the call that served it. On Python 3.11 an error of the
library itself then arrives as a KafkaError, which is no exception: no `except` sees it, and only `finally` runs. A
thread that ends so leaves no trace.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

from kafkalert.errors import KafkalertError, RestartError

_LOG = logging.getLogger(__name__)
_REPORT: Final = "Run with -vv for its cause; please report it."
_HINT: Final = f"What was not committed is processed again. {_REPORT}"


class LostThreadError(RestartError):
    """A thread ended, and nothing says why."""


def watched(name: str, work: Callable[[], None], ended: Callable[[BaseException | None], None]) -> Callable[[], None]:
    """`work` for a thread called `name`. `ended` is called at its end with what ended it, or None where it returned.

    `ended` must not raise: nobody would see that.
    """

    def run() -> None:
        error: BaseException | None = LostThreadError(f"The thread {name} ended without a word.", hint=_HINT)
        try:
            work()
            error = None
        except BaseException as raised:  # noqa: BLE001 - told to whoever has to know
            error = raised
        finally:
            ended(error)
            return  # noqa: B012 - what is no exception would break whoever prints it

    return run


def lost(what: str, error: BaseException) -> KafkalertError:
    """Return what is told of a thread that was doing `what`, and that `error` ended."""
    if isinstance(error, KafkalertError):
        return error
    _LOG.debug("%s ended", what, exc_info=error)
    return RestartError(f"{what} ended ({type(error).__name__}).", hint=_REPORT)  # its text may hold anything


class Callbacks:
    """Keeps the first error of a client's callbacks until `check` raises it, outside of the library.

    Not for several threads at once: a client serves its callbacks on the thread that calls it.
    """

    def __init__(self) -> None:
        self._error: Exception | None = None

    def kept(self, callback: Callable[..., None]) -> Callable[..., None]:
        """Return `callback` as one that raises nothing any more; ctrl-c passes."""

        def call(*given: Any) -> None:  # noqa: ANN401 - whatever the library gives it
            try:
                callback(*given)
            except Exception as error:  # noqa: BLE001 - raised by `check`
                self._error = self._error or error

        return call

    def check(self) -> None:
        """Raise what a callback raised, once."""
        error, self._error = self._error, None
        if error is not None:
            raise error
