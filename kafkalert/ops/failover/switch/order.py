"""What an operator orders."""

import socket
from dataclasses import dataclass
from typing import Final

from kafkalert.bus.principal import UNKNOWN, principal
from kafkalert.config import user
from kafkalert.config.sections import Settings
from kafkalert.ops.failover.positions.rewind import OVERLAP_SECONDS

LONGEST: Final = 500
"""Characters of a reason that are kept; every instance reads the control log as a whole."""

_NOBODY: Final = frozenset({UNKNOWN, "User:ANONYMOUS"})


@dataclass(frozen=True, slots=True)
class Order:
    """A switch that is wanted.

    `timeout`: seconds from PREPARE to COMMIT after which a planned one is called off. `by`: user@host. `dry_run`:
    make the checks alone. `overlap`: seconds that a forced one goes back further than where all was seen whole.
    """

    target: str
    timeout: float
    reason: str
    by: str
    forced: bool = False
    dry_run: bool = False
    overlap: float = OVERLAP_SECONDS


def operator(settings: Settings) -> str:
    """Who asks, as user@host, by the process's uid; and as whom the clusters know him, where that is configured."""
    principals = sorted({principal(cluster) for cluster in settings.clusters.values()} - _NOBODY)
    known = f" (as {', '.join(principals)})" if principals else ""
    return f"{user.name()}@{socket.gethostname()}{known}"[:LONGEST]
