"""Which events of a control log cannot be meant, whoever wrote them: they are passed over, by name. Pure.

Whoever may write to a control log may write anything there, and one record must not stop every stage for ever. The
verdict on an event rests on what stands before it in the same log, and on nothing else. So all who read that log
give the same verdict, however far they have read, and what comes later never changes it: `state.resolve` sees a log
that only grows, as before.

Every epoch that raises `highest` has an event that wins it, and that is copied to the other log in the order of
epochs. So no step from one epoch to the next is larger there than it was here, and no log refuses what the other took.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from kafkalert.bus.control.event import Event

REACH: Final = 1000
"""How far an event's epoch may lie above the highest of its log. Operators go up by one or two."""
KEPT: Final = 100
"""How many records that were passed over are remembered one by one; all are counted."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A record of a control log that nothing is decided by: where it stands, and why, in words."""

    cluster: str
    offset: int
    why: str


class Plausibility:
    """Looks at the events of one log in its order. `highest`: the highest epoch that a switch was begun in."""

    def __init__(self, clusters: Collection[str]) -> None:
        self._clusters = frozenset(clusters)
        self.highest = 0

    def take(self, event: Event) -> str:
        """Why `event` is passed over, as a sentence; "" where it counts, and is the base for those behind it."""
        why = self.odd(event)
        # An outcome alone begins nothing: nobody copies it, so it may be no base either.
        if not why and begins(event):
            self.highest = max(self.highest, event.epoch)
        return why

    def odd(self, event: Event) -> str:
        """Why an event that stood here next would be passed over; "" where it would count."""
        unknown = [name for name in (event.source, event.target) if name not in self._clusters]
        if unknown:
            return f"It names cluster {unknown[-1]}, which this context does not have."
        if event.epoch > self.highest + REACH:
            return f"Its epoch {event.epoch} is far above {self.highest}, the highest before it."
        return ""


def begins(event: Event) -> bool:
    """Whether an event begins a switch: by it its epoch is used up."""
    return event.event == "PREPARE" or event.mode == "forced"
