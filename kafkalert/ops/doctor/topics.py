"""Topics: whether they are there and as they should be, alike on both clusters, and kept by all their replicas."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from confluent_kafka.admin import ClusterMetadata

from kafkalert.config.sections import Settings
from kafkalert.errors import DeniedError
from kafkalert.ops.doctor.checkup import Checks, Checkup, Subject
from kafkalert.ops.doctor.reaching import Reached
from kafkalert.ops.topic_admin import plan
from kafkalert.ops.topics import Action, Comparison, State, wanted
from kafkalert.ops.wording import counted

_APPLY: Final = "Run `kafkalert topics apply`: it shows what it will do, and asks."
_NAMED: Final = 4
"""So many partitions are named; the others are counted."""


def check(settings: Settings, found: Reached) -> list[Checkup]:
    """Compare a cluster's topics with what should be. Raises UnreachableError."""
    name = found.cluster.name
    try:
        checks = list(configured(name, plan(settings, [name])))
    except DeniedError as error:  # of one topic; what is seen of the others is told
        checks = [Checks(Subject.TOPICS, name).untold("configuration", error)]
    if found.metadata is not None:
        checks += replicated(name, found.metadata, [topic.name for topic in wanted(settings)])
    return checks


def configured(cluster: str, comparisons: Sequence[Comparison]) -> Iterator[Checkup]:
    """Yield what differs from what should be, a check for each such topic; one for all the others."""
    checks = Checks(Subject.TOPICS, cluster)
    fine = [one for one in comparisons if one.state is State.FINE]
    if missing := [one.topic for one in comparisons if one.state is State.MISSING]:
        many = f"{len(missing)} topics do not exist on {cluster}: {', '.join(missing)}."
        yield checks.bad("missing", many if missing[1:] else f"{missing[0]} does not exist on {cluster}.", _APPLY)
    for one in comparisons:
        if one.state is State.DIFFERS:
            hint = _hint(one)
            text = f"{one.topic} on {cluster} is not as it should be: {one.detail}."
            yield checks.bad(one.topic, text, hint) if _is_bad(one) else checks.look(one.topic, text, hint)
    if fine:
        are = "is" if len(fine) == 1 else "are"
        yield checks.ok("configuration", f"{counted(len(fine), 'topic')} of {len(comparisons)} {are} as configured.")


def _is_bad(one: Comparison) -> bool:
    """Whether records may be lost, or go where they do not belong; else something is only kept longer or shorter."""
    return bool({"partitions", "cleanup.policy", "message.timestamp.type"} & {each.what for each in one.differences})


def _hint(one: Comparison) -> str:
    actions = {each.action for each in one.differences}
    if Action.REFUSE in actions:
        now = next(each.now for each in one.differences if each.action is Action.REFUSE)
        return f"Set partitions = {now} under [topics], or give the topic a new name under [topics.names]."
    if actions <= {Action.BY_HAND}:
        return (
            "`kafkalert topics apply` cannot change that: correct [topics], or change the topic by Kafka's own tools."
        )
    return _APPLY


def alike(counts: Mapping[str, Mapping[str, int]]) -> Iterator[Checkup]:
    """Yield the topics that have other partitions on one cluster than on the other, by cluster and topic."""
    if len(counts) < 2:  # noqa: PLR2004 - one cluster has nothing to differ from
        return
    checks = Checks(Subject.TOPICS)
    (first, here), (second, there) = counts.items()
    common = sorted(here.keys() & there.keys())
    for topic in (one for one in common if here[one] != there[one]):
        yield checks.bad(
            topic,
            f"{topic} has {counted(here[topic], 'partition')} on {first} and {there[topic]} on {second}: "
            "a planned switch is refused, and a key's records may lie in another partition.",
            "The mirror adds partitions that the source has and the target lacks, where its flow runs; else make the "
            "topic anew where it is wrong.",
        )
    if common and all(here[one] == there[one] for one in common):
        yield checks.ok("both clusters", f"{counted(len(common), 'topic')} with equal partitions on both clusters.")


def partition_counts(metadata: ClusterMetadata, topics: Sequence[str]) -> dict[str, int]:
    """Return how many partitions those of `topics` have that are there."""
    there = metadata.topics
    return {one: len(there[one].partitions) for one in topics if one in there and not there[one].error}


def replicated(cluster: str, metadata: ClusterMetadata, topics: Sequence[str]) -> Iterator[Checkup]:
    """Yield which partitions have no leader, and which are not kept by all the brokers that should."""
    checks = Checks(Subject.TOPICS, cluster)
    parts = [
        (f"{name}[{number}]", part)
        for name in topics
        if name in metadata.topics and not metadata.topics[name].error
        for number, part in sorted(metadata.topics[name].partitions.items())
    ]
    offline = [name for name, part in parts if part.leader < 0]
    behind = [name for name, part in parts if part.leader >= 0 and len(part.isrs) < len(part.replicas)]
    if offline:
        yield checks.bad(
            "leaders",
            f"{_named(offline)} on {cluster} {_have(offline)} no leader: nobody reads or writes there.",
            "Start the brokers that have them; `kafka-topics.sh --describe --unavailable-partitions` names these.",
        )
    if behind:
        yield checks.bad(
            "replicas",
            f"{_named(behind)} on {cluster} {_have(behind)} fewer replicas in sync than there should be: with the next "
            "broker records may be lost, or nothing can be written.",
            "Look which broker is down or slow: `kafka-topics.sh --describe --under-replicated-partitions`.",
        )
    if parts and not offline and not behind:
        yield checks.ok("replicas", f"All replicas of {counted(len(parts), 'partition')} are in sync.")


def _named(partitions: Sequence[str]) -> str:
    more = len(partitions) - _NAMED
    return ", ".join(partitions[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _have(partitions: Sequence[str]) -> str:
    return "has" if len(partitions) == 1 else "have"
