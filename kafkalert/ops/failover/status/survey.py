"""Where things run: cluster and epoch, instances, mirror and lag, as far as the clusters tell."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from kafkalert.bus.connect.flow import flows
from kafkalert.bus.control.event import Event
from kafkalert.bus.control.state import given_up
from kafkalert.bus.records.mark_reader import Places
from kafkalert.bus.transactions import tool
from kafkalert.config.sections import Cluster, Settings
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.errors import DeniedError, UnreachableError
from kafkalert.ops.failover.positions.bounded import at_once
from kafkalert.ops.failover.positions.evidence import topics_of
from kafkalert.ops.failover.positions.groups import Groups
from kafkalert.ops.failover.result import VERSION
from kafkalert.ops.failover.status.history import when
from kafkalert.ops.failover.status.instances import Presence, WatchedInstance
from kafkalert.ops.failover.status.picture import (
    ClusterSeen,
    GroupLag,
    Instance,
    OpenTransaction,
    PendingSwitch,
    Survey,
)
from kafkalert.ops.failover.status.strangers import judged_with_strangers
from kafkalert.ops.failover.status.watch import Watch, nobody
from kafkalert.ops.mirror.status import FlowStatus, status
from kafkalert.ops.wording import harmless

WATCH_SECONDS: Final = 2.0
"""For how long beats are awaited before an instance is called silent; they come each second."""
ANSWER_SECONDS: Final = 5.0
HASTY_SECONDS: Final = 1.2
"""How long answers are awaited; less by whoever is about to leave a cluster that gives none, of that one."""
PATIENCE_SECONDS: Final = 10.0
"""How long one that gives neither an answer nor a cause is looked at again, by who needs both clusters."""
_FLOW_SHARE: Final = 0.8


def survey(settings: Settings, watch: Watch, clock: Clock, *, only: str = "") -> Survey:
    """Look, for about two seconds or, where a cluster is dead, ANSWER_SECONDS. Raises UnreachableError if none answers.

    Who needs only one cluster names it by `only`, and waits for the others, and for the mirror, less.
    """
    names = settings.context.clusters
    told = _ask(settings, only)
    # A slow list of topics says nothing of a cluster whose control log has been read meanwhile.
    heard = watch.control.reachable()
    answers = {name: told["answers", name] for name in names if name not in heard}
    dead = [name for name, answer in answers.items() if isinstance(answer, Exception)]
    if len(dead) == len(names):
        raise nobody(settings)
    living = [name for name in names if name not in dead]
    watch.await_control(living)
    read = watch.control.reachable()
    view = watch.control.view()
    clusters = tuple(
        ClusterSeen(name, name not in dead, name in read, *_why(answers.get(name), is_read=name in read))
        for name in names
    )
    unknown: list[str] = []
    mirror, groups = told["mirror", ""], told["groups", view.active]
    if isinstance(mirror, Exception):
        unknown.append(f"The mirror's state is not known: {str(mirror) or 'its workers do not answer in time.'}")
    if isinstance(groups, Exception) and view.active not in dead:
        why = f": {groups}" if isinstance(groups, DeniedError) else "."
        unknown.append(f"The lag of groups on {view.active} could not be read{why}")
    watch.await_beats(living, WATCH_SECONDS)
    now = clock.monotonic()
    members = _sorted(watch.watcher.members())
    watched = [name for name in living if watch.watcher.watched(name, now) >= WATCH_SECONDS]
    instances = tuple(
        replace(one, known=one.known and one.cluster not in dead, unheard=tuple(member.unheard(watched, now)))
        for member in members
        for one in [seen(member, now)]
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
        is_told = all((one.answers and one.control) or one.hint for one in found.clusters)
        if is_told or clock.monotonic() >= until:
            return found


def _ask(settings: Settings, only: str) -> Mapping[tuple[str, str], object]:
    """All questions at once, so that one that hangs takes no time from the others; an answer may be an Exception."""
    share = _FLOW_SHARE * (HASTY_SECONDS if only else ANSWER_SECONDS)
    asked: dict[tuple[str, str], Callable[[], object]] = {("mirror", ""): partial(_flows, settings, share)}
    for name in settings.context.clusters:
        asked["answers", name] = partial(topics_of, settings.clusters[name])
        asked["groups", name] = partial(_lags, settings, settings.clusters[name], share)
    hasty = {key: HASTY_SECONDS for key in asked if only and key != ("answers", only)}
    return at_once(asked, ANSWER_SECONDS, hasty=hasty)


def look(settings: Settings) -> Survey:
    """Look once, for about two seconds. Raises UnreachableError if no cluster answers."""
    clock = SystemClock()
    with Watch(settings, clock) as watch:
        return survey(settings, watch, clock)


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
    )


def attempt(event: Event | None) -> PendingSwitch | None:
    """Return a PREPARE as an attempt."""
    if event is None:
        return None
    by, reason = harmless(event.by), harmless(event.reason)
    return PendingSwitch(event.epoch, event.id, event.source, event.target, by, when(event), reason)


def _lags(settings: Settings, cluster: Cluster, seconds: float) -> tuple[GroupLag, ...]:
    groups, places = Groups(settings, cluster, seconds=seconds), Places(cluster)
    groups.check_seen()
    names = groups.names()
    attendance = groups.attendance(names)
    committed = groups.committed(names)
    # Where it has committed nothing in one partition of a topic that it reads, that was added: none of it is processed.
    topics = {topic for offsets in committed.values() for topic, _ in offsets}
    every = places.partitions(topics) if topics else []
    starts, ends = places.starts(every), places.high_watermarks(every)
    stable = places.ends(every)  # after the others: what came in between waits for nobody
    found = []
    for name in names:
        offsets = committed[name]
        read = {topic for topic, _ in offsets}
        at = {one: offsets.get(one, starts[one]) for one in every if one[0] in read}
        lag = sum(max(0, ends[one] - max(offset, starts[one])) for one, offset in at.items())
        waiting = {one: left for one, offset in at.items() if (left := ends[one] - max(offset, stable[one])) > 0}
        opened = (OpenTransaction(*one, stable[one], tool(cluster, *one, stable[one])) for one in sorted(waiting))
        gone = sum(max(0, starts[one] - offset) for one, offset in at.items())
        found.append(GroupLag(name, attendance[name].members, lag, gone, sum(waiting.values()), tuple(opened)))
    return tuple(found)


def _sorted(members: Mapping[str, WatchedInstance]) -> list[WatchedInstance]:
    return sorted(members.values(), key=lambda one: (one.beat.stage, one.beat.instance))


def _flows(settings: Settings, seconds: float) -> tuple[FlowStatus, ...]:
    return tuple(status(settings, flows(settings), seconds=seconds))


def _why(answer: object, *, is_read: bool) -> tuple[str, str]:
    """Why a cluster is not seen as a whole, and what mends that where it is known."""
    if isinstance(answer, UnreachableError) and answer.cause_known:
        return str(answer), answer.hint
    if isinstance(answer, Exception):
        return "does not answer", ""
    return "" if is_read else "its control log could not be read", ""
