"""What is missing may be given while somebody waits, a right above all: that is said, and bounded."""

import logging
from collections.abc import Callable
from typing import Final

from kafkalert.errors import DeniedError, KafkalertError

_LOG = logging.getLogger(__name__)
SAY_SECONDS: Final = 10.0
_STEADY_SECONDS: Final = 30.0
"""A denial after so long without one begins a new wait."""


class Denials:
    """Waits for that for `patience` seconds; None waits for ever, 0 not at all."""

    def __init__(self, monotonic: Callable[[], float], patience: float | None) -> None:
        self._monotonic = monotonic
        self._patience = patience
        self._since = self._last = self._said_at = float("-inf")
        self._said = ""

    @property
    def waits(self) -> bool:
        """Whether it waits at all."""
        return self._patience != 0

    def wait(self, error: KafkalertError) -> None:
        """Say what is missing, every SAY_SECONDS while it is. Raises `error` once it was missing for too long."""
        now = self._monotonic()
        if now - self._last > _STEADY_SECONDS:
            self._since = now
        self._last = now
        if self._patience is not None and now - self._since >= self._patience:
            raise error
        if str(error) != self._said or now - self._said_at >= SAY_SECONDS:
            self._said, self._said_at = str(error), now
            awaited = " Waiting for it." if isinstance(error, DeniedError) else ""
            _LOG.warning("%s%s %s", error, awaited, error.hint)
