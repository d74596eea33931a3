"""What a state means to whoever reads it; a screen colours by it."""

from enum import StrEnum


class Grade(StrEnum):
    """Good: as it should be. Waiting: on its way, or held on purpose. Bad: somebody has to act. Unknown: not seen.

    Doubtful: it works, but somebody should look at it.
    """

    GOOD = "good"
    WAITING = "waiting"
    DOUBTFUL = "doubtful"
    UNKNOWN = "unknown"
    BAD = "bad"
