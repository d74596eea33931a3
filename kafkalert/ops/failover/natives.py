"""Which natives of one cluster's partition are on the other cluster, by ids, as both are being read."""

from dataclasses import dataclass

from kafkalert.bus.marks import Mark, Marks


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


class Natives:
    """Natives without a copy so far, and copies without a native so far: the logs are read independently.

    `in_order`: a record that crossed answers for those before it, whose copies may be gone, by compaction or by age.
    """

    def __init__(self, *, in_order: bool = False) -> None:
        self._in_order = in_order
        self._missing: dict[bytes, tuple[int, int]] = {}
        self._early: set[bytes] = set()
        self.last_copy: bytes | None = None
        """What the flow carried last."""
        self.crossed = 0
        """The offset behind the last native that has a copy."""

    def written(self, one: Mark) -> None:
        """A native was read, behind all others so far."""
        if one.id in self._early:
            self._early.discard(one.id)
            self._crossed_up_to(one.offset)
        else:
            self._missing.setdefault(one.id, (one.offset, one.timestamp))

    def copied(self, record_id: bytes, *, may_be_early: bool = True) -> None:
        """A copy was read, behind all others so far; `may_be_early`: its native may be read later."""
        self.last_copy = record_id
        found = self._missing.pop(record_id, None)
        if found is not None:
            self._crossed_up_to(found[0])
        elif may_be_early:
            self._early.add(record_id)

    def missing(self, end: int) -> tuple[int, int | None]:
        """How many natives before the offset `end` have no copy, and the time (ms) of the oldest."""
        times = [timestamp for offset, timestamp in self._missing.values() if offset < end]
        return len(times), min(times, default=None)

    def repeating(self, natives: Marks, end: int) -> int:
        """How many natives before `end` come again, as what the flow carried last lies before them."""
        if self.last_copy is None:
            return 0
        passed = 0
        place = natives.natives.rfind(True)
        while place >= 0 and natives.id_at(place) != self.last_copy:
            passed += natives.offsets[place] < end
            place = natives.natives.rfind(True, 0, place)
        return passed

    def _crossed_up_to(self, offset: int) -> None:
        self.crossed = max(self.crossed, offset + 1)
        if self._in_order:
            for record_id, (before, _) in list(self._missing.items()):
                if before > offset:
                    break  # they are held by rising offset
                del self._missing[record_id]
