"""What a switch says of the records that were processed before it, and lie after a group's offset all the same."""

import logging
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kafkalert.bus.records.partitions import Partition, parse_partition

_LOG = logging.getLogger(__name__)

Ranges = tuple[tuple[int, int], ...]
"""Offsets [from, to), in order."""
_EPOCH: Final = re.compile(r"(?:^| )epoch=([0-9]{1,19})(?= |\Z)")
_END: Final = re.compile(r"(?:^| )end=([0-9]{1,19})(?= |\Z)")


def ranges(detail: Mapping[str, Any], group: str) -> dict[Partition, Ranges]:
    """Return what `group` skips on each partition, by the detail of the COMMIT that made its cluster active.

    What cannot be read is left out and said: those records are processed again, with the same ids.
    """
    found: dict[Partition, Ranges] = {}
    try:
        for word, place in detail.get("groups", {}).get(group, {}).items():
            listed = sorted((int(start), int(end)) for start, end in place.get("skip", ()))
            if listed:
                found[parse_partition(word)] = tuple(listed)
    except (AttributeError, TypeError, ValueError) as error:
        _LOG.warning("what the last switch says of %s cannot be read (%s); nothing is skipped", group, error)
        return {}
    return found


def within(listed: Ranges, end: int) -> Ranges:
    """Return what can be meant of `listed` where the partition had this end: nobody has processed what was not there.

    Ranges that overlap or touch are made one.
    """
    found: list[tuple[int, int]] = []
    for start, stop in sorted(span for span in listed if _is_meant(span, end)):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], stop))
        else:
            found.append((start, stop))
    return tuple(found)


def _is_meant(span: tuple[int, int], end: int) -> bool:
    return 0 <= span[0] < span[1] <= end


def skipped(meant: Sequence[tuple[int, int]], offset: int) -> bool:
    """Whether `offset` lies in one of the ranges, which `within` has made. COMMIT may list 40,000 of a partition."""
    place = bisect_left(meant, (offset + 1, 0))  # of the first range that begins behind it
    return place > 0 and offset < meant[place - 1][1]


def say(partition: Partition, listed: Ranges, meant: Ranges, end: int) -> None:
    """Log what is skipped of a partition, and that more was listed than can be meant."""
    where = f"{partition[0]}[{partition[1]}]"
    if meant:
        _LOG.warning(
            "%s: up to %d records from offset %d on are skipped; the switch says that they were processed",
            where,
            sum(stop - start for start, stop in meant),
            meant[0][0],
        )
    if not all(_is_meant(span, end) for span in listed):
        _LOG.warning("%s: the switch says to skip what lay beyond its end %d then; that is not skipped", where, end)


def written(epoch: int, end: int | None = None) -> str:
    """Return what a commit says beside its offset: the epoch.

    Where there is something to skip, it also says by which end that is.
    """
    return f"epoch={epoch}" if end is None else f"epoch={epoch} end={end}"


def of_epoch(metadata: str | None) -> int | None:
    """Return the epoch of the switch by which a group was when it committed; None where the commit tells none."""
    found = _EPOCH.search(metadata or "")
    return int(found[1]) if found else None


def bound(metadata: str | None) -> int | None:
    """Return the end that a group keeps in its own commits, where nobody else can write; None where it keeps none."""
    found = _END.search(metadata or "")
    return int(found[1]) if found else None
