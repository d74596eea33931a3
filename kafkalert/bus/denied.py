"""A cluster's "not authorized" becomes an error that names the right: operation, resource, principal."""

from typing import Final

from confluent_kafka import KafkaError, KafkaException

from kafkalert.bus.principal import UNKNOWN, principal
from kafkalert.config.sections import Cluster
from kafkalert.errors import DeniedError

HINT: Final = "`kafkalert topics acls` lists the rights that each command and stage needs, and how to grant them."
_CLUSTER: Final = "the cluster"
_WRITE: Final = "WRITE"
_RESOURCES: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "group",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "transactional id",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: _CLUSTER,
}
"""What each refusal is about: a broker tells the kind of the resource, and its caller knows the name."""


def is_denied(error: KafkaError | KafkaException | None) -> bool:
    """Whether a right is what is missing."""
    return code_of(error) in _RESOURCES


def denied_topic(cluster: Cluster, error: KafkaError, topic: str) -> DeniedError | None:
    """As `denied`, for a reader that joins no group: its client asks for that one's coordinator, and needs none."""
    return denied(cluster, error, "READ", topic) if of_topic(error) else None


def of_topic(error: KafkaError) -> bool:
    """Whether the right that is missing is one on a topic, and not on the group of who reads it."""
    return error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def code_of(error: KafkaError | KafkaException | None) -> int | None:
    """Librdkafka's code, None where there is none."""
    if isinstance(error, KafkaException):
        error = error.args[0] if error.args and isinstance(error.args[0], KafkaError) else None
    return None if error is None else error.code()


def denied(
    cluster: Cluster, error: KafkaError | KafkaException | None, operation: str = UNKNOWN, name: str = UNKNOWN
) -> DeniedError | None:
    """Return the error for a right that `cluster` says is missing; None where `error` says something else.

    `operation` is what was tried in the words of ACLs, `name` that of the topic or group; UNKNOWN where
    that is not known.
    """
    kind = _RESOURCES.get(code_of(error) or 0)
    if kind is None:
        return None
    if kind == _CLUSTER and operation == _WRITE:  # of an idempotent producer, which has to have it on some topic
        kind = "topic"
    resource = kind if kind == _CLUSTER else f"{kind} {name}"
    return missing(cluster, operation, resource)


def missing(cluster: Cluster, operation: str, resource: str) -> DeniedError:
    """Return the error for this right, which `cluster` does not give."""
    return DeniedError(
        f"Cluster {cluster.name} denies {operation} on {resource} to {principal(cluster)}.",
        operation,
        resource,
        hint=HINT,
    )
