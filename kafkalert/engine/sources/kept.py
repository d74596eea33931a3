"""What a source keeps to be sent again, as it cannot be read again."""

import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any, Final, NamedTuple

from kafkalert.engine.clock import Clock
from kafkalert.engine.delivery import Delivery

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

    The seconds count back from the last acknowledgement: a cluster that is gone acknowledges nothing, and however late
    somebody moves away from it, it may not have given on what it took before. With None for them nothing is kept.

    `acknowledged` is called with the origin of each record that has arrived, once.
    """

    def __init__(
        self, clock: Clock, seconds: float | None = KEPT_SECONDS, acknowledged: Callable[[Any], None] | None = None
    ) -> None:
        self._clock = clock
        self.keeps, self._seconds = seconds is not None, seconds or 0.0
        self._told = acknowledged
        self._acknowledged: deque[tuple[float, int, list[Record]]] = deque()
        self._waiting: dict[int, Record] = {}
        self._numbers = count()
        self._acknowledged_bytes = 0
        self._said = False
        self.waiting_bytes = 0

    def sent(self, record: Record) -> int:
        """Keep one that is handed over; return its number."""
        number = next(self._numbers)
        self._waiting[number] = record
        self.waiting_bytes += record.size
        return number

    def hand(self, delivery: Delivery, record: Record) -> None:
        """Give `delivery` a record, and keep it. Raises what `Delivery.send` raises; then it is not kept."""
        topic, value, key, headers, _ = record
        if self._told is None:
            delivery.send(topic, value, key, headers)
            if self.keeps:
                self.sent(record)
            return
        number = self.sent(record)
        try:
            delivery.send_and_tell(topic, value, key, headers, partial(self._arrived, number))
        except BaseException:
            self.waiting_bytes -= self._waiting.pop(number).size
            raise

    def _arrived(self, number: int) -> None:
        """Note that one has arrived, in whatever order; what was sent again since has another number."""
        record = self._waiting.pop(number, None)
        if record is None:
            return
        self.waiting_bytes -= record.size
        self._keep([record])
        if record.origin is not None and self._told is not None:
            self._told(record.origin)

    def acknowledged(self) -> None:
        """All that was handed over has arrived."""
        if self._waiting:
            self._keep([*self._waiting.values()])
            self._waiting, self.waiting_bytes = {}, 0

    def _keep(self, records: list[Record]) -> None:
        now, size = self._clock.monotonic(), sum(record.size for record in records)
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
        found = [*(record._replace(origin=None) for record in before), *self._waiting.values()]  # that was told before
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
