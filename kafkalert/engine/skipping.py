"""What a switch says of the records that were processed before it, and lie after a group's offset all the same."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kafkalert.bus import place
from kafkalert.engine.progress import Partition

_LOG = logging.getLogger(__name__)

Ranges = tuple[tuple[int, int], ...]
"""Offsets [from, to), in order."""
_END: Final = re.compile(r"(?:^| )end=([0-9]{1,19})(?= |\Z)")


def ranges(detail: Mapping[str, Any], group: str) -> dict[Partition, Ranges]:
    """What `group` skips on each partition, by the detail of the COMMIT that made its cluster active.

    What cannot be read is left out and said: those records are processed again, with the same ids.
    """
    found: dict[Partition, Ranges] = {}
    try:
        for word, cut in detail.get("groups", {}).get(group, {}).items():
            listed = sorted((int(start), int(end)) for start, end in cut.get("skip", ()))
            if listed:
                found[place.read(word)] = tuple(listed)
    except (AttributeError, TypeError, ValueError) as error:
        _LOG.warning("what the last switch says of %s cannot be read (%s); nothing is skipped", group, error)
        return {}
    return found


def within(listed: Ranges, end: int) -> Ranges:
    """Those of `listed` that can be meant where the partition had this end: nobody has processed what was not there."""
    return tuple((start, stop) for start, stop in listed if 0 <= start < stop <= end)


def skipped(listed: Sequence[tuple[int, int]], offset: int) -> bool:
    """Whether `offset` lies in one of the ranges."""
    return any(start <= offset < end for start, end in listed)


def written(epoch: int, end: int | None = None) -> str:
    """What a commit says beside its offset: the epoch; and where there is something to skip, by which end it is."""
    return f"epoch={epoch}" if end is None else f"epoch={epoch} end={end}"


def bound(metadata: str | None) -> int | None:
    """The end that a group keeps in its own commits, where nobody else can write; None where it keeps none."""
    found = _END.search(metadata or "")
    return int(found[1]) if found else None
