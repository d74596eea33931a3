"""stub"""

from dataclasses import dataclass
from enum import StrEnum

from kafkalert.ops.failover.status.picture import Survey


class Level(StrEnum):
    LOADING = "LOADING"
    ALL_WELL = "ALL WELL"
    LOOK = "LOOK"
    ACT = "ACT"
    SWITCH = "SWITCH"


@dataclass(frozen=True, slots=True)
class Judgement:
    level: Level
    sentence: str


def verdict(found: Survey | None, trend: object = None) -> Judgement:
    if found is None:
        return Judgement(Level.LOADING, "Asking")
    if found.findings:
        return Judgement(Level.ACT, found.findings[0].text)
    return Judgement(Level.ALL_WELL, "All is well.")
