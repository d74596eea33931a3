"""What is wrong with a context, worst first: what a screen says in its first line, and what its status is made of."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import Finding, Instance, Survey, Verdict
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.mirror.expired import words
from kafkalert.ops.mirror.status import FlowStatus
from kafkalert.ops.wording import counted, harmless

_ALERTING: Final = "alerting"
_HELD: Final = "held: "
_WORST_FIRST: Final = (Grade.BAD, Grade.UNKNOWN, Grade.WAITING)
_RUNNING: Final = "running"
_NAMED: Final = 3
_NOT_RUNNING: Final = "No alerts are sent: alerting does not run. Start it: `kafkalert run alerting`."


def judged(found: Survey, unknown: Sequence[str] = ()) -> Survey:
    """`found` with all that is wrong with it, the worst first, and the verdict; `unknown`: what could not be asked."""
    every = [*_active(found), *_alerts(found), *_instances(found), *_passive(found), *_waiting(found)]
    every += [*_mirror(found), *_odd(found), *_gone(found)]
    every += [Finding(Grade.UNKNOWN, text) for text in unknown]
    ordered = tuple(sorted(every, key=lambda finding: _WORST_FIRST.index(finding.grade)))
    if not all(cluster.answers for cluster in found.clusters):
        verdict = Verdict.UNREACHABLE
    else:
        verdict = Verdict.NOT_OK if {finding.grade for finding in ordered} - {Grade.WAITING} else Verdict.OK
    return replace(found, findings=ordered, notes=tuple(finding.text for finding in ordered), verdict=verdict)


def instance_grade(instance: Instance) -> Grade:
    """Return what the state of an instance means; of one that is silent it is of an earlier time."""
    if instance.presence is Presence.STOPPED:
        return Grade.WAITING
    if instance.presence is Presence.SILENT:
        return Grade.UNKNOWN
    if instance.presence is Presence.STUCK or instance.state.startswith(_HELD):
        return Grade.BAD
    return Grade.GOOD if instance.state == _RUNNING else Grade.WAITING


def planned_works(found: Survey) -> bool:
    """Whether a planned switch would work, by what is known without a further look; the command checks all of it."""
    return (
        len(found.clusters) > 1
        and found.pending is None
        and all(cluster.answers and cluster.control for cluster in found.clusters)
        and bool(found.flows)
        and all(flow.state is Condition.RUNNING for flow in found.flows)
        and not any(
            instance.presence in {Presence.SILENT, Presence.STUCK} or instance.unheard for instance in found.instances
        )
    )


def flow_hint(flow: FlowStatus, given_up: str) -> str:
    """Return what has a flow run that does not; `given_up`: the cluster that was left by force, as `Survey` has it."""
    if flow.state is Condition.STARTING:
        return f"Wait until it runs: `kafkalert mirror status` shows it. {flow.hint}".rstrip()
    if flow.state not in {Condition.STOPPED, Condition.PAUSED}:
        return flow.hint or "`kafkalert mirror status` tells more, `kafkalert mirror apply` mends it."
    if flow.state is Condition.PAUSED or not given_up:
        return "`kafkalert mirror apply --resume` lets it go on."
    return (
        f"A forced switch has stopped it: `kafkalert failover reconcile --from {given_up}` carries over what is "
        "stranded, and lets it go on."
    )


def _active(found: Survey) -> Iterator[Finding]:
    cluster = found.cluster(found.active)
    if cluster.hint:
        yield Finding(Grade.BAD, f"{cluster.detail} It is the active cluster. {cluster.hint}", stops_alerts=True)
    elif not cluster.answers:
        others = [each.name for each in found.clusters if each is not cluster]
        move = (
            f" `kafkalert failover --to {others[0]} --force --accept-loss --dry-run` shows what a move would lose."
            if others
            else ""
        )
        yield Finding(Grade.BAD, f"{cluster.name} is the active cluster and does not answer.{move}", stops_alerts=True)


def _passive(found: Survey) -> Iterator[Finding]:
    for cluster in found.clusters:
        if cluster.hint and cluster.name != found.active:
            yield Finding(Grade.BAD, f"{cluster.detail} {cluster.hint}")
        elif not cluster.answers and cluster.name != found.active:
            yield Finding(Grade.BAD, f"{cluster.name} does not answer. Stages stay on {found.active}; none can start.")
        if cluster.answers and not cluster.control:
            yield Finding(Grade.UNKNOWN, f"The control log of {cluster.name} could not be read.")


def _alerts(found: Survey) -> Iterator[Finding]:
    """Whether alerts are sent, by the instances of alerting."""
    here = [
        instance
        for instance in found.instances
        if instance.stage == _ALERTING and instance.presence is not Presence.STOPPED
    ]
    alive = [instance for instance in here if instance.presence is Presence.ALIVE]
    working = [instance for instance in alive if instance.state == _RUNNING and instance.cluster == found.active]
    held = [instance for instance in alive if instance.state.startswith(_HELD)]
    silent = [instance for instance in here if instance.presence in {Presence.SILENT, Presence.STUCK}]
    if not here:
        yield Finding(Grade.BAD, _NOT_RUNNING, stops_alerts=True)
    elif not working and found.pending is not None:
        yield Finding(Grade.WAITING, "Alerts wait for the switch that is under way.")
    elif not working and (held or silent):
        yield Finding(Grade.BAD, f"No alerts are sent: {_causes(held, silent)}.", stops_alerts=True)
    elif not working and any(instance.cluster == found.active for instance in alive):
        yield Finding(Grade.BAD, f"No alerts are sent yet: alerting is {harmless(alive[0].state)}.", stops_alerts=True)
    elif not working:
        yield Finding(Grade.BAD, f"No alerts are sent on {found.active}: alerting is elsewhere.", stops_alerts=True)
    elif held or silent:
        others = counted(len(working), "other instance")
        yield Finding(Grade.BAD, f"Some alerts wait: {_causes(held, silent)}; {others} of alerting run{_s(working)}.")


def _s(working: Sequence[object]) -> str:
    return "s" * (len(working) == 1)


def _causes(held: Sequence[Instance], silent: Sequence[Instance]) -> str:
    causes = [f"{harmless(instance.instance)} is {harmless(instance.state)}" for instance in held[:_NAMED]]
    causes += [f"{harmless(instance.instance)} does not respond" for instance in silent[:_NAMED]]
    more = len(held) + len(silent) - len(causes)
    return ", ".join(causes) + (f", and {more} more" if more else "")


def _instances(found: Survey) -> Iterator[Finding]:
    """Yield what is wrong with single instances; those of alerting that wait are named where alerts are."""
    for instance in found.instances:
        who = f"{harmless(instance.stage)} {harmless(instance.instance)}"
        if instance.presence is Presence.ALIVE and instance.cluster != found.active:
            where = harmless(instance.cluster) or "no cluster"
            yield Finding(Grade.BAD, f"{who} is on {where}, not on {found.active}.")
        if instance.presence is Presence.SILENT:
            yield Finding(Grade.BAD, f"{who} does not respond: it ended without a word, or hangs.")
        elif instance.presence is Presence.STUCK:
            yield Finding(Grade.BAD, f"{who} is stuck: it beats, but processes nothing. Restart it.")
        elif instance.stage != _ALERTING and instance_grade(instance) is Grade.BAD:
            yield Finding(Grade.BAD, f"{who} is {harmless(instance.state)}.")
        for name in instance.unheard:
            yield Finding(
                Grade.BAD,
                f"{who} is not heard on {name}; a planned switch would wait for it and be called off.",
            )


def _waiting(found: Survey) -> Iterator[Finding]:
    """Yield what nobody can read yet."""
    for group in found.groups or ():
        for first in group.transactions[:1]:
            more = len(group.transactions) - 1
            others = f", and in {counted(more, 'other partition')}" if more else ""
            yield Finding(
                Grade.WAITING,
                f"{counted(group.waiting, 'record')} for {harmless(group.group)} wait on {found.active} behind an open "
                f"transaction of another program in {first.topic}[{first.partition}] from offset {first.offset} on"
                f"{others}: {first.tool}.",
            )


def _mirror(found: Survey) -> Iterator[Finding]:
    answering = {cluster.name for cluster in found.clusters if cluster.answers}
    for status in found.flows:
        why = f": {status.reason}" if status.reason else ""
        flow = f"The mirror from {status.source} to {status.target}"
        if lost := words(status.expired, status.source):
            yield Finding(Grade.BAD, f"Not on {status.target}: {lost}.")
        if status.expired_reason:
            yield Finding(
                Grade.UNKNOWN,
                f"Whether records of {status.source} expired before they crossed is not known: "
                f"{status.expired_reason}.",
            )
        if status.state is Condition.UNREACHABLE:
            yield Finding(Grade.UNKNOWN, f"{flow} is not known{why}. {status.hint}".rstrip())
        elif status.state is not Condition.RUNNING:
            grade = Grade.WAITING if status.state is Condition.STARTING else Grade.BAD
            yield Finding(grade, f"{flow} is {status.state}{why}. {flow_hint(status, found.given_up)}")
        elif status.lag_records is None and {status.source, status.target} <= answering:
            yield Finding(
                Grade.UNKNOWN, f"The lag of {flow[0].lower()}{flow[1:]} is not known{_why(status.lag_reason)}."
            )


def _gone(found: Survey) -> Iterator[Finding]:
    for group in found.groups or ():
        if group.gone:
            records = counted(group.gone, "record")
            yield Finding(
                Grade.BAD,
                f"At most {records} expired or were deleted before {group.group} read them; "
                f"`kafkalert group show {group.group}` shows where.",
            )


def _odd(found: Survey) -> Iterator[Finding]:
    if found.passed_over:
        yield Finding(
            Grade.WAITING,
            f"{counted(found.passed_over, 'record')} of the control logs and the heartbeats cannot be meant, and "
            f"{'is' if found.passed_over == 1 else 'are'} passed over; `kafkalert failover repair` shows which.",
        )


def _why(reason: str) -> str:
    return f": {reason}" if reason else ""
