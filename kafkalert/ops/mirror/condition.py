"""How a flow is, from what its Connect worker says."""

from enum import StrEnum
from typing import Final

from confluent_kafka import KafkaException

from kafkalert.bus import clients
from kafkalert.bus.connect import CALL_SECONDS, Connect, Connector
from kafkalert.bus.flow import Flow, topics
from kafkalert.config.sections import Settings
from kafkalert.model.grade import Grade

TOPIC_SECONDS: Final = 2.0


class Condition(StrEnum):
    """How a flow is. Starting: its connector, or one of its tasks, is on its way."""

    RUNNING = "running"
    STARTING = "starting"
    PAUSED = "paused"
    STOPPED = "stopped"
    FAILED = "failed"
    ABSENT = "absent"
    UNREACHABLE = "unreachable"

    @property
    def grade(self) -> Grade:
        """What it means. A flow may be stopped or paused on purpose, but nothing crosses."""
        waiting = {Condition.STARTING: Grade.WAITING, Condition.PAUSED: Grade.WAITING, Condition.STOPPED: Grade.WAITING}
        return Grade.GOOD if self is Condition.RUNNING else waiting.get(self, Grade.BAD)


def look(settings: Settings, flow: Flow, *, seconds: float = CALL_SECONDS) -> tuple[Condition, str, Connector | None]:
    """How a flow is, why, and what its worker says in full (None: it has no such connector).

    A connector that has no task, since there is no topic to carry, runs. Takes `seconds` for the worker, and
    TOPIC_SECONDS more for the source if there are no tasks. Raises UnreachableError, KafkalertError as `Connect`.
    """
    found = Connect(settings.clusters[flow.target], seconds=seconds).status(flow.connector)
    condition, reason = condition_of(found)
    if found is not None and condition is Condition.STARTING and not found.tasks and found.state == "RUNNING":
        try:
            there = partitions(settings, flow.source, seconds=TOPIC_SECONDS)
        except KafkaException:
            return condition, f"it has no tasks, and {flow.source} does not answer", found
        if not there:
            return Condition.RUNNING, f"{flow.source} has no topic to carry yet", found
    return condition, reason, found


def condition_of(found: Connector | None) -> tuple[Condition, str]:
    """How a connector is by its own state and its tasks', and why it failed."""
    if found is None:
        return Condition.ABSENT, ""
    broken = [task for task in found.tasks if task.state == "FAILED"]
    if found.state == "FAILED" or broken:
        reason = found.reason if found.state == "FAILED" else broken[0].reason
        return Condition.FAILED, reason or "its worker gives no reason"
    if found.state in {"PAUSED", "STOPPED"}:
        return Condition(found.state.lower()), ""
    if found.state == "RUNNING" and found.tasks and all(task.state == "RUNNING" for task in found.tasks):
        return Condition.RUNNING, ""
    return Condition.STARTING, "" if found.tasks else "it has no tasks yet"


def partitions(settings: Settings, cluster: str, *, seconds: float) -> dict[str, int]:
    """The mirrored topics that `cluster` has, with the number of their partitions.

    Raises KafkaException if it does not answer within `seconds`.
    """
    there = clients.admin(settings.clusters[cluster]).list_topics(timeout=seconds).topics
    return {
        topic: len(there[topic].partitions) for topic in topics(settings) if topic in there and not there[topic].error
    }
