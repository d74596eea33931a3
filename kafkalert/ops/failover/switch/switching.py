"""A switch as an operator orders it: look, check, ask, move."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Final

from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import RefusedError
from kafkalert.ops.failover.positions.forced_estimate import ForcedEstimate, estimate_forced, staying
from kafkalert.ops.failover.positions.groups import Groups
from kafkalert.ops.failover.positions.planned_positions import PlannedPositions
from kafkalert.ops.failover.result import VERSION, Loss, Outcome, Result
from kafkalert.ops.failover.status.history import moved
from kafkalert.ops.failover.status.instances import GONE_SECONDS, Presence
from kafkalert.ops.failover.status.picture import Survey
from kafkalert.ops.failover.status.strangers import is_stranger
from kafkalert.ops.failover.status.survey import attempt, patient_survey, survey
from kafkalert.ops.failover.status.watch import Watch
from kafkalert.ops.failover.switch.alive_elsewhere import check_unreached
from kafkalert.ops.failover.switch.checks import check_forced, check_idle, check_planned, is_there
from kafkalert.ops.failover.switch.context import SwitchContext, listed
from kafkalert.ops.failover.switch.forced import Forced
from kafkalert.ops.failover.switch.order import Order
from kafkalert.ops.failover.switch.outcome import again, planned_loss
from kafkalert.ops.failover.switch.planned import Planned
from kafkalert.ops.failover.switch.progress_log import ProgressLog, Tell
from kafkalert.ops.mirror.expired import words
from kafkalert.ops.wording import counted

THINKING_SECONDS: Final = 60.0
"""What was followed for longer, as the operator thought, is begun anew: the ledger keeps it all, and the pause pays."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told and asked.

    `show` is given what is, `approve` the changes, one line each, and returns where they are wanted; `progress` opens a
    display of the switch; `say` is given what a dry run would do.
    """

    show: Callable[[Survey], None]
    approve: Callable[[Sequence[str]], None]
    progress: Callable[[], AbstractContextManager[Tell]]
    say: Callable[[str], None]


def switch(settings: Settings, order: Order, audience: Audience, clock: Clock | None = None) -> Result:
    """Move all stages to `order.target`.

    Raises:
        RefusedError: a check forbids it, somebody else is at it; or what `audience.approve` raises.
        UnreachableError: no cluster answers.
        NotSwitchedError: it was called off, or nobody knows.
    """
    time = clock or SystemClock()
    with Watch(settings, time) as watch:
        if order.forced:
            found = survey(settings, watch, time, only=order.target)
        else:
            found = patient_survey(settings, watch, time)
        audience.show(found)
        if is_there(found, order.target):
            return _unmoved(settings, order, found, Outcome.ALREADY)
        move = _force if order.forced else _plan
        return move(settings, order, audience, found, watch, time)


def _plan(settings: Settings, order: Order, audience: Audience, found: Survey, watch: Watch, clock: Clock) -> Result:
    check_planned(settings, found, order.target)
    view = watch.control.view()
    check_idle(view.active, view.epoch, attempt(view.pending), order.target)
    groups = Groups(settings, settings.clusters[found.active])
    for cluster_groups in (groups, Groups(settings, settings.clusters[order.target])):
        cluster_groups.check_seen()
    with ExitStack() as following:

        def follow() -> tuple[PlannedPositions, list[str]]:
            new_positions = following.enter_context(PlannedPositions(settings, view, found.active, order.target, clock))
            assumed = new_positions.begin(groups.committed(groups.names()))
            return new_positions, [*assumed, *new_positions.check_uncut(groups)]

        positions, assumed = follow()  # while the operator thinks, it is read already
        changes = [*_planned_changes(found, order), *assumed]
        if not order.dry_run:
            asked = clock.monotonic()
            audience.approve(changes)
            look_again(watch, order, (view.active, view.epoch))
            if clock.monotonic() - asked > THINKING_SECONDS:
                following.close()
                positions, _ = follow()
        with audience.progress() as tell:
            context, gone = SwitchContext(settings, watch, ProgressLog(clock, tell), clock), _gone(found)
            planned = Planned(context, order, positions, source=found.active, gone=gone)
            if not order.dry_run:
                return planned.run()
            planned.look()
    return _dry(settings, order, audience, found, changes, planned_loss(_silent(found), _gone(found)))


def _force(settings: Settings, order: Order, audience: Audience, found: Survey, watch: Watch, clock: Clock) -> Result:
    check_forced(found, order.target)
    if not found.cluster(found.active).answers:
        check_unreached(watch.watcher, found.active, clock)
    stays = order.target == found.active
    if stays:
        (source,) = (name for name in settings.context.clusters if name != order.target)
        look = staying(watch.control.view(), source)
        changes = _staying_changes(order, source, look)
    else:
        source = found.active
        look = estimate_forced(settings, found, order.target, clock, order.overlap)
        changes = _forced_changes(found, order, look)
    if order.dry_run:
        return _dry(settings, order, audience, found, changes, look.loss)
    audience.approve(changes)
    look_again(watch, order, (found.active, found.epoch))
    with audience.progress() as tell:
        context = SwitchContext(settings, watch, ProgressLog(clock, tell), clock)
        return Forced(context, order, look, source=source).run()


def look_again(watch: Watch, order: Order, found: tuple[str, int]) -> None:
    """Check that it still is this cluster and epoch: the operator may have thought for long.

    Raises RefusedError where somebody else was quicker.
    """
    view = watch.control.view()
    if not order.forced:
        check_idle(view.active, view.epoch, attempt(view.pending), order.target)
    if (view.active, view.epoch) != found:  # two forced switches may have one epoch
        raise RefusedError(
            f"Stages run on {view.active}, in epoch {view.epoch}, and not as shown above{moved(view.commit)}.",
            hint="Nothing was changed. `kafkalert failover` shows where each runs.",
        )


def _planned_changes(found: Survey, order: Order) -> list[str]:
    silent = _silent(found)
    still = [f"{listed(silent)} {_do(silent)} not respond; alerts pause for {GONE_SECONDS:g} s"]
    promise = f"; {again(silent)}" if silent else " and nothing done twice"
    gone = _gone(found)
    return [
        f"move {_who(found)} and {_groups(found)} from {found.active} to {order.target}",
        f"unprocessed: {_unprocessed(found, order.target)}",
        f"mirror backlog: {_backlog(found)}",
        *gone,
        *(still if silent else ()),
        f"{_nothing(gone)} is lost{promise}; if it takes longer than {order.timeout:g} s, it is called off",
    ]


def _forced_changes(found: Survey, order: Order, look: ForcedEstimate) -> list[str]:
    old, new = found.active, order.target
    return [
        f"move {_who(found)} from {old} to {new}, without asking {old}",
        f"stop the flow from {old} to {new}, so that old records do not overwrite newer ones",
        *look.loss.words,
        f"if {old} is merely cut off from here, instances there go on beside those on {new} until reached or stopped",
    ]


def _staying_changes(order: Order, source: str, look: ForcedEstimate) -> list[str]:
    here = order.target
    return [
        f"say that stages run on {here} without {source}, so that those start that wait to read its control log",
        *((f"stop the flow from {source} to {here}, if it is not stopped yet",) if look.stops_flow else ()),
        *look.loss.words,
        f"if stages were moved to {source} and {here} does not know of it, what they did there is done again",
    ]


def _gone(found: Survey) -> list[str]:
    """Return what expired before it crossed, in words."""
    return [f"not on {flow.target}: {words(flow.expired, flow.source)}" for flow in found.flows if flow.expired]


def _silent(found: Survey) -> list[str]:
    return [instance.instance for instance in found.instances if instance.presence in {Presence.SILENT, Presence.STUCK}]


def _who(found: Survey) -> str:
    own = [instance for instance in found.instances if not is_stranger(instance)]
    stages = Counter(instance.stage for instance in own if instance.presence is Presence.ALIVE)
    count = sum(stages.values())
    each = ", ".join(f"{number} {stage}" for stage, number in sorted(stages.items()))
    return counted(count, "instance") + (f" ({each})" if each else "")


def _groups(found: Survey) -> str:
    return "? groups" if found.groups is None else counted(len(found.groups), "group")


def _unprocessed(found: Survey, target: str) -> str:
    """Return what groups have yet to process, and where they do; where it is not known, `?`."""
    if found.groups is None:
        return "?"
    before = sum(group.lag for group in found.groups)
    return f"{before:,}{f'; processed on {target}' if before else ''}"


def _nothing(gone: Sequence[str]) -> str:
    return "nothing more" if gone else "nothing"


def _do(subjects: Sequence[str]) -> str:
    return "does" if len(subjects) == 1 else "do"


def _backlog(found: Survey) -> str:
    """Return what has yet to cross, by flow; where it is not known, `?`."""
    if all(flow.lag_records == 0 and flow.lag_complete for flow in found.flows):
        return "none"
    return ", ".join(
        f"{flow.source} to {flow.target} {'?' if flow.lag_records is None else f'{flow.lag_records:,}'}"
        f"{'' if flow.lag_complete or not flow.lag_records else ' or more'}"
        for flow in found.flows
    )


def _dry(
    settings: Settings, order: Order, audience: Audience, found: Survey, changes: Sequence[str], loss: Loss
) -> Result:
    audience.say("It would:")
    for change in changes:
        audience.say(f"  {change}")
    return _unmoved(settings, order, found, Outcome.PLANNED, loss)


def _unmoved(settings: Settings, order: Order, found: Survey, outcome: Outcome, loss: Loss | None = None) -> Result:
    """Return what becomes of an order that moves nothing."""
    already = outcome is Outcome.ALREADY
    return Result(
        version=VERSION,
        context=settings.context.name,
        outcome=outcome,
        mode="forced" if order.forced else "planned",
        epoch=found.epoch if already else found.epoch + 1,
        id="",
        source=found.active,
        target=order.target,
        active=found.active,
        by=order.by,
        reason=order.reason,
        seconds=0.0,
        pause=None,
        steps={},
        instances=(),
        missing=(),
        loss=loss or Loss(),
        problems=(),
    )
