"""What became of a switch, in a shape that programs may rely on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kafkalert.errors import ExitCode, KafkalertError
from kafkalert.ops.failover.switch.progress_log import InstanceSeen

VERSION: Final = 1
"""Of the JSON of every `failover` command; fields may be added under the same version."""


class Outcome(StrEnum):
    """How a switch ended."""

    SWITCHED = "switched"
    INCOMPLETE = "switched, not everything runs"
    ABORTED = "aborted"
    UNKNOWN = "unknown"
    PLANNED = "not done (dry run)"
    ALREADY = "already there"


@dataclass(frozen=True, slots=True)
class Loss:
    """What a switch may have lost or will do again, in records; None where it cannot be known. `words`: why."""

    lost: int | None = 0
    repeated: int | None = 0
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """A switch, ended. `active` is where stages run now; `pause` the seconds until all ran again.

    They count from PREPARE: in between nothing ran anywhere. Of a forced switch they count from its approval, and
    for how long nothing ran before that nobody knows.

    `steps`: seconds of each step. `missing`: instances that do not run on the target. `problems`: what is left to do.
    `interrupted`: by ctrl-c, after it was decided.
    """

    version: int
    context: str
    outcome: Outcome
    mode: str
    epoch: int
    id: str
    source: str
    target: str
    active: str
    by: str
    reason: str
    seconds: float
    pause: float | None
    steps: Mapping[str, float]
    instances: tuple[InstanceSeen, ...]
    missing: tuple[str, ...]
    loss: Loss
    problems: tuple[str, ...]
    interrupted: bool = False


class NotSwitchedError(KafkalertError):
    """The switch did not happen, or nobody knows; `result` tells the rest."""

    def __init__(self, message: str, result: Result, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.result = result


class InterruptedSwitchError(NotSwitchedError):
    """Ctrl-c, before the switch was decided: it was called off."""

    exit_code = ExitCode.INTERRUPTED


class UnknownSwitchError(NotSwitchedError):
    """COMMIT was written and its answer never came."""

    exit_code = ExitCode.UNKNOWN


class BeatenError(KafkalertError):
    """Somebody else was first."""


class CalledOffError(KafkalertError):
    """The attempt cannot succeed any more; the sentence says why."""
