"""What was stranded and what became of it, in a shape that programs may rely on."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

VERSION: Final = 1
"""Of the JSON of `failover reconcile`; fields may be added under the same version."""

MARKED: Final = 1_000_000
"""How many records with the header of a copy are looked for, in all partitions of a cluster together."""


class Outcome(StrEnum):
    """How it ended."""

    RECONCILED = "reconciled"
    NOTHING = "nothing stranded"
    PLANNED = "not done (dry run)"


@dataclass(frozen=True, slots=True)
class Stranded:
    """What one topic has that never crossed: `carry` records have to be carried over, from `oldest` to `newest`.

    `superseded`: rows of a table that are not carried, as a later one of their key is on either cluster.
    `carried`: how many were. `source`: the cluster on which they are stranded. `marked`: those of `carry` with the
    header of a copy from the other cluster, which does not have them; `marked_at` is where the first of them lies.
    `doubtful`: others with that header, which are not carried, as they may have expired there. `unseen`: others with it
    which were not looked for, as they are too many.
    """

    topic: str
    kind: str
    carry: int
    superseded: int
    oldest: datetime | None
    newest: datetime | None
    carried: int = 0
    source: str = ""
    marked: int = 0
    marked_at: str = ""
    doubtful: int = 0
    doubtful_at: str = ""
    unseen: int = 0

    @property
    def is_stranded(self) -> bool:
        """Whether anything is to be carried, or to be left behind."""
        return bool(self.carry or self.superseded)


@dataclass(frozen=True, slots=True)
class Superseded:
    """A stranded row of a table that is not carried, by its place on the cluster `source`."""

    topic: str
    partition: int
    offset: int
    at: datetime | None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The return of `source`; `target` is the cluster in use.

    Counts are of both directions, where records are stranded on the cluster in use, too.

    Attributes:
        topics: those that have anything stranded, by cluster.
        superseded: the first rows that are not carried; `topics` counts all.
        put: rows that were written once more, so that both clusters end with the same one.
        vanished: records that expired, or that compaction took, before they could be carried.
        problems: what did not go as it should, though all is carried.
    """

    version: int
    context: str
    outcome: Outcome
    source: str
    target: str
    topics: tuple[Stranded, ...]
    superseded: tuple[Superseded, ...]
    carry: int
    carried: int
    put: int
    vanished: int
    seconds: float
    problems: tuple[str, ...] = ()
