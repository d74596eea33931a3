"""How somebody looks at a snapshot: which screen, which row, what is filtered; and how figures are written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from kafkalert.ops.wording import lasting

WIDE: Final = 120
"""From so many columns on there is room for more."""
SCREENS: Final = ("Pipeline", "Lag", "Alerts", "Instances", "Dead letters", "Failover", "Mirror")
PIPELINE, LAG, ALERTS, INSTANCES, DEAD_LETTERS, FAILOVER, MIRROR = SCREENS
HELP: Final = "Help"
CHANGES: Final = "Changes"


@dataclass(frozen=True, slots=True)
class Look:
    """How a snapshot is looked at.

    `screen`: one of SCREENS, HELP or CHANGES. `frame`: counts the drawings; what moves, moves by it, unless `still`.
    `age`: seconds since the snapshot was made. `row`: the chosen one. `sort`: the column that sorts, by its number.
    `filter`: only rows that hold this. `note`: a sentence for the line above the last, instead of the newest change.
    """

    screen: str = SCREENS[0]
    frame: int = 0
    still: bool = False
    age: float = 0.0
    row: int = 0
    sort: int = 0
    filter: str = ""
    note: str = ""
    plain: bool = False

    def on(self, screen: str) -> "Look":
        """Return the same on another screen, from its first row on."""
        return replace(self, screen=screen, row=0, filter="", sort=0)


def number(value: float | None) -> str:
    """Return a count with thousands; `–` where it is not known."""
    return "–" if value is None else f"{value:,.0f}"


def last(numbers: Sequence[float | None]) -> float | None:
    """Return the newest number that is known, of the last five seconds."""
    return next((value for value in reversed(numbers[-5:]) if value is not None), None)


def span(seconds: float | None) -> str:
    """Return a time span in one unit, `4 s`, `3 min`, `2 h`; `–` where it is not known."""
    return "–" if seconds is None else lasting(seconds)


def clock(at: datetime) -> str:
    """Return a time of day, UTC."""
    return f"{at:%H:%M:%S}"
