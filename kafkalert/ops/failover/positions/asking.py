"""Several questions at once, of clusters that may never answer."""

from collections.abc import Callable, Hashable, Mapping
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


def at_once(
    calls: Mapping[K, Callable[[], T]], seconds: float, *, hasty: Mapping[K, float] | None = None
) -> dict[K, T | Exception]:
    """Return what each of `calls` returned or raised within `seconds`; TimeoutError for one that did not end.

    Those in `hasty` are not waited for longer than it says.

    Each has a thread of its own, which is left behind where it hangs and does not hold up the end of the process.
    """
    answers: SimpleQueue[tuple[K, T | Exception]] = SimpleQueue()

    def ask(key: K, call: Callable[[], T]) -> None:
        try:
            answers.put((key, call()))
        except Exception as error:  # noqa: BLE001 - told to who asked
            answers.put((key, error))

    for key, call in calls.items():
        Thread(target=ask, args=(key, call), name="ask", daemon=True).start()
    found: dict[K, T | Exception] = {}
    began, patience = monotonic(), dict.fromkeys(calls, seconds) | dict(hasty or {})
    while len(found) < len(calls):
        give_up = began + max(patience[key] for key in calls if key not in found)
        try:
            key, answer = answers.get(timeout=max(0.0, give_up - monotonic()))
        except Empty:
            break
        found[key] = answer
    return {key: found.get(key, TimeoutError()) for key in calls}
