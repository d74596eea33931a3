"""What both kinds of switch work with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock
from kafkalert.ops.failover.course import Course
from kafkalert.ops.failover.watch import Watch

_AT_A_GLANCE: Final = 3


@dataclass(frozen=True, slots=True)
class Parts:
    """The context, what is watched, who is told, and the time."""

    settings: Settings
    watch: Watch
    course: Course
    clock: Clock


def listed(names: Sequence[str]) -> str:
    """Some names, and how many more."""
    more = len(names) - _AT_A_GLANCE
    return ", ".join(sorted(names)[:_AT_A_GLANCE]) + (f" and {more} more" if more > 0 else "")
