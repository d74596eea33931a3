"""Permissions: what each command and stage needs against what the cluster lets this client do. Nothing is tried."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from kafkalert.bus import clients
from kafkalert.bus.clients import COORDINATOR_SECONDS
from kafkalert.bus.denied import is_denied
from kafkalert.bus.principal import principal
from kafkalert.config.sections import Cluster, Settings
from kafkalert.ops.doctor.checkup import Checks, Checkup, Subject
from kafkalert.ops.rights import WHO, WORKERS, Right, applies, rights

SECONDS: Final = 3.0
_PREFIX: Final = "*"
Resource = tuple[str, str]
"""Kind ("topic", "group", "cluster") and name."""
Allowed = Mapping[Resource, Collection[str] | None]
"""What this client may do, in the words of ACLs, by resource; None where the cluster does not tell."""
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Lacking:
    """What `who` lacks: operations by resource. `without`: what is less; empty where it does not work."""

    who: str
    lacks: Mapping[Resource, tuple[str, ...]]
    without: tuple[str, ...]
    works: bool


def check(settings: Settings, cluster: Cluster, who: Sequence[str]) -> list[Checkup]:
    """Compare what a cluster lets this client do with what each of `who` needs; all but workers without any.

    Raises UnreachableError where it does not answer.
    """
    asked = who or [one for one in WHO if one != WORKERS]
    needed = [one for one in of_cluster(rights(settings, asked), cluster.name) if applies(one, settings)]
    allowed = ask(cluster, {(one.kind, name) for one in needed for name in one.on})
    return list(judge(cluster, needed, allowed, meant=bool(who)))


def of_cluster(needed: Sequence[Right], cluster: str) -> list[Right]:
    """Return rights with the names that stand for a prefix on this cluster, in place of the prefix."""
    storage = tuple(f"kafkalert.mirror.{cluster}.{kind}" for kind in ("offsets", "configs", "status"))
    found = []
    for one in needed:
        names = tuple(name for name in one.on if not name.endswith(_PREFIX))
        if len(names) < len(one.on):
            reads_offsets = one.operations == ("READ",)
            more = storage[:1] if reads_offsets else storage
            names += (f"kafkalert-mirror-into-{cluster}",) if one.kind == "group" else more
        found.append(Right(one.who, one.operations, one.kind, names, one.without))
    return found


def ask(cluster: Cluster, resources: Collection[Resource]) -> Allowed:
    """Return what this client may do to each of `resources`. Raises UnreachableError where the cluster is away."""
    client = clients.admin(cluster)  # held: its answers come only while it lives
    topics = sorted(name for kind, name in resources if kind == "topic")
    groups = sorted(name for kind, name in resources if kind == "group")
    found: dict[Resource, Collection[str] | None] = {}
    futures: dict[Resource, Any] = {}
    if topics:
        told = client.describe_topics(
            TopicCollection(topics), include_authorized_operations=True, request_timeout=SECONDS
        )
        futures |= {("topic", name): future for name, future in told.items()}
    if groups:
        futures |= _groups(client, groups)
    if any(kind == "cluster" for kind, _ in resources):
        futures["cluster", "kafka-cluster"] = client.describe_cluster(
            include_authorized_operations=True, request_timeout=SECONDS
        )
    for resource, future in futures.items():
        try:
            found[resource] = _operations(future.result(SECONDS).authorized_operations)
        except KafkaException as error:
            found[resource] = _refused(cluster, error)
        except TimeoutError:
            found[resource] = None
    return found


def _groups(client: AdminClient, groups: list[str]) -> dict[Resource, Any]:
    told = client.describe_consumer_groups(
        groups, include_authorized_operations=True, request_timeout=COORDINATOR_SECONDS
    )
    return {("group", name): future for name, future in told.items()}


def _operations(told: Sequence[Any] | None) -> Collection[str] | None:
    """Return operations by name. The library gives none where the cluster told nothing."""
    return None if told is None else frozenset(one.name for one in told)


def _refused(cluster: Cluster, error: KafkaException) -> Collection[str] | None:
    """Return that nothing is allowed where describing is denied; that it is not known where the cluster cannot say."""
    if is_denied(error):
        return frozenset()
    if error.args[0].code() in {KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN}:  # noqa: SLF001 - librdkafka's public codes begin with _
        raise clients.unreachable(cluster, error) from error
    return None


def lacking(needed: Sequence[Right], allowed: Allowed) -> list[Lacking]:
    """Return what each command and stage lacks; those that lack nothing are left out."""
    found = []
    for who in dict.fromkeys(one.who for one in needed):
        lacks: dict[Resource, tuple[str, ...]] = {}
        without: list[str] = []
        works = True
        for one in (each for each in needed if each.who == who):
            for name in one.on:
                may = _may(allowed, (one.kind, name))
                missing = tuple(each for each in one.operations if may is not None and each not in may)
                if missing:
                    lacks[one.kind, name] = (*lacks.get((one.kind, name), ()), *missing)
                    works = works and _is_optional(one)
                    without += [one.without] * _is_optional(one)
        if lacks:
            found.append(Lacking(who, lacks, tuple(dict.fromkeys(without)), works))
    return found


def _may(allowed: Allowed, resource: Resource) -> Collection[str] | None:
    """Return what may be done to a resource. Who may create topics on the cluster may create this one."""
    may = allowed.get(resource)
    everywhere = allowed.get(("cluster", "kafka-cluster"))
    if may is not None and resource[0] == "topic" and everywhere is not None and "CREATE" in everywhere:
        return {*may, "CREATE"}
    return may


def _is_optional(one: Right) -> bool:
    """Whether it works without that right, with less; one that only other contexts need is left out before."""
    return bool(one.without) and not one.without.startswith("needed")


def judge(cluster: Cluster, needed: Sequence[Right], allowed: Allowed, *, meant: bool) -> Iterator[Checkup]:
    """Yield what each command and stage lacks. `meant`: somebody said that this client is to do just these."""
    checks, who = Checks(Subject.PERMISSIONS, cluster.name), principal(cluster)
    found = lacking(needed, allowed)
    for one in found:
        lacks = "; ".join(_described(one.lacks))
        less = f" Without it: {', '.join(one.without)}." if one.works else ""
        text = f"{who} lacks for `{one.who}` on {cluster.name}: {lacks}.{less}"
        hint = f"`kafkalert topics acls '{one.who}' --grant {who}` prints what grants it, if {who} is to do that."
        yield checks.bad(one.who, text, hint) if meant and not one.works else checks.look(one.who, text, hint)
    unknown = [f"{kind} {name}" for (kind, name), may in sorted(allowed.items()) if may is None]
    lacks_some = {one.who for one in found}
    fine = [one for one in dict.fromkeys(one.who for one in needed) if one not in lacks_some]
    if unknown:
        text = f"What {who} may do to {_listed(unknown)} is not told: what does not exist, or may not be described."
        yield checks.skipped("not told", text)
    if fine:
        each = ", ".join(f"`{one}`" for one in fine) if len(fine) <= _SHOWN else f"{len(fine)} commands and stages"
        yield checks.ok("rights", f"{who} lacks no right for {each}.")


def _described(lacks: Mapping[Resource, tuple[str, ...]]) -> Iterator[str]:
    """Yield operations with the resources that lack just these."""
    alike: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for (kind, name), operations in lacks.items():
        alike.setdefault((tuple(dict.fromkeys(operations)), kind), []).append(name)
    for (operations, kind), names in alike.items():
        on = "the cluster" if kind == "cluster" else f"{kind} {_listed(names)}"
        yield f"{', '.join(operations)} on {on}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
