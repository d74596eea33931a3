"""What a source keeps to be sent again, as it cannot be read again."""

import logging
from collections import deque
from itertools import count
from typing import Any, Final, NamedTuple

from kafkalert.engine.clock import Clock

_LOG = logging.getLogger(__name__)
KEPT_SECONDS: Final = 60.0
KEPT_BYTES: Final = 64 << 20
_OVERHEAD_BYTES: Final = 200
"""What a kept record takes besides its key and value."""


class Record(NamedTuple):
    """What a source hands over. `origin`: what the source is told once a cluster has it, if anything."""

    topic: str
    value: bytes | None
    key: bytes | None
    headers: list[tuple[str, Any]]
    origin: Any = None

    @property
    def size(self) -> int:
        """Bytes that it takes in memory, about."""
        return len(self.value or b"") + len(self.key or b"") + _OVERHEAD_BYTES


class Kept:
    """Records that may have to be sent again: those without acknowledgement, and of those with one the last `seconds`.

    These count back from the last acknowledgement: a cluster that is gone acknowledges nothing, and however late
    somebody moves away from it, it may not have given on what it took before.
    """

    def __init__(self, clock: Clock, seconds: float = KEPT_SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._acknowledged: deque[tuple[float, int, list[Record]]] = deque()
        self._waiting: dict[int, Record] = {}
        self._numbers = count()
        self._acknowledged_bytes = 0
        self._said = False
        self.waiting_bytes = 0

    def sent(self, record: Record) -> int:
        """Keep one that is handed over; return its number, for `arrived`."""
        number = next(self._numbers)
        self._waiting[number] = record
        self.waiting_bytes += record.size
        return number

    def unsent(self, number: int) -> None:
        """Forget one that could not be handed over."""
        self.waiting_bytes -= self._waiting.pop(number).size

    def arrived(self, number: int) -> Record | None:
        """Note that one has arrived, in whatever order, and return it; None where that is known."""
        record = self._waiting.pop(number, None)
        if record is not None:
            self.waiting_bytes -= record.size
            self._keep([record])
        return record

    def acknowledged(self) -> None:
        """All that was handed over has arrived."""
        if self._waiting:
            self._keep([*self._waiting.values()])
            self._waiting, self.waiting_bytes = {}, 0

    def _keep(self, records: list[Record]) -> None:
        now, size = self._clock.monotonic(), sum(one.size for one in records)
        self._acknowledged.append((now, size, records))
        self._acknowledged_bytes += size
        self._forget_older(now - self._seconds)
        while self._acknowledged_bytes > KEPT_BYTES:
            self._drop()
            if not self._said:
                self._said = True
                _LOG.warning("less than the last %.0f s are kept to be sent again: they are too much", KEPT_SECONDS)

    def take(self, *, acknowledged: bool) -> list[Record]:
        """Return what is to be sent again, in order.

        That is what was not acknowledged, and before it perhaps the last one that was.
        """
        before = [record for _, _, batch in self._acknowledged for record in batch] if acknowledged else []
        found = [*(one._replace(origin=None) for one in before), *self._waiting.values()]  # that was told before
        self._waiting, self.waiting_bytes = {}, 0
        if acknowledged:
            self._acknowledged.clear()
            self._acknowledged_bytes = 0
        return found

    def _forget_older(self, moment: float) -> None:
        while self._acknowledged and self._acknowledged[0][0] < moment:
            self._drop()

    def _drop(self) -> None:
        self._acknowledged_bytes -= self._acknowledged.popleft()[1]
