"""Which native records of one cluster's partition are on the other cluster, by ids, as both are being read."""

from collections import OrderedDict
from dataclasses import dataclass

from kafkalert.bus.records.marks import Mark, Marks


@dataclass(frozen=True, slots=True)
class Uncrossed:
    """What one partition lacks on the other cluster; falsy where it lacks nothing.

    Attributes:
        records: native records that are not there.
        again: native records that are there, and that the flow is about to repeat, as it began anew further back.
        unread: offsets that were not read yet, behind which there may be more.
        timestamp: of the oldest of `records`, in ms; None without any.
    """

    records: int
    again: int = 0
    unread: int = 0
    timestamp: int | None = None

    def __bool__(self) -> bool:
        return bool(self.records or self.again or self.unread)


class NativeRecords:
    """Native records without a copy so far, and copies without a native record so far: the logs are read independently.

    `in_order`: a record that crossed answers for those before it, whose copies may be gone, by compaction or by age.
    """

    def __init__(self, *, in_order: bool = False) -> None:
        self._in_order = in_order
        # By rising offset. A plain dict would be walked over all that has left its front, each time.
        self._missing: OrderedDict[bytes, tuple[int, int]] = OrderedDict()
        self._early: set[bytes] = set()
        self.last_copy: bytes | None = None
        """What the flow carried last."""
        self.crossed = 0
        """The offset behind the last native record that has a copy."""

    def written(self, mark: Mark) -> None:
        """Take a native record, which lies behind all others so far."""
        if mark.id in self._early:
            self._early.discard(mark.id)
            self._crossed_up_to(mark.offset)
        else:
            self._missing.setdefault(mark.id, (mark.offset, mark.timestamp))

    def copied(self, record_id: bytes, *, may_be_early: bool = True) -> None:
        """Take a copy, which lies behind all others so far; `may_be_early`: its native record may be read later."""
        self.last_copy = record_id
        found = self._missing.pop(record_id, None)
        if found is not None:
            self._crossed_up_to(found[0])
        elif may_be_early:
            self._early.add(record_id)

    def missing(self, end: int) -> tuple[int, int | None]:
        """How many native records before the offset `end` have no copy, and the time (ms) of the oldest."""
        times = [timestamp for offset, timestamp in self._missing.values() if offset < end]
        return len(times), min(times, default=None)

    def repeating(self, marks: Marks, end: int) -> int:
        """How many native records before `end` come again, as what the flow carried last lies before them."""
        if self.last_copy is None:
            return 0
        passed = 0
        place = marks.are_native.rfind(True)
        while place >= 0 and marks.id_at(place) != self.last_copy:
            passed += marks.offsets[place] < end
            place = marks.are_native.rfind(True, 0, place)
        return passed

    def _crossed_up_to(self, offset: int) -> None:
        self.crossed = max(self.crossed, offset + 1)
        if self._in_order:
            while self._missing and self._missing[next(iter(self._missing))][0] <= offset:
                self._missing.popitem(last=False)
