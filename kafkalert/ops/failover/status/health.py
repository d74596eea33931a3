"""How the brokers of a cluster are: partitions without a leader, or with replicas that are behind."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata

from kafkalert.bus import clients
from kafkalert.config.sections import Cluster, Settings
from kafkalert.config.stages import topic_names
from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.picture import ClusterSeen, Finding, Health
from kafkalert.ops.wording import counted

SECONDS: Final = 3.0
"""How long an answer is waited for."""
_NOBODY: Final = -1


def ask_health(settings: Settings, cluster: Cluster, client: AdminClient, seconds: float) -> Health:
    """Ask a cluster how it is, which takes one request. Raises UnreachableError after `seconds`, with the cause."""
    try:
        found = client.list_topics(timeout=seconds)
    except KafkaException as error:
        raise clients.unreachable(cluster, error) from error
    return health(found, frozenset(map(settings.topic, topic_names())))


def health(found: ClusterMetadata, own: frozenset[str]) -> Health:
    """Return what a cluster's metadata tells; `own` are the topics of the pipeline by their names there."""
    count: Counter[str] = Counter()
    for name, topic in found.topics.items():
        other = "" if name in own else "other_"
        for one in topic.partitions.values():
            count["partitions"] += name in own
            if one.leader == _NOBODY:
                count[f"{other}offline"] += 1
            elif len(one.isrs) < len(one.replicas):
                count[f"{other}under_replicated"] += 1
    return Health(len(found.brokers), count.pop("partitions", 0), **count)


def ailing(one: ClusterSeen) -> Iterator[Finding]:
    """Yield what is wrong with the brokers of a cluster that answers."""
    if not one.answers:
        return
    found = one.health
    if found is None:
        yield Finding(Grade.UNKNOWN, f"Whether partitions of {one.name} are offline is not known.")
        return
    if not found.partitions:
        yield Finding(
            Grade.UNKNOWN, f"No topic of the pipeline can be seen on {one.name}; `kafkalert topics plan` tells more."
        )
    answering = f"{counted(found.brokers, 'broker')} of {one.name} answer{'s' * (found.brokers == 1)}"
    if found.offline:
        are, them = ("is", "it") if found.offline == 1 else ("are", "them")
        yield Finding(
            Grade.BAD,
            f"{counted(found.offline, 'partition')} of {found.partitions:,} on {one.name} {are} offline: nothing can "
            f"be read from {them} or written to {them}. Start the brokers that are down; {answering}.",
        )
    if found.under_replicated:
        have = "has" if found.under_replicated == 1 else "have"
        yield Finding(
            Grade.DOUBTFUL,
            f"{counted(found.under_replicated, 'partition')} of {found.partitions:,} on {one.name} {have} fewer "
            f"replicas in sync than they should: a broker is down or slow; {answering}.",
        )
