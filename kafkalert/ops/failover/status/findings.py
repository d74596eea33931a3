"""What is wrong with a context, worst first: what a screen says in its first line, and what its status is made of."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.health import ailing
from kafkalert.ops.failover.status.heartbeats import RUNNING
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.movement import ALERTING, moving
from kafkalert.ops.failover.status.picture import Finding, Instance, Survey, Verdict
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.mirror.expired import words
from kafkalert.ops.mirror.status import FlowStatus
from kafkalert.ops.wording import counted, harmless

WORST_FIRST: Final = (Grade.BAD, Grade.UNKNOWN, Grade.DOUBTFUL, Grade.WAITING)
_HELD: Final = "held: "
_NAMED: Final = 3


def judged(found: Survey, unknown: Sequence[str] = ()) -> Survey:
    """`found` with all that is wrong with it, the worst first, and the verdict; `unknown`: what could not be asked."""
    every = [*_active(found), *ailing(found.cluster(found.active)), *_alerts(found), *_instances(found)]
    every += [*_passive(found), *_waiting(found)]
    every += [*_mirror(found), *_odd(found), *_gone(found), *moving(found)]
    every += [Finding(Grade.UNKNOWN, text) for text in unknown]
    ordered = tuple(sorted(every, key=lambda one: WORST_FIRST.index(one.grade)))
    if not all(one.answers for one in found.clusters):
        verdict = Verdict.UNREACHABLE
    else:
        is_well = found.pending is None and {one.grade for one in ordered} <= {Grade.WAITING}
        verdict = Verdict.OK if is_well else Verdict.NOT_OK
    return replace(found, findings=ordered, notes=tuple(one.text for one in ordered), verdict=verdict)


def instance_grade(one: Instance) -> Grade:
    """Return what the state of an instance means; of one that is silent it is of an earlier time."""
    return state_grade(one.presence, one.state)


def state_grade(presence: Presence, state: str) -> Grade:
    """Return what a state means, of an instance that is there or not."""
    if presence is Presence.STOPPED:
        return Grade.WAITING
    if presence is Presence.SILENT:
        return Grade.UNKNOWN
    if presence is Presence.STUCK or state.startswith(_HELD):
        return Grade.BAD
    return Grade.GOOD if state == RUNNING else Grade.WAITING


def planned_works(found: Survey) -> bool:
    """Whether a planned switch would work, by what is known without a further look; the command checks all of it."""
    return (
        len(found.clusters) > 1
        and found.pending is None
        and all(cluster.answers and cluster.control for cluster in found.clusters)
        and bool(found.flows)
        and all(flow.state is Condition.RUNNING for flow in found.flows)
        and not any(one.presence in {Presence.SILENT, Presence.STUCK} or one.unheard for one in found.instances)
    )


def flow_hint(one: FlowStatus, given_up: str) -> str:
    """Return what has a flow run that does not; `given_up`: the cluster that was left by force, as `Survey` has it."""
    if one.state is Condition.STARTING:
        return f"Wait until it runs: `kafkalert mirror status` shows it. {one.hint}".rstrip()
    if one.state not in {Condition.STOPPED, Condition.PAUSED}:
        return one.hint or "`kafkalert mirror status` tells more, `kafkalert mirror apply` mends it."
    if one.state is Condition.PAUSED or not given_up:
        return "`kafkalert mirror apply --resume` lets it go on."
    return (
        f"A forced switch has stopped it: `kafkalert failover reconcile --from {given_up}` carries over what is "
        "stranded, and lets it go on."
    )


def _active(found: Survey) -> Iterator[Finding]:
    one = found.cluster(found.active)
    if one.hint:
        yield Finding(Grade.BAD, f"{one.detail} It is the active cluster. {one.hint}")
    elif not one.answers:
        others = [each.name for each in found.clusters if each is not one]
        move = (
            f" `kafkalert failover --to {others[0]} --force --accept-loss --dry-run` shows what a move would lose."
            if others
            else ""
        )
        yield Finding(Grade.BAD, f"{one.name} is the active cluster and does not answer.{move}")


def _passive(found: Survey) -> Iterator[Finding]:
    for one in found.clusters:
        if one.hint and one.name != found.active:
            yield Finding(Grade.BAD, f"{one.detail} {one.hint}")
        elif not one.answers and one.name != found.active:
            yield Finding(Grade.BAD, f"{one.name} does not answer. Stages stay on {found.active}; none can start.")
        if one.answers and not one.control:
            yield Finding(Grade.UNKNOWN, f"The control log of {one.name} could not be read.")
        if one.name != found.active:
            yield from ailing(one)


def _alerts(found: Survey) -> Iterator[Finding]:
    """Whether alerts are sent, by the instances of alerting."""
    here = [one for one in found.instances if one.stage == ALERTING and one.presence is not Presence.STOPPED]
    alive = [one for one in here if one.presence is Presence.ALIVE]
    sending = [one for one in alive if one.state == RUNNING and one.cluster == found.active]
    held = [one for one in alive if one.state.startswith(_HELD)]
    starting = [one for one in alive if one.cluster == found.active and one.state != RUNNING and one not in held]
    silent = [one for one in here if one.presence in {Presence.SILENT, Presence.STUCK}]
    if not here:
        yield Finding(Grade.BAD, "No alerts are sent: alerting does not run. Start it: `kafkalert run alerting`.")
    elif not found.cluster(found.active).answers:
        return  # what they say of it is not of now
    elif not sending and found.pending is not None:
        yield Finding(Grade.WAITING, "Alerts wait for the switch that is under way.")
    elif not sending and (held or (silent and not starting)):
        hint = "" if held else " Alerting ended without a word, or hangs. Start it again: `kafkalert run alerting`."
        yield Finding(Grade.BAD, f"No alerts are sent: {_causes(held, silent)}.{hint}")
    elif not sending and starting:
        yield Finding(Grade.BAD, f"No alerts are sent yet: alerting is {harmless(starting[0].state)}.")
    elif not sending:
        yield Finding(Grade.BAD, f"No alerts are sent on {found.active}: alerting is elsewhere.")
    elif held or any(one.presence is Presence.STUCK for one in silent):
        yield Finding(Grade.BAD, f"Some alerts wait: {_causes(held, silent)}; {_others(sending)}.")
    elif silent:
        take = "takes" if len(sending) == 1 else "take"
        what = f"{ALERTING} {_causes(held, silent)}; {_others(sending)}, and {take} over what it read."
        yield Finding(Grade.UNKNOWN, what)


def _others(sending: Sequence[object]) -> str:
    return f"{counted(len(sending), 'other instance')} of alerting run{'s' * (len(sending) == 1)}"


def _causes(held: Sequence[Instance], silent: Sequence[Instance]) -> str:
    causes = [f"{harmless(one.instance)} is {harmless(one.state)}" for one in held[:_NAMED]]
    causes += [f"{harmless(one.instance)} does not respond" for one in silent[:_NAMED]]
    more = len(held) + len(silent) - len(causes)
    return ", ".join(causes) + (f", and {more} more" if more else "")


def _instances(found: Survey) -> Iterator[Finding]:
    """Yield what is wrong with single instances; those of alerting are named where alerts are."""
    for one in found.instances:
        who = f"{harmless(one.stage)} {harmless(one.instance)}"
        if one.presence is Presence.ALIVE and one.cluster != found.active:
            where = harmless(one.cluster) or "no cluster"
            yield Finding(Grade.BAD, f"{who} is on {where}, not on {found.active}.")
        if one.presence is Presence.SILENT and one.stage != ALERTING:
            yield Finding(Grade.BAD, f"{who} does not respond: it ended without a word, or hangs.")
        elif one.presence is Presence.STUCK:
            yield Finding(Grade.BAD, f"{who} is stuck: it beats, but processes nothing. Restart it.")
        elif one.stage != ALERTING and instance_grade(one) is Grade.BAD:
            yield Finding(Grade.BAD, f"{who} is {harmless(one.state)}.")
        for name in one.unheard:
            yield Finding(
                Grade.BAD,
                f"{who} is not heard on {name}; a planned switch would wait for it and be called off.",
            )


def _waiting(found: Survey) -> Iterator[Finding]:
    """Yield what nobody can read yet."""
    for one in found.groups or ():
        for first in one.transactions[:1]:
            more = len(one.transactions) - 1
            others = f", and in {counted(more, 'other partition')}" if more else ""
            yield Finding(
                Grade.WAITING,
                f"{counted(one.waiting, 'record')} for {harmless(one.group)} wait on {found.active} behind an open "
                f"transaction of another program in {first.topic}[{first.partition}] from offset {first.offset} on"
                f"{others}: {first.tool}.",
            )


def _mirror(found: Survey) -> Iterator[Finding]:
    answering = {one.name for one in found.clusters if one.answers}
    for one in found.flows:
        why = f": {one.reason}" if one.reason else ""
        flow = f"The mirror from {one.source} to {one.target}"
        if lost := words(one.expired, one.source):
            yield Finding(Grade.BAD, f"Not on {one.target}: {lost}.")
        if one.expired_reason:
            yield Finding(
                Grade.UNKNOWN,
                f"Whether records of {one.source} expired before they crossed is not known: {one.expired_reason}.",
            )
        if one.state is Condition.UNREACHABLE:
            yield Finding(Grade.UNKNOWN, f"{flow} is not known{why}. {one.hint}".rstrip())
        elif one.state is not Condition.RUNNING:
            grade = Grade.DOUBTFUL if one.state is Condition.STARTING else Grade.BAD
            yield Finding(grade, f"{flow} is {one.state}{why}. {flow_hint(one, found.given_up)}")
        elif one.lag_records is None and {one.source, one.target} <= answering:
            yield Finding(Grade.UNKNOWN, f"The lag of {flow[0].lower()}{flow[1:]} is not known{_why(one.lag_reason)}.")


def _gone(found: Survey) -> Iterator[Finding]:
    for one in found.groups or ():
        if one.gone:
            records = counted(one.gone, "record")
            yield Finding(
                Grade.BAD,
                f"At most {records} expired or were deleted before {one.group} read them; "
                f"`kafkalert group show {one.group}` shows where.",
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
