"""The end of both kinds of switch: waiting until instances run on the target, and what became of it all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kafkalert.ops.failover.course import Step
from kafkalert.ops.failover.order import Order
from kafkalert.ops.failover.parts import Parts, listed
from kafkalert.ops.failover.result import VERSION, Loss, Outcome, Result
from kafkalert.ops.failover.turnout import Turnout

RUN_SECONDS: Final = 20.0
"""How long instances are waited for on the target; the switch stands, whatever they do."""
_STEP_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Flight:
    """One switch: its order, from where, and under which number and id."""

    order: Order
    source: str
    epoch: int
    id: str


def await_running(parts: Parts, turnout: Turnout) -> bool:
    """Wait until every instance that is there runs on the target, at most RUN_SECONDS; False if ctrl-c ended that."""
    give_up = parts.clock.monotonic() + RUN_SECONDS
    try:
        with parts.course.step(Step.RUN):
            while True:
                parts.course.see(turnout.look())
                missing = turnout.missing()
                parts.course.note(Step.RUN, f"waiting for {listed(missing)}" if missing else "")
                if not missing or parts.clock.monotonic() > give_up:
                    return True
                parts.watch.roll.wait(_STEP_SECONDS)
    except KeyboardInterrupt:
        return False


def landed(turnout: Turnout) -> Outcome:
    """How a switch that was decided ended."""
    return Outcome.INCOMPLETE if turnout.missing() or turnout.deserted() else Outcome.SWITCHED


def dead_target(parts: Parts, flight: Flight, outcome: Outcome) -> list[str]:
    """What to do where stages do not run because the cluster that they were moved to died."""
    target, answering = flight.order.target, parts.watch.control.reachable()
    if outcome is not Outcome.INCOMPLETE or target in answering:
        return []
    back = f" If it cannot be started: `kafkalert failover --to {flight.source} --force --accept-loss`."
    return [
        f"{target} does not answer any more: no alerts are sent.",
        f"Start {target}; stages then go on by themselves.{back if flight.source in answering else ''}",
    ]


def planned_loss(uncommitted: Sequence[str], gone: Sequence[str] = (), dead: str = "") -> Loss:
    """What a planned switch loses, and what is done again.

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
    """What is done again where some have not committed what they did."""
    return f"what {listed(uncommitted)} had not committed, about a second, may be processed again, with the same ids"


def result(
    parts: Parts,
    flight: Flight,
    turnout: Turnout,
    outcome: Outcome,
    *,
    loss: Loss,
    problems: Sequence[str] = (),
    interrupted: bool = False,
) -> Result:
    """What became of a switch."""
    order = flight.order
    switched = outcome in {Outcome.SWITCHED, Outcome.INCOMPLETE}
    return Result(
        version=VERSION,
        context=parts.settings.context.name,
        outcome=outcome,
        mode="forced" if order.forced else "planned",
        epoch=flight.epoch,
        id=flight.id,
        source=flight.source,
        target=order.target,
        active=order.target if switched else flight.source,
        by=order.by,
        reason=order.reason,
        seconds=round(parts.clock.monotonic() - parts.course.began, 3),
        pause=turnout.last_running() if switched else None,
        steps=parts.course.seconds(),
        instances=parts.course.instances,
        missing=tuple(dict.fromkeys([*turnout.missing(), *turnout.deserted()]))
        if outcome is Outcome.INCOMPLETE
        else (),
        loss=loss,
        problems=tuple(problems),
        interrupted=interrupted,
    )
