"""Where things run: cluster and epoch, instances, mirror and lag, as far as the clusters tell."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from kafkalert.bus.control.event import Event
from kafkalert.bus.control.state import given_up
from kafkalert.config.sections import Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import DeniedError, UnreachableError
from kafkalert.ops.failover.positions.asking import at_once
from kafkalert.ops.failover.result import VERSION
from kafkalert.ops.failover.status.history import when
from kafkalert.ops.failover.status.instances import Presence, WatchedInstance
from kafkalert.ops.failover.status.picture import (
    ClusterSeen,
    Health,
    Instance,
    PendingSwitch,
    Survey,
)
from kafkalert.ops.failover.status.questions import FEW, Answers, Questions
from kafkalert.ops.failover.status.strangers import judged_with_strangers
from kafkalert.ops.failover.status.watch import Watch, nobody
from kafkalert.ops.wording import harmless

WATCH_SECONDS: Final = 2.0
"""For how long beats are awaited before an instance is called silent; they come each second."""
ANSWER_SECONDS: Final = 5.0
HASTY_SECONDS: Final = 1.2
"""How long answers are awaited; less by whoever is about to leave a cluster that gives none, of that one."""
QUICK_SECONDS: Final = 3.2
"""How long answers are awaited by who only looks: with start-up it is told within 4 s that a cluster gives none."""
_QUICK_FLOW_SECONDS: Final = 3.0
_QUICK_ANSWER_SECONDS: Final = 1.5  # why it gives none takes two more
PATIENCE_SECONDS: Final = 10.0
"""How long one that gives neither an answer nor a cause is looked at again, by who needs both clusters."""
_FLOW_SHARE: Final = 0.8


def survey(settings: Settings, watch: Watch, clock: Clock, *, only: str = "", quick: bool = False) -> Survey:
    """Look, for about two seconds or, where a cluster is dead, ANSWER_SECONDS. Raises UnreachableError if none answers.

    Who needs only one cluster names it by `only`, and waits for the others, and for the mirror, less. `quick`: a second
    is enough where everybody known is heard in it, and QUICK_SECONDS where a cluster is dead.
    """
    told = _ask(settings, only, quick)
    alive = living(settings, watch.control.reachable(), told)
    watch.await_control(alive)
    watch.await_beats(alive, WATCH_SECONDS, quick=quick)
    return surveyed(settings, watch, told, clock.monotonic())


def living(settings: Settings, heard: Collection[str], told: Answers) -> list[str]:
    """Return the clusters that answer, in their order. Raises UnreachableError if none does.

    A slow list of topics says nothing of a cluster whose control log was `heard` meanwhile.
    """
    found = [
        name for name in settings.context.clusters if name in heard or not isinstance(told["answers", name], Exception)
    ]
    if not found:
        raise nobody(settings)
    return found


def surveyed(settings: Settings, watch: Watch, told: Answers, now: float) -> Survey:
    """Return what `told` and what was followed say at this monotonic time. Raises UnreachableError if none answers."""
    names = settings.context.clusters
    read, view = watch.control.reachable(), watch.control.view()
    alive = living(settings, read, told)
    dead = {*names}.difference(alive)
    answers = {name: told["answers", name] for name in names if name not in read}
    clusters = tuple(
        ClusterSeen(
            name, name not in dead, name in read, *_why(answers.get(name), is_read=name in read), _health(told, name)
        )
        for name in names
    )
    unknown: list[str] = []
    mirror, groups = told["mirror", ""], told["groups", view.active]
    if isinstance(mirror, Exception):
        unknown.append(f"The mirror's state is not known: {str(mirror) or 'its workers do not answer in time.'}")
    if isinstance(groups, Exception) and view.active not in dead:
        why = f": {groups}" if isinstance(groups, DeniedError) else "."
        unknown.append(f"The lag of groups on {view.active} could not be read{why}")
    listened = max(watch.watcher.watched(name, now) for name in names)
    members = [one for one in _sorted(watch.watcher.members()) if not one.is_forgotten(now, listened)]
    watched = [name for name in alive if watch.watcher.watched(name, now) >= WATCH_SECONDS]
    instances = tuple(
        replace(
            instance, known=instance.known and instance.cluster not in dead, unheard=tuple(member.unheard(watched, now))
        )
        for member in members
        for instance in [seen(member, now)]
    )
    commit = view.commit
    found = Survey(
        VERSION,
        settings.context.name,
        view.active,
        view.epoch,
        commit.mode if commit else "",
        when(commit) if commit else None,
        harmless(commit.by) if commit else "",
        harmless(commit.reason) if commit else "",
        attempt(view.pending),
        clusters,
        instances,
        mirror if isinstance(mirror, tuple) else (),
        groups if isinstance(groups, tuple) else None,
        notes=(),
        given_up=next(iter(given_up(view) - {view.active}), ""),
        passed_over=watch.control.skipped() + watch.watcher.passed_over,
    )
    return judged_with_strangers(found, unknown)


def patient_survey(settings: Settings, watch: Watch, clock: Clock) -> Survey:
    """As `survey`, and again while a cluster gives neither an answer nor a cause: it may merely be slow."""
    until = clock.monotonic() + PATIENCE_SECONDS
    while True:
        found = survey(settings, watch, clock)
        is_told = all((cluster.answers and cluster.control) or cluster.hint for cluster in found.clusters)
        if is_told or clock.monotonic() >= until:
            return found


def _ask(settings: Settings, only: str, quick: bool) -> Answers:
    """All questions at once, so that one that hangs takes no time from the others; an answer may be an Exception."""
    if quick:
        asked = Questions(settings, _QUICK_FLOW_SECONDS, _QUICK_ANSWER_SECONDS, FEW).calls
        return at_once(asked, QUICK_SECONDS)
    asked = Questions(settings, _FLOW_SHARE * (HASTY_SECONDS if only else ANSWER_SECONDS)).calls
    hasty = {key: HASTY_SECONDS for key in asked if only and key != ("answers", only)}
    return at_once(asked, ANSWER_SECONDS, hasty=hasty)


def look(settings: Settings) -> Survey:
    """Look once, for about a second. Raises UnreachableError if no cluster answers."""
    clock = SystemClock()
    with Watch(settings, clock) as watch:
        return survey(settings, watch, clock, quick=True)


def seen(member: WatchedInstance, now: float) -> Instance:
    """Return a watched instance as it is told to people and programs."""
    beat = member.beat
    since = None if member.arrived is None else round(now - member.arrived, 1)
    return Instance(
        beat.stage,
        beat.instance,
        beat.host,
        member.presence(now),
        beat.state,
        beat.cluster,
        beat.epoch,
        beat.lag,
        since,
        known=member.presence(now) is Presence.ALIVE,
        skipped_by_switch=beat.skipped_by_switch,
        entries_per_second=beat.rates.entries,
        alerts_per_second=beat.rates.alerts,
        p50_ms=beat.latency_ms.p50,
        p99_ms=beat.latency_ms.p99,
        entries=beat.totals.entries,
        dead_letters=beat.dead_letters,
        skipped_settings=beat.skipped_settings,
        restarts=beat.restarts,
        new_dead_letters=member.new_dead_letters(now),
    )


def attempt(event: Event | None) -> PendingSwitch | None:
    """Return a PREPARE as an attempt."""
    if event is None:
        return None
    by, reason = harmless(event.by), harmless(event.reason)
    return PendingSwitch(event.epoch, event.id, event.source, event.target, by, when(event), reason)


def _sorted(members: Mapping[str, WatchedInstance]) -> list[WatchedInstance]:
    return sorted(members.values(), key=lambda member: (member.beat.stage, member.beat.instance))


def _health(told: Answers, name: str) -> Health | None:
    answer = told["answers", name]
    return answer if isinstance(answer, Health) else None


def _why(answer: object, *, is_read: bool) -> tuple[str, str]:
    """Why a cluster is not seen as a whole, and what mends that where it is known."""
    if isinstance(answer, UnreachableError) and answer.cause_known:
        return str(answer), answer.hint
    if isinstance(answer, Exception):
        return "does not answer", ""
    return "" if is_read else "its control log could not be read", ""
