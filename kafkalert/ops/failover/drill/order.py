"""A drill that is wanted, and who looks on."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from kafkalert.ops.failover.status.picture import Survey
from kafkalert.ops.failover.switch.progress_log import Tell


@dataclass(frozen=True, slots=True)
class DrillOrder:
    """Where to, and back. `target` None is the passive cluster; `timeout`: of each switch; `by`: user@host."""

    target: str | None
    timeout: float
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class DrillAudience:
    """Who is told and asked.

    `show` is given what is, `approve` all changes, one line each, and returns where they are wanted; `progress` opens a
    display of one switch; `say` is told what comes next.
    """

    show: Callable[[Survey], None]
    approve: Callable[[Sequence[str]], None]
    progress: Callable[[], AbstractContextManager[Tell]]
    say: Callable[[str], None]
