"""Start-up: nothing is processed before the tables have reached the end that they had at start."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from kafkalert.bus.records.partitions import Partition
from kafkalert.engine.clock import Clock
from kafkalert.engine.ending import Ends
from kafkalert.tables.faults import RebuildingError
from kafkalert.tables.store import Store

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 0.01
_SAY_SECONDS: Final = 5.0
STALE_SECONDS: Final = 5.0
"""Tables that nobody has followed for this long are not alerted by."""


def await_tables(
    store: Store,
    log_ends: Mapping[Partition, int],
    topic_ids: Mapping[str, str],
    *,
    problem: Callable[[], str],
    clock: Clock,
    stopping: Ends,
) -> bool:
    """Return True once the store has read up to `log_ends`, whoever follows, and is followed; False if stopped first.

    What was read from topics of other ids than `topic_ids` counts for nothing. `problem` says what hinders, if known.
    """
    total = sum(log_ends.values())
    said = clock.monotonic()
    while True:
        kept = {
            partition: at for partition, at in store.checkpoints().items() if topic_ids.get(partition[0]) == at.topic_id
        }
        at = {
            partition: min(kept[partition].offset, end) if partition in kept else 0
            for partition, end in log_ends.items()
        }
        read = all(partition in kept and at[partition] >= end for partition, end in log_ends.items())
        if read and not staleness(store, clock):
            return True
        if clock.monotonic() - said >= _SAY_SECONDS:
            said = clock.monotonic()
            why = problem() or (staleness(store, clock) if read else "")
            _LOG.warning("reading the tables: %d of %d records%s", sum(at.values()), total, why and f" ({why})")
        if stopping.wait(_LOOK_SECONDS):
            return False


def staleness(store: Store, clock: Clock) -> str:
    """Why the tables cannot be alerted by now; empty where they can. Raises ForeignTablesError, LostTablesError."""
    store.check_files()
    try:
        with store.read() as txn:
            store.check_whole(txn)
    except RebuildingError as error:
        if not error.emptied:
            return "the customer tables are catching up with another cluster"
        return "the customer tables are read again from the beginning"
    try:
        age = clock.wall_ms() / 1000 - (store.folder / "alive").stat().st_mtime
    except FileNotFoundError:
        return "the customer tables are not kept up to date"
    if age < -STALE_SECONDS:  # the clock was set back: a file of the future would pass for fresh until then
        return "the customer tables may be out of date: the clock went back"
    # The file's time and this clock are the same machine's, so a step of the clock passes in seconds.
    return f"the customer tables are {age:.0f} s out of date" if age > STALE_SECONDS else ""
