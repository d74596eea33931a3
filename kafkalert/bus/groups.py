"""How consumer groups are kept: which protocol, and how soon a member that died is replaced."""

import logging
from typing import Any, Final, Literal, NamedTuple

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from kafkalert.bus import clients
from kafkalert.config.sections import Cluster
from kafkalert.errors import ConfigError

_LOG = logging.getLogger(__name__)
_SECONDS: Final = 5.0
SESSION_MS: Final = 5000
"""A member that is silent for this long is replaced; with the rebalance that is within the promised 6 s."""
HEARTBEAT_MS: Final = 500
"""Heartbeats carry the word of who gives and takes partitions, so two of them pass until a new member has its own."""
LONGEST_HEARTBEAT_MS: Final = 1000
STOCK_SESSION_MS: Final = 6000
"""The shortest session of the classic protocol that brokers allow unless they are configured otherwise."""

_SILENCE: Final = frozenset(
    {
        KafkaError._TIMED_OUT,  # noqa: SLF001 - librdkafka's public codes begin with _
        KafkaError._TRANSPORT,  # noqa: SLF001 - as above
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 - as above
        KafkaError.REQUEST_TIMED_OUT,
    }
)


def group_properties(cluster: Cluster, group: str, protocol: Literal["auto", "consumer", "classic"]) -> dict[str, Any]:
    """Consumer properties (with `_` for `.`) of a member of `group`.

    The protocol of KIP-848 where the brokers have it and allow sessions this short, which with it are the group's own
    configuration and set here; the classic one with cooperative assignment (KIP-429) elsewhere. Raises ConfigError
    where the brokers do not have the protocol that is asked for, KafkaException where they do not answer.
    """
    client = clients.admin(cluster)
    classic_ms = STOCK_SESSION_MS
    try:
        allowed = _allowed(client)
        classic_ms = allowed.classic_ms
        if not allowed.known and protocol == "consumer":
            raise ConfigError(
                f"The brokers of {cluster.name} do not have the group protocol of KIP-848.",
                hint='Set engine.group_protocol to "auto" or "classic".',
            )
        short = protocol != "classic" and allowed.short and _set_session(client, group, allowed.heartbeat_ms)
    except KafkaException as error:
        if error.args[0].code() in _SILENCE:
            raise  # a member must not choose another protocol than the others because the broker was slow
        _LOG.info("group %s: the brokers do not tell or take group settings (%s)", group, error)
        short = False
    if short or protocol == "consumer":
        return {"group_protocol": "consumer"}
    return {
        "group_protocol": "classic",
        "partition_assignment_strategy": "cooperative-sticky",
        "session_timeout_ms": classic_ms,
        "heartbeat_interval_ms": HEARTBEAT_MS,
    }


class _Allowed(NamedTuple):
    """What the brokers allow.

    Whether they know KIP-848, and allow it the session that is wanted; its heartbeat; the other protocol's session.
    """

    known: bool
    short: bool
    heartbeat_ms: int
    classic_ms: int


def _allowed(client: AdminClient) -> _Allowed:
    # Not orig_broker_id: a new client does not know yet who it was that answered.
    broker = min(client.list_topics(timeout=_SECONDS).brokers)
    (future,) = client.describe_configs(
        [ConfigResource(ResourceType.BROKER, str(broker))], request_timeout=_SECONDS
    ).values()
    said = {name: entry.value or "" for name, entry in future.result().items()}
    known = "consumer" in said.get("group.coordinator.rebalance.protocols", "").split(",")
    heartbeat_ms = int(said.get("group.consumer.min.heartbeat.interval.ms") or LONGEST_HEARTBEAT_MS + 1)
    short = (
        known
        and int(said.get("group.consumer.min.session.timeout.ms") or SESSION_MS + 1) <= SESSION_MS
        and heartbeat_ms <= LONGEST_HEARTBEAT_MS
    )
    least = int(said.get("group.min.session.timeout.ms") or STOCK_SESSION_MS)
    return _Allowed(known, short, max(heartbeat_ms, HEARTBEAT_MS), max(least, SESSION_MS))


def _set_session(client: AdminClient, group: str, heartbeat_ms: int) -> bool:
    wanted = {"consumer.session.timeout.ms": SESSION_MS, "consumer.heartbeat.interval.ms": heartbeat_ms}
    entries = [
        ConfigEntry(name, str(value), incremental_operation=AlterConfigOpType.SET) for name, value in wanted.items()
    ]
    resource = ConfigResource(ResourceType.GROUP, group, incremental_configs=entries)
    for future in client.incremental_alter_configs([resource], request_timeout=_SECONDS).values():
        future.result()
    return True
