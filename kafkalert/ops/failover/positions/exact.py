"""Where a group goes on, on the other cluster: by the ids of records, never by arithmetic on offsets.

A group moves from cluster A to cluster B; this is about one partition. Both logs hold the same records in different
orders, but each cluster's native records keep their order on both, because a flow reads a partition in order. A flow is
at least once: begun anew, it may repeat a run of records later on the copy (1 2 3 2 3 4).

*Processed* is what lies on A before the group's committed offset, anywhere, and what the switch that led to A had it
skip; everything else is not, wherever it lies.
An id is one record: what a mirror or a producer repeats is processed once any of it is. The position is the place on B
of the first record that is not processed. All before it is; what follows and is processed is listed to be skipped.

Of a record that is not processed and lies on B more than once, the first is kept and the others are skipped, so that
nothing is done twice. The first ones of a cluster's native records lie in that cluster's order whatever the flow
repeats, even in the middle of a repeat; the last ones do so only once it is over.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, count
from typing import Final

from kafkalert.bus.records.marks import Mark, Marks

FOR_EVER: Final = 2**63 - 1
"""Above every offset, and every time."""


@dataclass(frozen=True, slots=True)
class ExactPosition:
    """Everything on B before `offset` was processed; of the rest, what lies in `skip`: ranges [from, to), rising."""

    offset: int
    skip: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class NotCrossed:
    """There is no such position yet: so many native records of A have to be on B first, and are not.

    Those that were processed would come to B later, where they would be processed again. Those that were not, and
    crossed long ago, are gone from B before their time. `offset` on A and `timestamp` (ms) are those of the first.

    `marked`: they are no native records, but marked as having come from B, where they are not. Either they are gone
    there, or their producer wrote the mark itself. No flow carries them.
    """

    count: int
    offset: int
    timestamp: int
    marked: bool = False


def exact_position(
    a: Marks,
    b: Marks,
    committed: int,
    b_end: int,
    *,
    passed: Sequence[tuple[int, int]] = (),
    a_crossed: int = 0,
    b_crossed: int = 0,
    a_sure: int = FOR_EVER,
    since: int | None = -1,
    whole_since: int | None = None,
) -> ExactPosition | NotCrossed:
    """Where on B the group goes on that has committed the offset `committed` on A.

    `passed` are the ranges that the switch to A had it skip. What lies there was processed, unless it also lies outside
    of them at or behind `committed`: then it is a repeat of what was kept, and still is to be processed.

    Native records of A before the offset `a_crossed` are known to have been on B at some time, and native records of B
    before `b_crossed` on A. `b` is read up to `b_end`, and `a` up to an end of A that was taken after `b_end` was.
    Windows of both logs suffice that have all occurrences, also repeated ones, of

    - what lies on A at or behind `committed`,
    - native records of A at or behind `a_crossed`, and native records of B at or behind `b_crossed`.

    They have them if they begin where `oldest` says. A record that expired on A without being processed counts as
    processed: a switch is refused before it comes to that, until somebody has decided to pass over it.

    Anybody may write the mark of a copy. What lies on A before `a_sure`, an end of A that was taken before `b_end` was,
    had its native record on B by then, if it ever had one; and if it is of the time `since` (ms) or later, that native
    record is in B's window, which was read from there. A flow that begins anew may repeat older ones. And a copy on B
    of the time `whole_since` (ms) or later has its native record in A's window: without one nobody has processed it, as
    no flow carries it to A.
    """
    place = bisect_left(a.offsets, committed)
    behind = [(max(place, bisect_left(a.offsets, first)), bisect_left(a.offsets, stop)) for first, stop in passed]
    ours, theirs = a.numbers(), b.numbers()
    there = set(theirs)
    lacking = _lacking(a, there, [(min(committed, a_crossed), max(committed, a_crossed)), *passed])
    if lacking:
        return NotCrossed(len(lacking), lacking[0].offset, lacking[0].timestamp)
    before, skipped, pending = set(ours[:place]), set[int](), set[int]()
    for first, stop in behind:
        pending.update(ours[place:first])
        skipped.update(ours[first:stop])
        place = max(place, stop)
    pending.update(ours[place:])
    pending -= before
    before |= skipped - pending
    if since is not None and (marked := _marked(a, (committed, a_sure), since, pending - there)):
        return marked
    repeats = len(there) < len(theirs)
    theirs = theirs[: bisect_left(b.offsets, b_end)]
    is_kept = bytearray(map(pending.__contains__, theirs)) if pending else bytearray(len(theirs))
    # A native record that is not on A at all has yet to cross; a copy that is not in A's window lies before it.
    if unknown := there - before - pending:
        for at in compress(count(), map(unknown.__contains__, theirs)):
            copied = whole_since is not None and b.timestamps[at] >= whole_since
            is_kept[at] = b.offsets[at] >= b_crossed if b.are_native[at] else copied
    if repeats:
        _keep_the_first(is_kept, theirs)
    first = is_kept.find(1)
    if first < 0:
        return ExactPosition(b_end)
    return ExactPosition(b.offsets[first], tuple(_gaps(is_kept, b.offsets, first)))


def _keep_the_first(is_kept: bytearray, numbers: Sequence[int]) -> None:
    """Keep no number twice."""
    seen: set[int] = set()
    for at in list(compress(count(), is_kept)):
        is_kept[at] = numbers[at] not in seen
        seen.add(numbers[at])


def _gaps(is_kept: bytearray, offsets: Sequence[int], at: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of offsets of what is not kept, from the place `at` on; what lies between is no record."""
    while (at := is_kept.find(0, at)) >= 0:
        following = is_kept.find(1, at)
        last = len(is_kept) - 1 if following < 0 else following - 1
        yield offsets[at], offsets[last] + 1
        at = last + 1


def _marked(a: Marks, where: tuple[int, int], since: int, alone: set[int]) -> NotCrossed | None:
    """Of records that are on A `alone`, those that are marked as having come from B.

    They lie between two offsets, and are of the time `since` (ms) or later.
    """
    if not alone:
        return None
    part = a.between(*where)
    numbers = part.numbers()
    found = [
        at
        for at, number in enumerate(numbers)
        if number in alone and not part.are_native[at] and part.timestamps[at] >= since
    ]
    if not found:
        return None
    first = part[found[0]]
    return NotCrossed(len({numbers[at] for at in found}), first.offset, first.timestamp, marked=True)


def _lacking(a: Marks, there: set[int], parts: Iterable[tuple[int, int]]) -> list[Mark]:
    """Native records of A with offsets in `parts`, each from its first to before its second, that are not `there`."""
    found: dict[int, Mark] = {}
    for first, stop in parts:
        part = a.between(first, stop)
        numbers = part.numbers()
        if alone := set(numbers) - there:
            for place in compress(count(), map(alone.__contains__, numbers)):
                if part.are_native[place]:
                    found[part.offsets[place]] = part[place]
    return [found[offset] for offset in sorted(found)]


def oldest(
    a: Iterable[Mark], b: Iterable[Mark], committed: int | None, *, a_crossed: int, b_crossed: int
) -> int | None:
    """Return the time (ms) from which windows of both logs have to begin for a group at `committed` or later.

    None means that they begin nowhere.

    A window begins at the first record of this time or later. `a` has what lies on A at or behind `committed` (None:
    no group has yet) and `a_crossed`, `b` what lies on B at or behind `b_crossed`; both may have more. A record and
    its copies have the same time, so all of its occurrences lie in windows that begin so.

    Both may be read up to a moment in the past: B's up to an end `b_end`, A's up to an end taken after that, if the
    windows begin no later than an end of A taken before `b_end`, and than `b_end`. What came later, of whatever time,
    has all its occurrences behind those ends.
    """
    since = a_crossed if committed is None else committed
    times = [mark.timestamp for mark in a if mark.offset >= since or (mark.native and mark.offset >= a_crossed)]
    times += [mark.timestamp for mark in b if mark.native and mark.offset >= b_crossed]
    return min(times, default=None)
