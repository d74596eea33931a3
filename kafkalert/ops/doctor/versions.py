"""What runs: here, the brokers, and the Connect workers."""

from collections.abc import Iterator, Mapping
from typing import Final

from kafkalert.bus.connect.client import Worker
from kafkalert.bus.hello import CONSUMER_GROUP, Spoken
from kafkalert.ops.doctor.checkup import Checks, Checkup, Subject
from kafkalert.ops.doctor.reaching import Reached
from kafkalert.ops.versions import Versions

_METADATA: Final = "metadata.version"
_RELEASES: Final = ((30, "4.3"), (28, "4.2"), (26, "4.1"), (22, "4.0"), (21, "3.9"), (20, "3.8"), (15, "3.7"))
"""By `kafka-features.sh version-mapping`: from which level of metadata.version on a cluster is on a release."""
_OLDEST_WORKER: Final = (3, 6)
"""KIP-875: from then on a worker tells and moves the offsets of a connector."""


def here(found: Versions) -> Iterator[Checkup]:
    """Yield what is installed on this machine."""
    checks = Checks(Subject.VERSIONS)
    how = "compiled" if found.compiled else "not compiled, so it processes half as many entries"
    yield checks.ok(
        "this machine",
        f"kafkalert {found.kafkalert} ({how}), Python {found.python}, confluent-kafka {found.confluent_kafka}, "
        f"librdkafka {found.librdkafka}.",
    )


def of_brokers(found: Reached) -> Iterator[Checkup]:
    """Yield which Kafka the brokers of a cluster are."""
    checks = Checks(Subject.VERSIONS, found.cluster.name)
    spoken = {
        number: one.spoken
        for number, at in sorted(found.brokers.items())
        if (one := found.contacts.get(at)) is not None and one.spoken is not None
    }
    if not spoken:
        yield checks.unknown("brokers", "No broker tells its version.")
        return
    could = {number: one.could.get(_METADATA) for number, one in spoken.items()}
    if len(set(could.values())) > 1:
        each = ", ".join(f"broker {number}: {release(level)}" for number, level in could.items())
        yield checks.look(
            "brokers",
            f"The brokers of {checks.cluster} are not of one version: {each}.",
            "Go on with the upgrade, or with the way back, until all are of one version.",
        )
    else:
        yield from _alike(checks, next(iter(spoken.values())))


def _alike(checks: Checks, one: Spoken) -> Iterator[Checkup]:
    now, could = one.features.get(_METADATA), one.could.get(_METADATA)
    protocol = "with" if CONSUMER_GROUP in one.requests else "without"
    text = f"Kafka {release(could)}, {protocol} the group protocol of KIP-848"
    if now is not None and could is not None and release(now) != release(could):
        yield checks.look(
            "brokers",
            f"{text}; but the features in force are those of Kafka {release(now)}.",
            "Once nobody wants to go back: `kafka-features.sh upgrade --release-version VERSION`, with the brokers' "
            "version, ends the upgrade.",
        )
    else:
        yield checks.ok("brokers", f"{text}.")


def release(level: int | None) -> str:
    """Return the release that a level of metadata.version belongs to."""
    if level is None:
        return "of an unknown version"
    newest, name = _RELEASES[0]
    if level > newest:
        return f"{name} or later"
    return next((name for first, name in _RELEASES if level >= first), "before 3.7")


def of_workers(cluster: str, workers: Mapping[str, Worker]) -> Iterator[Checkup]:
    """Yield which Kafka the Connect workers beside a cluster are, by their URLs."""
    checks = Checks(Subject.VERSIONS, cluster)
    for url, worker in workers.items():
        name, number = f"Connect worker {url}", _number(worker.version)
        if number is not None and number < _OLDEST_WORKER:
            yield checks.bad(
                name,
                f"The Connect worker {url} is of Kafka {worker.version}, which cannot move the offsets of a flow: "
                "`failover reconcile` does not work.",
                "Run workers of Kafka 3.6 or later.",
            )
        else:
            yield checks.ok(name, f"Kafka {worker.version}.")


def _number(version: str) -> tuple[int, ...] | None:
    parts = version.split(".")[:2]
    return tuple(map(int, parts)) if len(parts) > 1 and all(part.isdecimal() for part in parts) else None
