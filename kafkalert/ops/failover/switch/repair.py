"""What both control logs hold, what is passed over and why, and mending what keeps stages or switches from going on."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from kafkalert.bus.control.event import Event
from kafkalert.bus.control.log import ControlLog
from kafkalert.bus.control.plausible import REACH, PassedOver
from kafkalert.bus.control.state import View
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import OutcomeUnknownError
from kafkalert.ops.failover.positions.forced_estimate import staying
from kafkalert.ops.failover.result import VERSION
from kafkalert.ops.failover.status.instances import Presence, WatchedInstance
from kafkalert.ops.failover.status.picture import PendingSwitch
from kafkalert.ops.failover.status.survey import WATCH_SECONDS, attempt
from kafkalert.ops.failover.status.watch import Watch
from kafkalert.ops.failover.switch.cancel import BACK_SECONDS, WRITE_SECONDS
from kafkalert.ops.wording import counted


@dataclass(frozen=True, slots=True)
class LogSeen:
    """The control log of one cluster.

    `read`: whether it could be read. `events`: those that count. `highest`: the highest epoch that a switch was begun
    in. `lacks`: events that the other log has and this one lacks. `passed_over`: records that decide nothing.
    """

    cluster: str
    read: bool
    events: int
    highest: int
    lacks: int
    passed_over: int


@dataclass(frozen=True, slots=True)
class Repair:
    """What the logs say together, what is wrong with them, and what mends it.

    `passed_over`: the newest such records of each log. `odd_beats`: records of the status topics that are no heartbeat.
    `mends`: what is to be written, in sentences; `mended`: whether it was. `notes`: what else is to be known.
    """

    version: int
    context: str
    active: str
    epoch: int
    next_epoch: int
    pending: PendingSwitch | None
    logs: tuple[LogSeen, ...]
    passed_over: tuple[PassedOver, ...]
    odd_beats: int
    mends: tuple[str, ...]
    notes: tuple[str, ...]
    mended: bool = False

    @property
    def unread(self) -> bool:
        """Whether a log could not be read."""
        return not all(log.read for log in self.logs)


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be written: copies by cluster, in order; and an epoch above those that instances worked in, or 0."""

    copies: Mapping[str, Sequence[Event]]
    epoch: int = 0
    ahead: tuple[str, ...] = ()


def plan(view: View, lacking: Mapping[str, Sequence[Event]], members: Sequence[WatchedInstance], now: float) -> Plan:
    """Return what mends the logs that make `view`, by what instances say that are alive at `now`.

    An instance never goes below an epoch that it has worked in. Where the logs have lost that epoch it holds for ever,
    unless they come to say a higher one. Far above what they know nobody can have worked; that is not believed.
    """
    alive = [member.beat for member in members if member.presence(now) is Presence.ALIVE]
    last = view.next_epoch - 1
    ahead = [beat for beat in alive if max(view.epoch, last) < beat.epoch < last + REACH]
    epoch = max((beat.epoch for beat in ahead), default=-1) + 1
    return Plan(lacking, epoch, tuple(sorted(f"{beat.stage} {beat.instance}" for beat in ahead)))


def sentences(what: Plan, view: View) -> list[str]:
    """Return the changes, one a line."""
    told = [
        f"write to the control log of {name} {counted(len(events), 'event')} that it lacks"
        for name, events in sorted(what.copies.items())
    ]
    if what.epoch:
        told.append(
            f"say that stages run on {view.active} in epoch {what.epoch}, as the logs have lost the epoch in which "
            f"{', '.join(what.ahead)} worked"
        )
    return told


def repair(
    settings: Settings,
    show: Callable[[Repair], None],
    approve: Callable[[Sequence[str]], None],
    *,
    by: str,
    dry_run: bool = False,
    clock: Clock | None = None,
) -> Repair:
    """Look, `show`, and write what mends it once `approve` returns; nothing with `dry_run`, or where all is well.

    Raises UnreachableError where no log can be read, OutcomeUnknownError where a write was not read back,
    KafkalertError where a cluster refused it; or what `approve` raises.
    """
    time = clock or SystemClock()
    with Watch(settings, time) as watch:
        watch.await_control(settings.context.clusters)
        watch.await_beats(watch.control.reachable(), WATCH_SECONDS)
        view = watch.control.view()
        what = plan(view, watch.control.lacking(), list(watch.watcher.members().values()), time.monotonic())
        found = _seen(settings, watch, what)
        show(found)
        if dry_run or not found.mends:
            return found
        approve(found.mends)
        for name, events in sorted(what.copies.items()):
            _write(watch.control, name, events)
        if what.epoch:
            stays = _stays(settings, view, what.epoch, by, time)
            _write(watch.control, view.active, [stays])
            for name in sorted(watch.control.lacking()):
                _write(watch.control, name, [stays])
        return replace(_seen(settings, watch, what), mended=True)


def _seen(settings: Settings, watch: Watch, what: Plan) -> Repair:
    control, view = watch.control, watch.control.view()
    read, lacking = control.reachable(), control.lacking()
    logs = tuple(
        LogSeen(name, name in read, held.events, held.highest, len(lacking.get(name, ())), held.passed_over)
        for name, held in control.held().items()
    )
    notes = [f"The control log of {log.cluster} could not be read." for log in logs if not log.read]
    pending = attempt(view.pending)
    if pending is not None:
        notes.append(
            f"A switch from {pending.source} to {pending.target} is under way, by {pending.by}; stages stand still for "
            "it. If nobody is at it: `kafkalert failover cancel`."
        )
    return Repair(
        VERSION,
        settings.context.name,
        view.active,
        view.epoch,
        view.next_epoch,
        pending,
        logs,
        tuple(control.passed_over()),
        watch.watcher.passed_over,
        tuple(sentences(what, view)),
        tuple(notes),
    )


def _stays(settings: Settings, view: View, epoch: int, by: str, clock: Clock) -> Event:
    """Return a forced COMMIT to where stages run already: nothing is moved by it."""
    other = next(name for name in settings.context.clusters if name != view.active)
    detail = staying(view, other).detail()
    return Event(
        epoch,
        uuid.uuid4().hex,
        "COMMIT",
        "forced",
        other,
        view.active,
        by,
        clock.wall_ms(),
        "repair",
        detail,
    )


def _write(control: ControlLog, name: str, events: Sequence[Event]) -> None:
    for event in events:
        if not control.write(name, event, WRITE_SECONDS) or not control.await_event(
            name, event.epoch, event.id, event.event, BACK_SECONDS
        ):
            raise OutcomeUnknownError(
                f"{name} did not confirm an event of epoch {event.epoch}.",
                hint="Run it again: what stands there already is not written twice.",
            )
