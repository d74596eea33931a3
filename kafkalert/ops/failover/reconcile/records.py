"""The records of one partition that may be stranded, in little room: there may be millions."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from kafkalert.bus.records.marks import Mark
from kafkalert.ops.failover.positions.exact import FOR_EVER


class Records:
    """Records of the old cluster, which are all noted before the first of the new one; of repeated ones the first.

    They are its native records, and those that are marked as having come from the new one: where they are not there,
    their producer wrote the mark itself. `cut_off`: the new cluster's log has lost its beginning, so nobody knows which
    of these were there, as times are the producers' and do not rise; then they are doubtful, and only native records
    count.

    Nearly all that is marked are copies, of all that was written to the new cluster since: so only the first `most` of
    these are held. Others are `unseen`.
    """

    def __init__(self, most: int = FOR_EVER, *, cut_off: bool = False) -> None:
        self.cut_off = cut_off
        self._most = most
        self._oldest = FOR_EVER
        self.unseen = 0
        self._marked = bytearray()
        self._offsets = array("q")
        self._ids = array("Q")
        self._timestamps = array("q")
        self._places: Sequence[int] | None = None
        self._crossed = bytearray()

    def on_old(self, mark: Mark) -> None:
        """Take a record of the old cluster."""
        self._oldest = min(self._oldest, mark.timestamp)
        if not mark.native:
            if self._most <= 0:
                self.unseen += 1
                return
            self._most -= 1
        self._marked.append(not mark.native)
        self._offsets.append(mark.offset)
        self._ids.append(number_of(mark))
        self._timestamps.append(mark.timestamp)

    def on_new(self, mark: Mark) -> None:
        """Take a record of the new cluster, wherever it came from."""
        places = self._sorted()
        number = number_of(mark)
        at = bisect_left(self._ids, number)
        if at < len(self._ids) and self._ids[at] == number:
            self._crossed[places[at]] = True

    def oldest(self) -> int:
        """Return the time (ms) of the oldest, of those that are not held too."""
        return self._oldest

    def to_carry(self) -> Sequence[int]:
        """Offsets of those that are not on the new cluster, rising."""
        return array("q", (self._offsets[place] for place in self._missing()))

    def times(self) -> Iterator[int]:
        """Their times (ms), in the same order."""
        return (self._timestamps[place] for place in self._missing())

    def marked(self) -> Sequence[int]:
        """Offsets of those of them that are marked as having come from the new cluster, rising."""
        return array("q", (self._offsets[place] for place in self._missing() if self._marked[place]))

    def doubtful(self) -> Sequence[int]:
        """Offsets of what is so marked and not there, but may have been; rising."""
        return array("q", (self._offsets[place] for place in self._absent() if self.cut_off and self._marked[place]))

    def _missing(self) -> Iterator[int]:
        return (place for place in self._absent() if not (self.cut_off and self._marked[place]))

    def _absent(self) -> Iterator[int]:
        self._sorted()
        return (place for place, crossed in enumerate(self._crossed) if not crossed)

    def _sorted(self) -> Sequence[int]:
        """Return the place of each id, once ids are sorted for look-ups; repeats need not be carried."""
        if self._places is None:
            order = sorted(range(len(self._ids)), key=self._ids.__getitem__)
            self._places = array("I", order)
            self._ids = array("Q", (self._ids[place] for place in order))
            self._crossed = bytearray(len(order))
            for at in range(1, len(order)):
                if self._ids[at] == self._ids[at - 1]:
                    self._crossed[order[at]] = True
        return self._places


def number_of(mark: Mark) -> int:
    """Return a mark's id as a number, which is smaller."""
    return int.from_bytes(mark.id, "little")
