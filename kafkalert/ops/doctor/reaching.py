"""Whether each cluster is reached: every address that is configured, and every one that a broker gives of itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata

from kafkalert.bus import clients
from kafkalert.bus.cause import Cause, explain
from kafkalert.bus.connecting import failures, mistrust
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
        client: what asked it; its further questions go by it too.
        contacts: by address, with the addresses that are configured first.
        brokers: the address that each broker gives of itself, by its number.
        metadata: its topics and brokers; None where it did not tell them.
        cause: why it did not; None where it did.
    """

    cluster: Cluster
    client: AdminClient | None
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
    client = clients.admin(cluster)
    asked: dict[str, Callable[[], Any]] = {
        at: partial(contact, cluster, at, CONTACT_SECONDS) for at in addresses(cluster)
    }
    asked |= {"": partial(client.list_topics, timeout=METADATA_SECONDS), "why": partial(_why, cluster)}
    told = at_once(asked, CAUSE_SECONDS)
    contacts = {at: _contact(at, told[at]) for at in addresses(cluster)}
    metadata = told[""] if isinstance(told[""], ClusterMetadata) else None
    there = {} if metadata is None else metadata.brokers
    brokers = {number: _address(str(one.host), int(one.port or 0)) for number, one in there.items()}
    further = [at for at in dict.fromkeys(brokers.values()) if at not in contacts][:MOST_BROKERS]
    if further:
        spoken = at_once({at: partial(contact, cluster, at, CONTACT_SECONDS) for at in further}, CONTACT_SECONDS + 0.2)
        contacts |= {at: _contact(at, spoken[at]) for at in further}
    why = told["why"] if isinstance(told["why"], Cause) else explain(cluster, [])
    if metadata is None and isinstance(told[""], Exception) and not isinstance(told[""], KafkaException | TimeoutError):
        raise told[""]
    return Reached(cluster, client, contacts, brokers, metadata, None if metadata is not None else why)


def _why(cluster: Cluster) -> Cause:
    return explain(cluster, failures(clients.properties(cluster)), mistrust)


def _contact(at: str, told: object) -> Contact:
    """Return what came of a contact; silence, where it did not end."""
    return told if isinstance(told, Contact) else Contact(at, Step.NAME, "the name service does not answer")


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def names(reached: Sequence[Reached]) -> tuple[str, ...]:
    """Return the clusters that do not answer."""
    return tuple(one.cluster.name for one in reached if not one.answers)
