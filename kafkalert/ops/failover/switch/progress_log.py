"""The course of a switch, step by step, as whoever looks on is told."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from kafkalert.engine.clock import Clock


class Step(StrEnum):
    """What a switch consists of, in order; a forced one leaves out what needs the old cluster."""

    READ = "read both clusters"
    PREPARE = "prepare"
    STOP = "stages stop"
    DRAIN = "mirror carries the rest"
    PLACES = "find the places"
    FLOW = "stop the flow"
    OFFSETS = "write offsets"
    COMMIT = "commit"
    RUN = "stages run"


class Status(StrEnum):
    """How far a step is."""

    GOING = "going on"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StepSeen:
    """One step: how far it is, for how many seconds, and what there is to say."""

    step: Step
    status: Status
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class InstanceSeen:
    """One instance on its way. `prepared` and `running`: seconds from PREPARE; of a forced switch, from its begin."""

    stage: str
    instance: str
    state: str
    cluster: str
    prepared: float | None = None
    running: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How a switch stands at one moment; `seconds` since it began."""

    steps: tuple[StepSeen, ...]
    instances: tuple[InstanceSeen, ...]
    seconds: float


Tell = Callable[[Snapshot], None]


@dataclass
class ProgressLog:
    """Keeps the steps and their times, and tells whenever something is new."""

    clock: Clock
    tell: Tell = lambda _: None
    instances: tuple[InstanceSeen, ...] = ()
    _steps: dict[Step, StepSeen] = field(default_factory=dict)
    _began: dict[Step, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.began = self.clock.monotonic()

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        """Note a step that is done where the block ends, and failed where it raises."""
        self._began[step] = self.clock.monotonic()
        self._put(step, Status.GOING)
        try:
            yield
        except BaseException:
            self._put(step, Status.FAILED, self._steps[step].detail)
            raise
        told = self._steps[step]
        self._put(step, Status.DONE if told.status is Status.GOING else told.status, told.detail)

    def fail(self, step: Step, detail: str) -> None:
        """Say that a step failed after which the switch goes on."""
        self._put(step, Status.FAILED, detail)

    def note(self, step: Step, detail: str) -> None:
        """Say how a step that goes on stands."""
        if self._steps[step].detail != detail:
            self._put(step, Status.GOING, detail)

    def see(self, instances: tuple[InstanceSeen, ...]) -> None:
        """Say how the instances are."""
        if instances != self.instances:
            self.instances = instances
            self._tell()

    def seconds(self) -> Mapping[str, float]:
        """How long each step took, by its name."""
        return {step.step.value: round(step.seconds, 3) for step in self._steps.values()}

    def _put(self, step: Step, status: Status, detail: str = "") -> None:
        self._steps[step] = StepSeen(step, status, self.clock.monotonic() - self._began[step], detail)
        self._tell()

    def _tell(self) -> None:
        now = self.clock.monotonic()
        self.tell(Snapshot(tuple(self._steps.values()), self.instances, now - self.began))
