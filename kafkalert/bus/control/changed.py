"""A condition for those who wait for news."""

from collections.abc import Callable
from threading import Condition


class Changed(Condition):
    """A condition that can be waited for without holding it."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the next change; False if none came within `timeout` seconds."""
        with self:
            return super().wait(timeout)

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:  # type: ignore[override]  # it is asked whether, not what
        """Wait until `predicate` holds; whether it does."""
        with self:
            return bool(super().wait_for(predicate, timeout))
