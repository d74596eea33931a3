"""Reads the pipeline's topics from a cluster, creates and corrects them. Never deletes, never parts a topic's keys."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from kafkalert.bus import clients
from kafkalert.bus.denied import denied
from kafkalert.bus.records.watermarks import MissingTopicsError, topic_ids
from kafkalert.config.sections import Cluster, Settings
from kafkalert.errors import ConfigError, DeniedError, KafkalertError, OutcomeUnknownError, UnreachableError
from kafkalert.ops.topics import Action, Comparison, State, Topic, changes, compare, having, wanted
from kafkalert.ops.wording import counted

_SECONDS = 8.0
_SETTLE_SECONDS = 10.0
_SPREAD_SECONDS = 5.0
_STEP_SECONDS = 0.1
_PARTITION_SECONDS = 0.1
"""What a slow broker takes to make a partition known."""
_SILENCE = {
    KafkaError._TIMED_OUT,  # noqa: SLF001 - librdkafka's public codes begin with _
    KafkaError._TRANSPORT,  # noqa: SLF001 - as above
    KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 - as above
    KafkaError.REQUEST_TIMED_OUT,
}


def plan(settings: Settings, clusters: Sequence[str] = ()) -> list[Comparison]:
    """Return what exists against what should, on `clusters` or, without any, on all of the context.

    Raises UnreachableError for a cluster that does not answer, KafkalertError for one that does not tell.
    """
    found: list[Comparison] = []
    for name in clusters or settings.context.clusters:
        cluster = settings.clusters[name]
        topics = wanted(settings)
        there = _read(cluster, clients.admin(cluster), topics)
        found += [compare(name, topic, there.get(topic.name)) for topic in topics]
    return found


def apply(settings: Settings, comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Create what is missing and correct what can be; what there is to be said afterwards.

    All that can be done is done before an error is raised. A change that a broker has not heard of yet is waited for.

    Raises:
        OutcomeUnknownError: a cluster did not say whether it did it.
        KafkalertError: a cluster refused.
    """
    should = {topic.name: topic for topic in wanted(settings)}
    problems: list[KafkalertError] = []
    for name in dict.fromkeys(comparison.cluster for comparison in comparisons):
        cluster = settings.clusters[name]
        here = [comparison for comparison in comparisons if comparison.cluster == name]
        problems += _apply(cluster, clients.admin(cluster), here, should)
    if problems:
        more = f" ({counted(len(problems) - 1, 'more change')} failed.)" if len(problems) > 1 else ""
        worst = next((problem for problem in problems if isinstance(problem, OutcomeUnknownError)), problems[0])
        if isinstance(worst, DeniedError):
            raise DeniedError(f"{worst}{more}", worst.operation, worst.resource, hint=worst.hint)
        raise type(worst)(f"{worst}{more}", hint=worst.hint)
    clusters = tuple(dict.fromkeys(comparison.cluster for comparison in comparisons))
    made = sum(should[comparison.topic].partitions for comparison in comparisons if comparison.state is State.MISSING)
    return _await_shown(settings, clusters, _SPREAD_SECONDS + made * _PARTITION_SECONDS)


def _await_shown(settings: Settings, clusters: Sequence[str], seconds: float) -> list[Comparison]:
    """Return what there is once brokers have heard of every change, or after so many seconds. Raises as `plan` does."""
    give_up = time.monotonic() + seconds
    while True:
        is_over = time.monotonic() >= give_up
        try:
            after = plan(settings, clusters)
        except UnreachableError:  # busy with what it was asked to make
            if is_over:
                raise
        else:
            if is_over or not changes(after):
                return after
        time.sleep(_STEP_SECONDS)  # nothing tells when all brokers have heard of it; they can only be asked again


def _read(cluster: Cluster, client: AdminClient, topics: Sequence[Topic]) -> dict[str, Topic]:
    try:
        metadata = client.list_topics(timeout=clients.PROBE_SECONDS).topics
    except KafkaException as error:
        raise clients.unreachable(cluster, error) from error
    there = [topic for topic in topics if topic.name in metadata and not metadata[topic.name].error]
    _check_seen(cluster, [topic.name for topic in topics if topic not in there])
    resources = [ConfigResource(ResourceType.TOPIC, topic.name) for topic in there]
    futures = client.describe_configs(resources, request_timeout=_SECONDS) if resources else {}
    configs: dict[str, Any] = {}
    for resource, future in futures.items():
        try:
            configs[resource.name] = future.result(_SECONDS)
        except TimeoutError as error:
            raise clients.silent(cluster) from error
        except KafkaException as error:
            raise clients.unreachable(cluster, error, "DESCRIBE_CONFIGS", resource.name) from error
    found: dict[str, Topic] = {}
    for topic in there:
        partitions = metadata[topic.name].partitions.values()
        config = {name: str(configs[topic.name][name].value) for name in topic.config if name in configs[topic.name]}
        replication = min(len(partition.replicas) for partition in partitions)
        found[topic.name] = Topic(topic.name, len(partitions), replication, config)
    return found


def _check_seen(cluster: Cluster, topics: list[str]) -> None:
    """Check that `topics` are missing, and not merely left out for want of a right. Raises DeniedError."""
    with suppress(MissingTopicsError):
        topic_ids(cluster, topics)


def _apply(
    cluster: Cluster, client: AdminClient, here: Sequence[Comparison], should: Mapping[str, Topic]
) -> list[KafkalertError]:
    """Make the changes of one cluster; what went wrong."""
    problems: list[KafkalertError] = []

    def settle(futures: Mapping[Any, Future[Any]], operation: str, what: Callable[[Any], str]) -> None:
        for subject, future in futures.items():
            try:
                future.result(_SETTLE_SECONDS)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # else somebody was quicker
                    name = str(getattr(subject, "name", subject))
                    refusal = denied(cluster, error, operation, name)
                    problems.append(refusal or _error(cluster, what(subject), error))

    options = {"request_timeout": _SECONDS}
    new = [_new(should[comparison.topic]) for comparison in here if comparison.state is State.MISSING]
    if new:
        settle(
            client.create_topics(new, operation_timeout=_SECONDS, **options), "CREATE", lambda name: f"create {name}"
        )
    more = [
        NewPartitions(comparison.topic, should[comparison.topic].partitions)
        for comparison, _ in having(here, Action.RAISE)
    ]
    if more:
        settle(client.create_partitions(more, **options), "ALTER", lambda name: f"add partitions to {name}")
    altered = [
        ConfigResource(
            ResourceType.TOPIC,
            comparison.topic,
            incremental_configs=[
                ConfigEntry(
                    each.what,
                    each.wanted,
                    ConfigSource.DYNAMIC_TOPIC_CONFIG,
                    incremental_operation=AlterConfigOpType.SET,
                )
                for each in differences
            ],
        )
        for comparison, differences in having(here, Action.CONFIGURE)
    ]
    if altered:
        settle(
            client.incremental_alter_configs(altered, **options),
            "ALTER_CONFIGS",
            lambda resource: f"configure {resource.name}",
        )
    return problems


def _new(topic: Topic) -> NewTopic:
    return NewTopic(topic.name, topic.partitions, topic.replication, config=dict(topic.config))


def _error(cluster: Cluster, what: str, error: KafkaException) -> KafkalertError:
    """Return the sentence for a change that a cluster did not confirm."""
    cause = error.args[0]
    if cause.code() in _SILENCE:
        return OutcomeUnknownError(
            f"{cluster.name} did not say whether it could {what}.", hint="Run `kafkalert topics plan` to find out."
        )
    if cause.code() == KafkaError.INVALID_REPLICATION_FACTOR:
        return ConfigError(
            f"{cluster.name} could not {what}: it has fewer brokers than replicas are wanted.",
            hint="Set replication under [topics] to what the cluster has.",
        )
    reason = str(cause.str()).rstrip(".")
    return KafkalertError(f"{cluster.name} could not {what}: {reason}.", hint="See the brokers' log.")
