"""Whether each cluster is reached: every address that is configured, and every one that a broker gives of itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import ClusterMetadata

from kafkalert.bus import clients
from kafkalert.bus.cause import Cause, explain
from kafkalert.bus.connecting import ConnectionLog, failures
from kafkalert.bus.contact import Contact, Step, addresses, contact
from kafkalert.config.sections import Cluster
from kafkalert.ops.failover.positions.asking import at_once

CONTACT_SECONDS: Final = 1.3
METADATA_SECONDS: Final = 2.2
CAUSE_SECONDS: Final = 2.6
MOST_BROKERS: Final = 60
"""Of a large cluster so many are spoken with; metadata tell of the others."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What came of one cluster.

    Attributes:
        cluster: which one.
        contacts: by address, with the addresses that are configured first.
        brokers: the address that each broker gives of itself, by its number.
        metadata: its topics and brokers; None where it did not tell them.
        cause: why it did not; None where it did.
    """

    cluster: Cluster
    contacts: Mapping[str, Contact]
    brokers: Mapping[int, str]
    metadata: ClusterMetadata | None
    cause: Cause | None

    @property
    def answers(self) -> bool:
        """Whether it can be asked: it tells its brokers, and one of these is where it says."""
        there = [self.contacts[at] for at in self.brokers.values() if at in self.contacts]
        return self.metadata is not None and any(one.failed is None for one in there)


def reach(cluster: Cluster) -> Reached:
    """Speak with a cluster, for about 4 s at most. Raises ConfigError where its properties make no client."""
    log = ConnectionLog()
    client = clients.admin(cluster, log=log)

    def topics() -> ClusterMetadata:
        try:
            return client.list_topics(timeout=METADATA_SECONDS)
        finally:
            client.poll(0)  # hands the log over

    asked: dict[str, Callable[[], Any]] = {
        at: partial(contact, cluster, at, CONTACT_SECONDS) for at in addresses(cluster)
    }
    asked |= {"": topics, "why": partial(failures, clients.properties(cluster))}
    told = at_once(asked, CAUSE_SECONDS)
    contacts = {at: _contact(at, told[at]) for at in addresses(cluster)}
    metadata = told[""] if isinstance(told[""], ClusterMetadata) else None
    there = {} if metadata is None else metadata.brokers
    brokers = {number: _address(str(one.host), int(one.port or 0)) for number, one in there.items()}
    further = [at for at in dict.fromkeys(brokers.values()) if at not in contacts][:MOST_BROKERS]
    if further:
        spoken = at_once({at: partial(contact, cluster, at, CONTACT_SECONDS) for at in further}, CONTACT_SECONDS + 0.2)
        contacts |= {at: _contact(at, spoken[at]) for at in further}
    failed = [*(told["why"] if isinstance(told["why"], list) else ()), *log.failures]
    if metadata is None and isinstance(told[""], Exception) and not isinstance(told[""], KafkaException | TimeoutError):
        raise told[""]
    cause = None
    if metadata is None:
        cause = explain(cluster, failed, lambda _, at: contacts[at].mistrust if at in contacts else "")
    return Reached(cluster, contacts, brokers, metadata, cause)


def _contact(at: str, told: object) -> Contact:
    """Return what came of a contact; silence, where it did not end."""
    return told if isinstance(told, Contact) else Contact(at, Step.NAME, "the name service does not answer")


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
