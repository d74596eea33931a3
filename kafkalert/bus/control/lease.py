"""When what was read of the control logs is enough to act by. Pure: times are seconds of one monotonic clock.

The lease is what makes a planned switch safe without every instance answering. Whoever processes on a cluster has read
its log within the lease and found no attempt to leave it. So `lease` seconds after a PREPARE stands in that log nobody
processes there who does not know of it, stopped or cut off as he may have been; he who knows of it acknowledges.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from kafkalert.bus.control.state import Logs, View

SECONDS: Final = 10.0
"""The lease. Who counts an instance as gone waits longer than this from its PREPARE on."""

_NEVER: Final = float("-inf")


@dataclass(frozen=True, slots=True)
class Read:
    """How one cluster's log was read.

    Attributes:
        read_at: when the last look at its end began after which everything up to that end was read.
        clear_at: the same, but the last one that found no open attempt to leave this cluster.
        failed_at: when the last try began that got no answer.
    """

    read_at: float = _NEVER
    clear_at: float = _NEVER
    failed_at: float = _NEVER


def confirmed(read: Read, cluster: str, view: View, began: float) -> Read:
    """`read` after the log of `cluster` was read to the end that it had at `began`, which made `view`."""
    leaving = view.pending is not None and view.pending.source == cluster
    return replace(read, read_at=began, clear_at=read.clear_at if leaving else began)


def fresh(reads: Mapping[str, Read], active: str, now: float, lease: float = SECONDS) -> bool:
    """Whether the instance may touch `active` by what it knows.

    The active cluster's own log was read within the lease, since a planned switch away from it is decided there; from
    a PREPARE on the lease is not renewed, so that a stage that is stopping has stopped by its end. Every other cluster
    was read, or tried in vain, within the lease: a forced switch may have been decided there, but a cluster that is
    away must not hold up the one that works.
    """
    own = reads.get(active, Read())
    return own.clear_at >= now - lease and all(
        max(read.read_at, read.failed_at) >= now - lease for name, read in reads.items() if name != active
    )


def reachable(reads: Mapping[str, Read], now: float, lease: float = SECONDS) -> set[str]:
    """Return the clusters whose logs were read within the lease."""
    return {name for name, read in reads.items() if read.read_at >= now - lease}


def settled(logs: Logs, clusters: set[str], view: View) -> bool:
    """Whether an instance that starts may begin: it knows all that may have been decided.

    Every cluster's log was read; or a forced COMMIT in the log of its own target decides, which says that the other
    cluster is gone. With less, the one that was not read may hold a forced switch to itself.
    """
    if clusters <= logs.keys():
        return True
    commit = view.commit
    return (
        commit is not None
        and commit.mode == "forced"
        and any(event.key == commit.key for event in logs.get(commit.target, ()))
    )
