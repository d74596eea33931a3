"""Start-up: nothing is processed before the tables have reached the end that they had at start."""

import logging
from collections.abc import Mapping
from typing import Final

from kafkalert.engine.clock import Clock
from kafkalert.engine.progress import Partition
from kafkalert.engine.stopping import Stopping
from kafkalert.engine.store import Store

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 0.05
_SAY_SECONDS: Final = 5.0
STALE_SECONDS: Final = 5.0
"""Tables that nobody has followed for this long are not alerted by."""


def await_tables(store: Store, log_ends: Mapping[Partition, int], *, clock: Clock, stopping: Stopping) -> bool:
    """Return True once the store has read up to `log_ends`, whoever follows; False when stopped first."""
    total = sum(log_ends.values())
    said = clock.monotonic()
    while True:
        kept = store.checkpoints()
        at = {one: min(kept[one].offset, end) if one in kept else 0 for one, end in log_ends.items()}
        if all(one in kept and at[one] >= end for one, end in log_ends.items()):
            return True
        if clock.monotonic() - said >= _SAY_SECONDS:
            said = clock.monotonic()
            _LOG.warning("reading the tables: %d of %d records", sum(at.values()), total)
        if stopping.wait(_LOOK_SECONDS):
            return False


def staleness(store: Store, clock: Clock) -> str:
    """Why the tables cannot be alerted by now; empty where they can."""
    try:
        age = clock.wall_ms() / 1000 - (store.folder / "alive").stat().st_mtime
    except FileNotFoundError:
        return "the tables were never followed"
    # The file's time and this clock are the same machine's, so a step of the clock passes in seconds.
    return f"nobody has followed the tables for {age:.0f} s" if age > STALE_SECONDS else ""
