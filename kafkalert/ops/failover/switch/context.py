"""What both kinds of switch work with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock
from kafkalert.ops.failover.status.watch import Watch
from kafkalert.ops.failover.switch.progress_log import ProgressLog

_AT_A_GLANCE: Final = 3


@dataclass(frozen=True, slots=True)
class SwitchContext:
    """The context, what is watched, who is told, and the time."""

    settings: Settings
    watch: Watch
    progress_log: ProgressLog
    clock: Clock


def listed(names: Sequence[str]) -> str:
    """Return some names, and how many more."""
    more = len(names) - _AT_A_GLANCE
    return ", ".join(sorted(names)[:_AT_A_GLANCE]) + (f" and {more} more" if more > 0 else "")
