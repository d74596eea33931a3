"""All that a screen shows at one moment: one value that never changes, and from which every picture is drawn."""

from dataclasses import dataclass, field
from datetime import datetime

from kafkalert.ops.failover.status.history import Switch
from kafkalert.ops.failover.status.picture import Survey
from kafkalert.ops.overview.changes import Change
from kafkalert.ops.overview.moving import Moving
from kafkalert.ops.overview.series import PartitionSeen, Window
from kafkalert.ops.overview.verdict import Judgement


@dataclass(frozen=True, slots=True)
class ContextSeen:
    """The environment that is shown, and what may be done to it from here."""

    name: str
    clusters: tuple[str, ...]
    production: bool = False
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one moment.

    Attributes:
        number: of the snapshot, rising.
        at: when it was made, UTC.
        made: the same by the monotonic clock: how old it is.
        context: what is shown.
        judgement: whether to act, in a sentence.
        survey: where everything runs; None while that is not known yet, or no cluster answers.
        away: for how many seconds each cluster has not answered, of those that do not.
        window: the last three minutes.
        partitions: what waits where.
        changes: what was different from one moment to the next, the newest first.
        switches: those that were, the newest first.
        moving: the switch that is under way, or just over.
    """

    number: int
    at: datetime
    made: float
    context: ContextSeen
    judgement: Judgement
    survey: Survey | None = None
    away: dict[str, float] = field(default_factory=dict)
    window: Window = field(default_factory=Window)
    partitions: tuple[PartitionSeen, ...] = ()
    changes: tuple[Change, ...] = ()
    switches: tuple[Switch, ...] = ()
    moving: Moving | None = None
