"""How a flow is, from what its Connect worker says."""

import re
from enum import StrEnum
from typing import Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection

from kafkalert.bus import clients
from kafkalert.bus.connect.client import CALL_SECONDS, Connect, Connector
from kafkalert.bus.connect.flow import Flow, topics
from kafkalert.config.sections import Settings
from kafkalert.errors import KafkalertError
from kafkalert.model.grade import Grade

TOPIC_SECONDS: Final = 2.0
_NAMED_SECONDS: Final = 4.0
_NO_TASKS: Final = "it has no tasks yet"
_TOO_LARGE: Final = re.compile(r"larger than .*(max\.request\.size|buffer\.memory)")


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
        except KafkalertError as error:
            return condition, f"it has no tasks, and {flow.source} does not tell its topics: {error}".rstrip("."), found
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
    return Condition.STARTING, "" if found.tasks else _NO_TASKS


def partitions(settings: Settings, cluster: str, *, seconds: float) -> dict[str, int]:
    """Return the mirrored topics that `cluster` has, with the number of their partitions.

    A list of topics leaves out those that one may not see, so what it lacks is asked for by its name. Raises
    DeniedError for a topic that may not be seen, UnreachableError if the cluster does not answer within `seconds`.
    """
    chosen = settings.clusters[cluster]
    client = clients.admin(chosen)  # held: its answers come only while it lives
    try:
        there = client.list_topics(timeout=seconds).topics
    except KafkaException as error:
        raise clients.unreachable(chosen, error) from error
    mirrored = topics(settings)
    if absent := [topic for topic in mirrored if topic not in there or there[topic].error]:
        for topic, answer in client.describe_topics(TopicCollection(absent), request_timeout=_NAMED_SECONDS).items():
            try:
                answer.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise clients.unreachable(chosen, error, "DESCRIBE", topic) from error
    return {topic: len(there[topic].partitions) for topic in mirrored if topic not in absent}


def mend(flow: Flow, condition: Condition, reason: str) -> str:
    """Return what has a flow run, by why it does not, in the words of Kafka's clients.

    It returns nothing where these do not tell.
    """
    if _TOO_LARGE.search(reason):
        return (
            "The mirror counts a record before compression: set message.max.bytes of "
            f"[clusters.{flow.target}.kafka] above that, then `kafkalert mirror apply`."
        )
    if "larger than the max message size" in reason:
        return f"Raise max.message.bytes of the topic on {flow.target}, then `kafkalert mirror apply`."
    if "ot authorized" in reason or (condition is Condition.STARTING and reason == _NO_TASKS):
        return (
            f"The mirror's principal needs its rights on {flow.source} and {flow.target}: `kafkalert topics acls "
            "'Connect workers'` shows them."
        )
    return ""
