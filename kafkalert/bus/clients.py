"""librdkafka clients as kafkalert needs them: the settings that correctness rests on are set here and nowhere else."""

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any, Final, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from kafkalert.bus.cause import explain
from kafkalert.bus.connecting import TALKATIVE, ConnectionLog, failures, mistrust, parse
from kafkalert.bus.denied import denied
from kafkalert.bus.principal import UNKNOWN
from kafkalert.config.sections import Cluster
from kafkalert.errors import ConfigError, DeniedError, UnreachableError

PROBE_SECONDS = 7.0
"""How long a one-shot command waits for a first answer; with the cause asked for, and start-up, it stays below 10 s."""

COORDINATOR_SECONDS: Final = 3600.0
"""The `request_timeout` of whatever a group's coordinator is asked: for ever. Who waits bounds that by `future.result`.

A request that the library gives up by itself ends the process, with SIGABRT, once the coordinator can be reached again
(librdkafka issue 4605). One whose client is gone does nothing any more.
"""

C = TypeVar("C")

# librdkafka's own lines go to a logger that is silent unless asked for: what an operator must know, kafkalert says.
_LOG = logging.getLogger("kafkalert.librdkafka")


def properties(cluster: Cluster) -> dict[str, Any]:
    """Return what every client of `cluster` is given: where it is, and what the configuration passes on."""
    return {
        "bootstrap.servers": cluster.bootstrap,
        "client.id": "kafkalert",
        "log_level": 4,
        "reconnect.backoff.max.ms": 1000,  # a broker that returns is noticed within a second
        **{name: secret.get_secret_value() for name, secret in cluster.kafka.items()},
    }


def producer(cluster: Cluster, *, linger_ms: float = 1, **more: Any) -> Producer:  # noqa: ANN401 - librdkafka's values
    """Return an idempotent producer whose partitioner is Java's; `more` are librdkafka properties with `_` for `.`.

    Raises ConfigError where they make no client.
    """
    return _made(
        cluster,
        Producer,
        {
            "compression.type": "lz4",
            "queue.buffering.max.messages": 1_000_000,
            **properties(cluster),
            "enable.idempotence": True,
            "acks": "all",
            "partitioner": "murmur2_random",
            "linger.ms": linger_ms,
            "message.timeout.ms": 0,  # a broker that is away is waited for
            **_dotted(more),
        },
    )


def consumer(cluster: Cluster, group: str, **more: Any) -> Consumer:  # noqa: ANN401 - librdkafka's values
    """Return a consumer that commits only when told to; `more` are librdkafka properties with `_` for `.`.

    Raises ConfigError where they make no client.
    """
    given = properties(cluster)
    # It bounds what is written; the library refuses a consumer that may fetch less than that at a time.
    given.pop("message.max.bytes", None)
    return _made(
        cluster,
        Consumer,
        {
            "fetch.wait.max.ms": 500,
            "isolation.level": "read_committed",
            # How long a full queue is left alone, 1 s by default: a quick stage has emptied it long before.
            "fetch.queue.backoff.ms": 10,
            **given,
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            **_dotted(more),
        },
    )


def admin(cluster: Cluster, *, log: ConnectionLog | None = None) -> AdminClient:
    """Return an admin client of `cluster`; `log` hears of its connections. Raises ConfigError as `producer` does."""
    # A cluster that has no controller just now is asked again soon: a request waits for one, and by default 5 minutes.
    chosen = {"topic.metadata.refresh.interval.ms": 1000} | properties(cluster)
    if log is None:
        return _made(cluster, AdminClient, chosen)
    return _made(cluster, AdminClient, chosen | TALKATIVE, log.logger)


@contextmanager
def reports() -> Iterator[None]:
    """Have delivery reports served in here, on the main thread. A ctrl-c inside one of them stays a ctrl-c.

    It breaks the library's call, which then raises a SystemError that does not know why.
    """
    try:
        yield
    except SystemError as error:
        raise KeyboardInterrupt from error


def close_behind(client: Consumer) -> None:
    """Close a consumer that nobody waits for: with a cluster that hangs, that takes minutes."""
    Thread(target=client.close, name="close", daemon=True).start()


def _made(cluster: Cluster, kind: Callable[..., C], chosen: dict[str, Any], logger: logging.Logger = _LOG) -> C:
    gc.enable()  # all is imported: see `kafkalert.__main__`
    try:
        return kind(chosen, logger=logger)
    except KafkaException as error:  # a certificate that is not there, a value that fits no other
        raise ConfigError(
            f"No client of cluster {cluster.name} can be made: {error.args[0].str()}.",
            hint=f"Check [clusters.{cluster.name}.kafka].",
        ) from error


def _dotted(more: dict[str, Any]) -> dict[str, Any]:
    # Callbacks keep their underscores, and one of the library's own names.
    return {
        name if callable(value) or name == "log_level" else name.replace("_", "."): value
        for name, value in more.items()
    }


def probe(cluster: Cluster, client: AdminClient | Consumer | Producer) -> None:
    """Return once `cluster` answers. Raises UnreachableError after PROBE_SECONDS, at once for refused credentials."""
    try:
        client.list_topics(timeout=PROBE_SECONDS)
    except KafkaException as error:
        raise unreachable(cluster, error) from error


def unreachable(
    cluster: Cluster, error: KafkaException, operation: str = UNKNOWN, name: str = UNKNOWN
) -> UnreachableError | DeniedError:
    """Return the error for a request that failed: what the cluster denies, or why it does not answer.

    `operation` and `name` as for `denied`. Why is asked of the cluster afresh, for a second or two.
    """
    return denied(cluster, error, operation, name) or silent(cluster)


def cause(cluster: Cluster, error: KafkaError) -> str:
    """Return what an error that a client was told of says of a cluster, in a sentence; empty for mere silence."""
    failure = parse(f"FAIL {error.str()}")
    found = None if failure is None else explain(cluster, [failure])
    return found.sentence if found is not None and found.known else ""


def silent(cluster: Cluster) -> UnreachableError:
    """Return the error for a cluster that does not answer: the cause, where the client library knows it."""
    found = explain(cluster, failures(properties(cluster)), mistrust)
    return UnreachableError(found.sentence, hint=found.hint, cause_known=found.known)
