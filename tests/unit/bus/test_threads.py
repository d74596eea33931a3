"""A thread's end is seen, however it ends; what a callback raises is raised outside of the library."""

import ctypes
import sys
from collections.abc import Callable
from threading import Thread

import pytest
from confluent_kafka import KafkaError

from kafkalert.bus.threads import Callbacks, LostThreadError, watched


def raise_what_is_no_exception() -> None:
    """As the library does on Python 3.11 when a callback's own call of it fails: a KafkaError is no exception."""
    restore = ctypes.pythonapi.PyErr_Restore
    restore.argtypes, restore.restype = [ctypes.py_object] * 3, None
    given = (KafkaError, KafkaError(KafkaError._TIMED_OUT), None)
    ctypes.pythonapi.Py_IncRef.argtypes = [ctypes.py_object]
    for one in given:
        ctypes.pythonapi.Py_IncRef(one)
    restore(*given)


def ends_of(work: Callable[[], None]) -> list[BaseException | None]:
    """What is told of the end of a thread that does `work`."""
    told: list[BaseException | None] = []
    thread = Thread(target=watched("loop", work, told.append))
    thread.start()
    thread.join(10)
    return told


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="from Python 3.12 on it is made an exception")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_end_by_what_is_no_exception_is_seen() -> None:
    """No `except` sees it: without the watch the thread would be gone, and nobody would know."""
    caught: list[str] = []

    def work() -> None:
        try:
            raise_what_is_no_exception()
        except BaseException:  # noqa: BLE001 - to see that this sees nothing
            caught.append("caught")

    (error,) = ends_of(work)
    assert isinstance(error, LostThreadError)
    assert "loop" in str(error)
    assert caught == []


def test_an_end_by_an_error_is_told_with_it() -> None:
    def work() -> None:
        raise SystemExit(3)

    (error,) = ends_of(work)
    assert isinstance(error, SystemExit)
    assert ends_of(lambda: None) == [None]


def test_what_a_callback_raises_is_raised_by_the_next_look_once() -> None:
    """Of several the first counts: the others may be its consequences."""
    callbacks = Callbacks()
    seen: list[object] = []

    def assigned(*given: object) -> None:
        seen.append(given)
        raise ValueError(len(seen))

    kept = callbacks.kept(assigned)
    kept("consumer", ["partition"])
    kept("consumer", [])
    assert seen == [("consumer", ["partition"]), ("consumer", [])]
    with pytest.raises(ValueError, match=r"^1$"):
        callbacks.check()
    callbacks.check()


def test_ctrl_c_passes_a_callback() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Callbacks().kept(interrupted)()
