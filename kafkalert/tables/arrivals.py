"""Which records the tables have read of a partition, by id and by when they arrived: few of them, at growing distances.

By these ids the place is found on another cluster. A record's own time is its producer's, and says nothing.
"""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final, NamedTuple

OVERLAP_MS: Final = 5 * 60 * 1000
"""How long before the end was last seen a record has to have arrived, to go on behind it: for the mirror's lag."""
_NEAR_MS: Final = 30_000
_MOST: Final = 48


class Arrival(NamedTuple):
    """A record that was read: when, by this machine's clock in ms, and its id."""

    at: int
    id: bytes


def with_newest(kept: Sequence[Arrival], newest: Arrival) -> tuple[Arrival, ...]:
    """`kept`, the newest first, with one that is newer; some go, so that ages about double from one to the next.

    So there is always one that is old enough and not much older than that, and others where compaction took it.
    """
    found = [newest]
    for arrival, older in zip_longest(kept, kept[1:]):
        if older is None or newest.at - older.at > 2 * (newest.at - found[-1].at) + _NEAR_MS:
            found.append(arrival)
    return tuple(found[:_MOST])


def sure(kept: Sequence[Arrival], seen: int) -> tuple[list[bytes], list[bytes]]:
    """Return the ids behind which nothing lies unread on the other cluster but what is to be read, the newest first.

    And the later ones, behind which there may: a place behind one of these is that of a repeat.

    `seen`: when the partition's end was last reached, in ms. What others wrote to the other cluster before it had such
    a record has come to this one by then, unless the mirror took longer than OVERLAP_MS.
    """
    until = seen - OVERLAP_MS
    return [arrival.id for arrival in kept if arrival.at <= until], [
        arrival.id for arrival in kept if arrival.at > until
    ]
