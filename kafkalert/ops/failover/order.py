"""What an operator orders."""

import getpass
import socket
from dataclasses import dataclass
from typing import Final

from kafkalert.ops.failover.horizon import OVERLAP_SECONDS

LONGEST: Final = 500
"""Characters of a reason that are kept; every instance reads the control log as a whole."""


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


def operator() -> str:
    """Who asks, as user@host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
