"""Where a group goes on, on the other cluster: by the ids of records, never by arithmetic on offsets.

A group moves from cluster A to cluster B; this is about one partition. Both logs hold the same records in different
orders, but each cluster's natives keep their order on both, because a flow reads a partition in order. A flow is at
least once: begun anew, it may repeat a run of records later on the copy (1 2 3 2 3 4).

*Processed* is what lies on A before the group's committed offset, anywhere; everything else is not, wherever it lies.
An id is one record: what a mirror or a producer repeats is processed once any of it is. The cut is the place on B of
the first record that is not processed. All before it is; what follows and is processed is listed to be skipped.

Of a record that is not processed and lies on B more than once, the first is kept and the others are skipped, so that
nothing is done twice. The first ones of a cluster's natives lie in that cluster's order whatever the flow repeats, even
in the middle of a repeat; the last ones do so only once it is over.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from kafkalert.bus.marks import Mark


@dataclass(frozen=True, slots=True)
class Cut:
    """Everything on B before `offset` was processed; of the rest, what lies in `skip`: ranges [from, to), rising."""

    offset: int
    skip: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class NotCrossed:
    """There is no cut yet: so many natives of A have to be on B first, and are not.

    Those that were processed would come to B later, where they would be processed again. Those that were not, and
    crossed long ago, are gone from B before their time. `offset` on A and `timestamp` (ms) are those of the first.
    """

    count: int
    offset: int
    timestamp: int


def cut(
    a: Sequence[Mark], b: Sequence[Mark], committed: int, b_end: int, *, a_crossed: int = 0, b_crossed: int = 0
) -> Cut | NotCrossed:
    """Where on B the group goes on that has committed the offset `committed` on A.

    Natives of A before the offset `a_crossed` are known to have been on B at some time, and natives of B before
    `b_crossed` on A. `b` is read up to `b_end`, and `a` up to an end of A that was taken after `b_end` was. Windows of
    both logs suffice that have all occurrences, also repeated ones, of

    - what lies on A at or behind `committed`,
    - natives of A at or behind `a_crossed`, and natives of B at or behind `b_crossed`.

    They have them if they begin where `oldest` says. A record that expired on A without being processed counts as
    processed, as it would be passed over on A.
    """
    before = {one.id for one in a if one.offset < committed}
    pending = {one.id for one in a if one.offset >= committed} - before
    lacking = _lacking(a, b, range(min(committed, a_crossed), max(committed, a_crossed)))
    if lacking:
        first = lacking[0]
        return NotCrossed(len(lacking), first.offset, first.timestamp)

    def is_open(one: Mark) -> bool:
        if one.id in pending:
            return True
        # A native that is not on A at all has yet to cross; a copy that is not in A's window lies before it.
        return one.native and one.offset >= b_crossed and one.id not in before

    kept: dict[bytes, int] = {}
    read = [one for one in b if one.offset < b_end]
    for one in read:
        if one.id not in kept and is_open(one):
            kept[one.id] = one.offset
    if not kept:
        return Cut(b_end)
    start = min(kept.values())
    return Cut(start, _ranges([one.offset for one in read if one.offset > start], set(kept.values())))


def _ranges(offsets: Sequence[int], kept: AbstractSet[int]) -> tuple[tuple[int, int], ...]:
    """Ranges that hold all of these offsets but those kept; what lies between two of a range is no record."""
    found: list[tuple[int, int]] = []
    is_running = False
    for offset in offsets:
        if offset in kept:
            is_running = False
        elif is_running:
            found[-1] = (found[-1][0], offset + 1)
        else:
            found.append((offset, offset + 1))
            is_running = True
    return tuple(found)


def _lacking(a: Sequence[Mark], b: Sequence[Mark], where: range) -> list[Mark]:
    """Natives of A with an offset of `where` that are not on B."""
    wanted = {one.id: one for one in reversed(a) if one.native and one.offset in where}
    for one in b if wanted else ():
        wanted.pop(one.id, None)
    return sorted(wanted.values())


def oldest(
    a: Iterable[Mark], b: Iterable[Mark], committed: int | None, *, a_crossed: int, b_crossed: int
) -> int | None:
    """The time (ms) from which windows of both logs have to begin for a cut at `committed` or later; None: nowhere.

    A window begins at the first record of this time or later. `a` has what lies on A at or behind `committed` (None:
    no group reads here) and `a_crossed`, `b` what lies on B at or behind `b_crossed`; both may have more. A record and
    its copies have the same time, so all of its occurrences lie in windows that begin so.

    Both may be read up to a moment in the past: B's up to an end `b_end`, A's up to an end taken after that, if the
    windows begin no later than an end of A taken before `b_end`, and than `b_end`. What came later, of whatever time,
    has all its occurrences behind those ends.
    """
    since = a_crossed if committed is None else committed
    times = [one.timestamp for one in a if one.offset >= since or (one.native and one.offset >= a_crossed)]
    times += [one.timestamp for one in b if one.native and one.offset >= b_crossed]
    return min(times, default=None)
