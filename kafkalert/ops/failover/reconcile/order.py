"""What an operator orders, and who is told and asked."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from kafkalert.ops.failover.reconcile.result import Reconciliation

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Order:
    """A return that is wanted: of the cluster `source`. `timeout`: seconds that flows may take to catch up."""

    source: str
    timeout: float
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told and asked.

    `show` is given what is stranded, `approve` the changes, one line each, and returns where they are wanted;
    `progress` opens a display of a step with that title, which takes sentences.
    """

    show: Callable[[Reconciliation], None]
    approve: Callable[[Sequence[str]], None]
    progress: Callable[[str], AbstractContextManager[Note]]
