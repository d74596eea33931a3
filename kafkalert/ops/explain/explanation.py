"""What an explanation holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from kafkalert.model.ids import CustomerId
from kafkalert.ops.explain.booking import Facts
from kafkalert.ops.explain.deciding import Alert, Outcome
from kafkalert.ops.trace.path import Hop, Path

VERSION: Final = 1
Basis = Literal["alert", "customer-entry", "dead-letter", "booking"]


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table as it was at a time.

    `known`: whether the topic still tells; `there`: whether a row was in force, None where that is not known. `since`
    and `place` are those of its record, or of the tombstone; `problem`: why that record cannot be read.
    """

    known: bool
    there: bool | None
    since: datetime | None = None
    place: str | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules say of the booking by the tables as they were at one time.

    `authorised`, `asked` (for anything on this account): None where not known.
    """

    authorisation: TableRow
    settings: TableRow
    authorised: bool | None
    asked: bool | None
    outcomes: tuple[Outcome, ...]

    @property
    def is_known(self) -> bool:
        """Whether it says for sure what was due."""
        return self.authorised is False or self.asked is False or (self.authorised is True and self.asked is True)

    @property
    def due(self) -> tuple[Alert, ...]:
        """The messages that the booking has to raise by it, if it is processed."""
        if not self.authorised:
            return ()
        return tuple(alert for one in self.outcomes for alert in one.alerts)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one customer got an alert of one booking, or none.

    `facts` is None where the booking cannot be read, for the reason `problem`. `now`: by the tables as they are;
    `then`: as they were at `at`, which is the time of what `basis` names, None where the booking is not processed.
    `is_same`: both rest on the same rows. `processed`: None where not known; `waiting`: how many records alerting has
    yet to read, the booking among them, where it is not processed. `messages` went out to the customer; `missing` were
    due, and were not found. `dead`: dead letters of the booking.
    """

    customer: CustomerId
    path: Path
    facts: Facts | None
    problem: str
    processed: bool | None
    waiting: int | None
    now: Judgement | None
    then: Judgement | None
    at: datetime | None
    basis: Basis | None
    is_same: bool
    messages: tuple[Hop, ...]
    missing: tuple[Alert, ...]
    dead: tuple[Hop, ...]
    notes: tuple[str, ...]

    @property
    def booking(self) -> Hop:
        """The booking's own hop."""
        return self.path.hops[0]

    @property
    def deciding(self) -> Judgement | None:
        """What decided, or will: the tables as they were, where the booking was processed."""
        return self.then if self.processed is not False and self.then is not None else self.now
