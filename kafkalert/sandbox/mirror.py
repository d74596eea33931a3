"""Mirroring between the two clusters: Kafka Connect workers and their MirrorSourceConnectors.

The flow from A into B drops what came from B and marks the rest as coming from A, so that both flows may use the same
topic names and nothing goes round in circles. At least once: with exactly-once sources a flow that drops all it reads
keeps the dropped records of its open transaction until its heap is full.
"""

import http.client
import json
from collections.abc import Sequence
from typing import Any

from kafkalert.sandbox.broker import JVM, QUICK
from kafkalert.sandbox.ports import HOST

TOPICS = (
    "accountentry",
    "accounttocustomerids",
    "customeralertsettings",
    "customeraccountentry",
    "outbound.*",
    "kafkalert\\.deadletter",
)
"""Regular expressions of what is mirrored: all but the control log and the status, which belong to their cluster."""

BYTES = "org.apache.kafka.connect.converters.ByteArrayConverter"


def worker_properties(cluster: str, bootstrap: str, port: int) -> str:
    """The text of worker.properties for the Connect worker beside `cluster`, with its REST interface on `port`."""
    storage = f"kafkalert.mirror.{cluster}"
    chosen = {
        "bootstrap.servers": bootstrap,
        "group.id": f"kafkalert-mirror-into-{cluster}",
        "listeners": f"http://{HOST}:{port}",
        "key.converter": BYTES,
        "value.converter": BYTES,
        "header.converter": BYTES,
        "config.storage.topic": f"{storage}.configs",
        "config.storage.replication.factor": "1",
        "offset.storage.topic": f"{storage}.offsets",
        "offset.storage.replication.factor": "1",
        "offset.storage.partitions": "1",
        "status.storage.topic": f"{storage}.status",
        "status.storage.replication.factor": "1",
        "status.storage.partitions": "1",
        "offset.flush.interval.ms": "1000",
        "connector.client.config.override.policy": "All",
        "plugin.discovery": "service_load",
        "scheduled.rebalance.max.delay.ms": "0",
    }
    return "".join(f"{name}={value}\n" for name, value in chosen.items())


def worker_command(java: str) -> list[str]:
    """Runs the worker, in the folder that holds worker.properties."""
    worker = ["org.apache.kafka.connect.cli.ConnectDistributed", "worker.properties"]
    return [java, "-Xms32m", "-Xmx320m", *JVM, *QUICK, *worker]


def connector_name(source: str, target: str) -> str:
    """What the flow from `source` into `target` is called, on the worker beside `target`."""
    return f"mirror-{source}-to-{target}"


def connector_config(
    source: tuple[str, str], target: tuple[str, str], topics: Sequence[str] = TOPICS
) -> dict[str, str]:
    """The connector of the flow from `source` into `target`, each a cluster's name and bootstrap address."""
    (source_name, source_address), (target_name, target_address) = source, target
    return {
        "connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector",
        "source.cluster.alias": source_name,
        "target.cluster.alias": target_name,
        "source.cluster.bootstrap.servers": source_address,
        "target.cluster.bootstrap.servers": target_address,
        "topics": ",".join(topics),
        "replication.policy.class": "org.apache.kafka.connect.mirror.IdentityReplicationPolicy",
        "replication.factor": "1",
        "refresh.topics.interval.seconds": "1",  # a new topic is mirrored within about a second
        "sync.topic.acls.enabled": "false",
        "sync.topic.configs.enabled": "false",
        "emit.offset-syncs.enabled": "false",
        "tasks.max": "2",
        "key.converter": BYTES,
        "value.converter": BYTES,
        "header.converter": BYTES,
        "consumer.isolation.level": "read_committed",
        "source.consumer.isolation.level": "read_committed",
        "producer.override.enable.idempotence": "true",
        "producer.override.acks": "all",
        "producer.override.linger.ms": "0",
        "producer.override.compression.type": "lz4",
        "transforms": "drop,mark",
        "transforms.drop.type": "org.apache.kafka.connect.transforms.Filter",
        "transforms.drop.predicate": "back",
        "transforms.mark.type": "org.apache.kafka.connect.transforms.InsertHeader",
        "transforms.mark.header": f"ka-origin.{source_name}",
        # With a value, the header converters of other people's connectors would take it apart.
        "transforms.mark.value.literal": "null",
        "predicates": "back",
        "predicates.back.type": "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
        "predicates.back.name": f"ka-origin.{target_name}",
    }


def request(port: int, method: str, path: str, body: object = None, *, seconds: float = 5) -> tuple[int, Any]:
    """Ask a worker's REST interface; returns the HTTP status and the decoded answer (None if empty).

    Raises OSError if the worker cannot be reached or does not answer in time.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=seconds)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(f"no HTTP answer: {error}") from error
    finally:
        connection.close()
