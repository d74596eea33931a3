"""What a switch says of the records that were processed before it, and lie after a group's offset all the same."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from kafkalert.bus import place
from kafkalert.engine.progress import Partition

_LOG = logging.getLogger(__name__)

Ranges = tuple[tuple[int, int], ...]
"""Offsets [from, to), in order."""


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


def skipped(listed: Sequence[tuple[int, int]], offset: int) -> bool:
    """Whether `offset` lies in one of the ranges."""
    return any(start <= offset < end for start, end in listed)
