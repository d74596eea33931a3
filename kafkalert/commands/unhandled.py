"""Errors that no command meets: of a thread that nobody watches, or in a callback whose caller takes none.

Python prints them as they are, with what they say, which may be a customer's.
"""

import logging
import sys
import threading
import traceback
from types import TracebackType

_LOG = logging.getLogger("kafkalert.stray")


def hear() -> None:
    """From now on they are log lines, by their kind and place."""
    threading.excepthook = _in_a_thread
    sys.unraisablehook = _in_a_callback


def place(kind: str, calls: TracebackType | None) -> str:
    """Return the kind of an error and where in kafkalert it came from; never its message."""
    frames = [frame for frame in traceback.extract_tb(calls) if "kafkalert" in frame.filename]
    if not frames:
        return kind
    module = frames[-1].filename.rpartition("kafkalert/")[2]
    return f"{kind} at kafkalert/{module}:{frames[-1].lineno}"


def _in_a_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_type is not SystemExit:
        name = ended.thread.name if ended.thread else "?"
        _tell(f"thread {name} ended", ended.exc_type.__name__, ended.exc_traceback)


def _in_a_callback(dropped: "sys.UnraisableHookArgs") -> None:
    _tell("a callback failed", dropped.exc_type.__name__, dropped.exc_traceback)


def _tell(what: str, kind: str, calls: TracebackType | None) -> None:
    _LOG.error("%s: %s; this is a bug in kafkalert", what, place(kind, calls))
    for line in traceback.format_tb(calls):
        _LOG.debug("%s", line.rstrip())
