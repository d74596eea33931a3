"""Records of several partitions in one order: by time, and never against the order of their own partition."""

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from heapq import heappop, heappush, merge
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")
P = TypeVar("P", bound=Hashable)


def merged(parts: Sequence[Sequence[T]], time: Callable[[T], int]) -> list[T]:
    """All records: again and again the earliest of those that are next in their partition."""
    return list(merge(*parts, key=time))


def last(parts: Sequence[Sequence[T]], count: int, time: Callable[[T], int]) -> list[T]:
    """Return the last `count` records of all partitions, in order: from the end, always the latest that is left."""
    numbered = [[(number, record) for record in reversed(part)] for number, part in enumerate(parts)]
    from_the_end = merge(*reversed(numbered), key=lambda pair: time(pair[1]), reverse=True)
    taken = Counter(number for number, _ in islice(from_the_end, count))
    return merged([part[len(part) - taken[number] :] for number, part in enumerate(parts)], time)


class InOrder(Generic[P, T]):
    """`merged` for partitions that are still being read: gives what can be given, holds what has to wait.

    A record waits until every partition that has not ended has a record to be compared with.
    """

    def __init__(self, parts: Sequence[P], time: Callable[[T], int]) -> None:
        self._time = time
        self._rank = {part: rank for rank, part in enumerate(parts)}  # who goes first at the same time
        self._held: dict[P, deque[T]] = {part: deque() for part in parts}
        self._heads: list[tuple[int, int, P]] = []
        self._open = set(parts)
        self._waited_for = set(parts)

    def put(self, part: P, record: T) -> None:
        """Take the next record of a partition."""
        self._held[part].append(record)
        if len(self._held[part]) == 1:
            self._waited_for.discard(part)
            self._push(part)

    def end(self, part: P) -> None:
        """Nothing more comes from this partition."""
        self._open.discard(part)
        self._waited_for.discard(part)

    def held(self, part: P) -> int:
        """How many records of a partition wait."""
        return len(self._held[part])

    def ready(self) -> Iterator[T]:
        """Give what no record that is still to come can precede."""
        while self._heads and not self._waited_for:
            *_, part = heappop(self._heads)
            yield self._held[part].popleft()
            if self._held[part]:
                self._push(part)
            elif part in self._open:
                self._waited_for.add(part)

    def _push(self, part: P) -> None:
        heappush(self._heads, (self._time(self._held[part][0]), self._rank[part], part))
