"""The flows between the two clusters of a context: Connect workers, and one MirrorSourceConnector each.

The flow from A into B drops what came from B and marks the rest as coming from A, so that both flows may use the same
topic names and nothing goes round in circles. At least once: with exactly-once sources a flow that drops all it reads
keeps the dropped records of its open transaction until its heap is full. Key, value, headers, partition and timestamp
of a record are carried as they are, tombstones too.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from kafkalert.bus.connect.java import ReferenceOf, Translated, providers, translate, with_prefix
from kafkalert.config.sections import Cluster, Settings
from kafkalert.config.stages import mirrored
from kafkalert.errors import RefusedError

BYTES: Final = "org.apache.kafka.connect.converters.ByteArrayConverter"
LARGEST: Final = 16 << 20
"""Bytes of a record that the mirror may write, unless message.max.bytes is larger. Java counts before compression, so a
record may be larger here than where it came from; what a topic takes is the target's to say."""
_BUFFER: Final = 32 << 20
_USUAL: Final = "http://localhost:8083"
_OWN_HOST: Final = "${env:KAFKALERT_CONNECT_HOST}"
"""Where several workers have the same properties, each listens on the address of its own machine."""
_SIGN_IN: Final = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension"
_CONVERTERS: Final = {"key.converter": BYTES, "value.converter": BYTES, "header.converter": BYTES}


@dataclass(frozen=True, slots=True)
class Flow:
    """What carries records from `source` into `target`: `connector`, on the workers beside `target`."""

    source: str
    target: str
    connector: str


def flows(settings: Settings) -> tuple[Flow, ...]:
    """Return the flows of a context, first the one out of its first cluster; none in a context of one cluster."""
    names = settings.context.clusters
    return tuple(
        Flow(source, target, connector_name(source, target, settings.context.prefix))
        for source in names
        for target in names
        if source != target
    )


def flow_of(settings: Settings, source: str) -> Flow:
    """Return the flow out of a cluster."""
    return next(flow for flow in flows(settings) if flow.source == source)


def connector_name(source: str, target: str, prefix: str = "") -> str:
    """Return what a flow's connector is called; contexts that share workers differ in their prefix."""
    return f"{prefix}mirror-{source}-to-{target}"


def offsets_topic(cluster: str) -> str:
    """Where the workers beside `cluster` keep what their connectors confirmed."""
    return f"{_storage(cluster)}.offsets"


def topics(settings: Settings) -> tuple[str, ...]:
    """Topics that are mirrored: all but the control log and the status, which belong to their cluster."""
    return tuple(settings.topic(name) for name in mirrored())


def worker_config(
    settings: Settings, cluster: str, reference_of: ReferenceOf = lambda _: None, *, plain: bool = False
) -> dict[str, str]:
    """Properties of the Connect workers beside `cluster`; all workers of one cluster have the same.

    Args:
        settings: whose `topics.replication` holds for the workers' topics too.
        cluster: the flow into it is hosted.
        reference_of: where a value of the configuration was read; secrets are given by it.
        plain: write secrets out.

    Raises:
        RefusedError: a secret would have to be written out.
    """
    chosen = settings.clusters[cluster]
    reach = translate(chosen, reference_of, plain=plain).properties
    # Connectors' own clients do not inherit how the worker itself reaches its cluster.
    inner = {name: value for name, value in reach.items() if name != "bootstrap.servers"}
    replication = str(settings.topics.replication)
    storage = _storage(cluster)
    put = {
        **reach,
        **with_prefix("producer.", inner),
        **with_prefix("admin.", inner),
        "group.id": f"kafkalert-mirror-into-{cluster}",
        **_rest(chosen),
        **_CONVERTERS,
        "config.storage.topic": f"{storage}.configs",
        "config.storage.replication.factor": replication,
        "offset.storage.topic": offsets_topic(cluster),
        "offset.storage.replication.factor": replication,
        "offset.storage.partitions": "1",
        "status.storage.topic": f"{storage}.status",
        "status.storage.replication.factor": replication,
        "status.storage.partitions": "1",
        "offset.flush.interval.ms": "1000",  # what is repeated after a crash is what came in the last second
        "scheduled.rebalance.max.delay.ms": "0",  # the tasks of a worker that is gone go on at once
        "connector.client.config.override.policy": "All",
    }
    return put | providers([*put.values(), *_connectors(settings, reference_of)])


def connector_config(
    settings: Settings, flow: Flow, reference_of: ReferenceOf = lambda _: None, *, plain: bool = False
) -> dict[str, str]:
    """Return the configuration of a flow's connector; arguments and errors as of `worker_config`."""
    ends = {"source": settings.clusters[flow.source], "target": settings.clusters[flow.target]}
    limits = [cluster.kafka["message.max.bytes"] for cluster in ends.values() if "message.max.bytes" in cluster.kafka]
    largest = max([LARGEST, *(int(limit.get_secret_value()) for limit in limits)])
    reach: dict[str, str] = {}
    for side, cluster in ends.items():
        reach |= with_prefix(f"{side}.cluster.", translate(cluster, reference_of, plain=plain).properties)
    return {
        "name": flow.connector,
        "connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector",
        "source.cluster.alias": flow.source,
        "target.cluster.alias": flow.target,
        **reach,
        "topics": ",".join(topic.replace(".", "\\.") for topic in topics(settings)),  # regular expressions
        "topics.exclude": "__.*",  # Kafka's own; by default also names that end as those of its tools do
        "replication.policy.class": "org.apache.kafka.connect.mirror.IdentityReplicationPolicy",
        "replication.factor": str(settings.topics.replication),
        "refresh.topics.interval.seconds": str(int(settings.mirror.refresh.total_seconds())),
        "sync.topic.acls.enabled": "false",
        "sync.topic.configs.enabled": "false",  # `topics apply` does that, on each cluster
        "emit.offset-syncs.enabled": "false",  # offsets are found by the ids of records
        "tasks.max": str(settings.mirror.tasks),
        **_CONVERTERS,
        "consumer.isolation.level": "read_committed",
        "source.consumer.isolation.level": "read_committed",
        "source.consumer.auto.offset.reset": "earliest",
        "producer.override.enable.idempotence": "true",
        "producer.override.acks": "all",
        "producer.override.linger.ms": "0",
        "producer.override.compression.type": "lz4",
        "producer.override.max.request.size": str(largest),
        "producer.override.buffer.memory": str(max(_BUFFER, 2 * largest)),
        "errors.tolerance": "none",  # a record that cannot cross stops its task; none is passed over
        "transforms": "drop,mark",
        "transforms.drop.type": "org.apache.kafka.connect.transforms.Filter",
        "transforms.drop.predicate": "back",
        "transforms.mark.type": "org.apache.kafka.connect.transforms.InsertHeader",
        "transforms.mark.header": f"ka-origin.{flow.source}",
        # With a value, the header converters of other people's connectors would take it apart.
        "transforms.mark.value.literal": "null",
        "predicates": "back",
        "predicates.back.type": "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
        "predicates.back.name": f"ka-origin.{flow.target}",
    }


def translations(settings: Settings, reference_of: ReferenceOf = lambda _: None) -> dict[str, Translated]:
    """By cluster, what became of its librdkafka properties, for saying what the mirror does not have of them."""
    return {name: translate(settings.clusters[name], reference_of) for name in settings.context.clusters}


def properties_text(config: Mapping[str, str]) -> str:
    """Return the text of a Java properties file.

    A backslash is doubled, a leading space kept, all but ASCII escaped.
    """
    return "".join(f"{name}={_line(value)}\n" for name, value in config.items())


def _line(value: str) -> str:
    text = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    text = "".join(char if " " <= char <= "~" else _utf16(char) for char in text)
    return f"\\{text}" if text.startswith(" ") else text


def _utf16(char: str) -> str:
    """As Java's properties have it, which are read as ISO 8859-1."""
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _storage(cluster: str) -> str:
    return f"kafkalert.mirror.{cluster}"


def _connectors(settings: Settings, reference_of: ReferenceOf) -> Iterator[str]:
    """All that connectors are given, by reference also where the workers' own properties are written out."""
    with suppress(RefusedError):  # nothing says where a secret stands, so no connector names it
        for flow in flows(settings):
            yield from connector_config(settings, flow, reference_of).values()


def _rest(cluster: Cluster) -> dict[str, str]:
    """Where workers are asked, and by whom; whoever may ask them may have them read and send what they can."""
    urls = [urlsplit(url) for url in cluster.workers or (_USUAL,)]
    host = _bracketed(urls[0].hostname or "") if len({url.hostname for url in urls}) == 1 else _OWN_HOST
    put = {"listeners": ",".join(dict.fromkeys(f"{url.scheme}://{host}:{url.port}" for url in urls))}
    if cluster.connect_auth is not None:
        put["rest.extension.classes"] = _SIGN_IN
    if cluster.connect_certificate is not None:
        put["listeners.https.ssl.client.auth"] = "required"
    return put


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
