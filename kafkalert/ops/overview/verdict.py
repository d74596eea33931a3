"""Whether to act, in a sentence: of what is wrong, the worst. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from kafkalert.ops.failover.status.picture import Survey


class Level(StrEnum):
    """How urgent it is, in words."""

    LOADING = "LOADING"
    ALL_WELL = "ALL WELL"
    LOOK = "LOOK"
    ACT = "ACT"
    SWITCH = "SWITCH"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The level, and the sentence that says why and what to do."""

    level: Level
    sentence: str


def verdict(found: Survey) -> Judgement:
    """Judge a survey."""
    if found.findings:
        return Judgement(Level.ACT, found.findings[0].text)
    return Judgement(Level.ALL_WELL, "All is well.")
