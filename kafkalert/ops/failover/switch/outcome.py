"""The end of both kinds of switch: waiting until instances run on the target, and what became of it all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kafkalert.ops.failover.result import VERSION, Loss, Outcome, Result
from kafkalert.ops.failover.switch.context import SwitchContext, listed
from kafkalert.ops.failover.switch.order import Order
from kafkalert.ops.failover.switch.progress_log import Step
from kafkalert.ops.failover.switch.readiness import Readiness

RUN_SECONDS: Final = 20.0
"""How long instances are waited for on the target; the switch stands, whatever they do."""
_STEP_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class SwitchAttempt:
    """One switch that was begun: its order, from where, and under which number and id."""

    order: Order
    source: str
    epoch: int
    id: str


def await_running(context: SwitchContext, readiness: Readiness) -> bool:
    """Wait until every instance that is there runs on the target, at most RUN_SECONDS; False if ctrl-c ended that."""
    give_up = context.clock.monotonic() + RUN_SECONDS
    try:
        with context.progress_log.step(Step.RUN):
            while True:
                context.progress_log.see(readiness.look())
                missing = readiness.missing()
                context.progress_log.note(Step.RUN, f"waiting for {listed(missing)}" if missing else "")
                if not missing or context.clock.monotonic() > give_up:
                    return True
                context.watch.watcher.wait(_STEP_SECONDS)
    except KeyboardInterrupt:
        return False


def ended_as(readiness: Readiness) -> tuple[Outcome, tuple[str, ...]]:
    """How a switch that was decided ended, and who does not run on the target; beats that come later tell more."""
    missing = tuple(dict.fromkeys([*readiness.missing(), *readiness.deserted()]))
    return Outcome.INCOMPLETE if missing else Outcome.SWITCHED, missing


def dead_target(context: SwitchContext, attempt: SwitchAttempt, outcome: Outcome) -> list[str]:
    """Return what to do where stages do not run because the cluster that they were moved to died."""
    target, answering = attempt.order.target, context.watch.control.reachable()
    if outcome is not Outcome.INCOMPLETE or target in answering:
        return []
    back = f" If it cannot be started: `kafkalert failover --to {attempt.source} --force --accept-loss`."
    return [
        f"{target} does not answer any more: no alerts are sent.",
        f"Start {target}; stages then go on by themselves.{back if attempt.source in answering else ''}",
    ]


def planned_loss(uncommitted: Sequence[str], gone: Sequence[str] = (), dead: str = "") -> Loss:
    """Return what a planned switch loses, and what is done again.

    `uncommitted`: who may not have committed what it did. `gone`: what was lost before, so that it did not cross.
    `dead`: the target, where it has died: what it took may be gone with it, and who moves back does some of it again.
    """
    before = tuple(f"{text[0].upper()}{text[1:]}." for text in gone)
    nothing = "Nothing more" if gone else "Nothing"
    if dead:
        return Loss(None, None, (*before, f"What is lost or done twice is not known until {dead} answers again."))
    if uncommitted:
        return Loss(0, None, (*before, f"{nothing} is lost; {again(uncommitted)}."))
    return Loss(words=(*before, "Nothing more was lost, and nothing is done twice.")) if gone else Loss()


def again(uncommitted: Sequence[str]) -> str:
    """Return what is done again where some have not committed what they did."""
    return f"what {listed(uncommitted)} had not committed, about a second, may be processed again, with the same ids"


def result(
    context: SwitchContext,
    attempt: SwitchAttempt,
    readiness: Readiness,
    outcome: Outcome,
    *,
    missing: tuple[str, ...],
    loss: Loss,
    problems: Sequence[str] = (),
    interrupted: bool = False,
) -> Result:
    """Return what became of a switch; `outcome` and `missing` are of one moment, as `ended_as` tells."""
    order = attempt.order
    switched = outcome in {Outcome.SWITCHED, Outcome.INCOMPLETE}
    return Result(
        version=VERSION,
        context=context.settings.context.name,
        outcome=outcome,
        mode="forced" if order.forced else "planned",
        epoch=attempt.epoch,
        id=attempt.id,
        source=attempt.source,
        target=order.target,
        active=order.target if switched else attempt.source,
        by=order.by,
        reason=order.reason,
        seconds=round(context.clock.monotonic() - context.progress_log.began, 3),
        pause=readiness.last_running() if switched else None,
        steps=context.progress_log.seconds(),
        instances=context.progress_log.instances,
        missing=missing,
        loss=loss,
        problems=tuple(problems),
        interrupted=interrupted,
    )
