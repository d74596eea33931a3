"""What is different between two pictures of where everything runs, in sentences. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.instances import Presence
from kafkalert.ops.failover.status.picture import Instance, Survey
from kafkalert.ops.wording import counted, harmless


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: when it was seen, what it is, and whether it is good."""

    at: datetime
    text: str
    grade: Grade


def changes(before: Survey, after: Survey, at: datetime) -> list[Change]:
    """Return what differs, in the order of importance: clusters, switches, instances, flows, dead letters."""
    found = [*_clusters(before, after), *_switches(before, after), *_instances(before, after)]
    found += [*_flows(before, after), *_dead(before, after)]
    return [Change(at, text, grade) for text, grade in found]


def _clusters(before: Survey, after: Survey) -> Iterator[tuple[str, Grade]]:
    answered = {cluster.name: cluster.answers for cluster in before.clusters}
    for cluster in after.clusters:
        if answered.get(cluster.name, cluster.answers) != cluster.answers:
            yield (
                (f"{cluster.name} answers again.", Grade.GOOD)
                if cluster.answers
                else (f"{cluster.name} does not answer.", Grade.BAD)
            )


def _switches(before: Survey, after: Survey) -> Iterator[tuple[str, Grade]]:
    began = after.pending
    if began is not None and (before.pending is None or before.pending.id != began.id):
        yield f"{harmless(began.by)} moves stages from {began.source} to {began.target}.", Grade.WAITING
    if after.epoch != before.epoch or after.active != before.active:
        how = "by force" if after.mode == "forced" else "as planned"
        yield f"Stages were moved to {after.active} {how}.", Grade.GOOD
    elif before.pending is not None and began is None:
        yield f"The switch to {before.pending.target} was called off.", Grade.WAITING


def _instances(before: Survey, after: Survey) -> Iterator[tuple[str, Grade]]:
    known = {instance.instance: instance for instance in before.instances}
    for instance in after.instances:
        earlier = known.get(instance.instance)
        who = f"{harmless(instance.stage)} {harmless(instance.instance)}"
        if earlier is None:
            if instance.presence is Presence.ALIVE:
                yield f"{who} has started.", Grade.GOOD
        elif earlier.presence is not instance.presence:
            yield _presence(who, instance)
        elif instance.presence is Presence.ALIVE and _held(earlier) != _held(instance):
            yield f"{who} is {harmless(instance.state)}.", Grade.BAD if _held(instance) else Grade.GOOD
        if earlier is not None and instance.restarts > earlier.restarts:
            yield f"{who} was started again by its supervisor.", Grade.BAD


def _presence(who: str, instance: Instance) -> tuple[str, Grade]:
    return {
        Presence.ALIVE: (f"{who} is alive.", Grade.GOOD),
        Presence.SILENT: (f"{who} is silent.", Grade.BAD),
        Presence.STUCK: (f"{who} is stuck.", Grade.BAD),
        Presence.STOPPED: (f"{who} has stopped.", Grade.WAITING),
    }[instance.presence]


def _held(instance: Instance) -> bool:
    return instance.state.startswith("held")


def _flows(before: Survey, after: Survey) -> Iterator[tuple[str, Grade]]:
    states = {flow.connector: flow.state for flow in before.flows}
    for flow in after.flows:
        if states.get(flow.connector, flow.state) is not flow.state:
            yield f"The mirror from {flow.source} to {flow.target} is {flow.state}.", flow.state.grade


def _dead(before: Survey, after: Survey) -> Iterator[tuple[str, Grade]]:
    known = {instance.instance: instance.dead_letters for instance in before.instances}
    grown: dict[tuple[str, str], int] = {}
    for instance in after.instances:
        for reason, count in instance.dead_letters.items():
            more = count - known.get(instance.instance, instance.dead_letters).get(reason, 0)
            if more > 0:
                grown[instance.stage, reason] = grown.get((instance.stage, reason), 0) + more
    for (stage, reason), count in sorted(grown.items()):
        yield f"{harmless(stage)} refused {counted(count, 'record')}: {harmless(reason)}.", Grade.BAD
