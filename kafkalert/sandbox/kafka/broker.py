"""KRaft brokers, each a controller too: their configuration, and the Java command lines that format and run them."""

from collections.abc import Mapping, Sequence

from kafkalert.ops.topics import min_insync
from kafkalert.sandbox.ports import HOST

QUICK = ("-XX:TieredStopAtLevel=1",)
"""Up in 2.5 s instead of 4, and the best for a short life; once warm, a third of the requests per second without."""

JVM = (
    "-XX:+UseSerialGC",  # two cores are shared by everything here: no collector threads
    "-Djava.awt.headless=true",
    "-Dlog4j2.configurationFile=log4j2.properties",
)
"""Flags of every Java process here. `log4j2.properties` is found in the folder that the process runs in."""

LOGGING = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %-5p %m (%c{1})%n%throwable
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
# A cluster that is away is said several times a second, for as long as it is away.
logger.clients.name = org.apache.kafka.clients
logger.clients.level = warn
logger.net.name = org.apache.kafka.clients.NetworkClient
logger.net.level = error
# Every property of every client, at every start: 2,000 lines.
logger.properties.name = org.apache.kafka.common.config.AbstractConfig
logger.properties.level = warn
logger.broker.name = kafka.server.KafkaConfig
logger.broker.level = warn
"""


def properties(
    port: int,
    controller: int,
    extra: Mapping[str, str] | None = None,
    *,
    node: int = 1,
    voters: Mapping[int, int] | None = None,
) -> str:
    """Return server.properties for a broker that is a controller too, alone in its cluster or one of three.

    `voters` has the controllers' ports by node, where there are several. Times are short where Kafka's defaults make a
    developer or a test wait. `extra` adds properties or replaces them.
    """
    replicas = len(voters) if voters else 1
    in_sync = str(min_insync(replicas))
    listeners = f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller}"
    chosen = {
        "process.roles": "broker,controller",
        "node.id": str(node),
        **_quorum(controller, voters),
        "controller.listener.names": "CONTROLLER",
        "listeners": listeners,
        "advertised.listeners": listeners,
        "log.dirs": "data",  # in the folder that the broker runs in
        "auto.create.topics.enable": "false",
        "num.partitions": "4",
        "offsets.topic.num.partitions": "4",
        "default.replication.factor": str(replicas),
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": str(replicas),
        "transaction.state.log.num.partitions": "4",
        "transaction.state.log.replication.factor": str(replicas),
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": str(replicas),
        "share.coordinator.state.topic.min.isr": in_sync,
        # A broker that was killed may register again only when the session of its former life is over (9 s by default).
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "200",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "group.consumer.min.session.timeout.ms": "1000",
        "group.consumer.min.heartbeat.interval.ms": "100",
        # Of the heap; the default is 128 MB. Enough to compact 1.3 million keys in one pass.
        "log.cleaner.dedupe.buffer.size": str(32 << 20),
        **(extra or {}),
    }
    return "".join(f"{name}={value}\n" for name, value in chosen.items())


def _quorum(controller: int, voters: Mapping[int, int] | None) -> dict[str, str]:
    if not voters:
        return {"controller.quorum.bootstrap.servers": f"{HOST}:{controller}"}
    return {"controller.quorum.voters": ",".join(f"{node}@{HOST}:{port}" for node, port in voters.items())}


def format_command(java: str, cluster_id: str, *, alone: bool = True) -> list[str]:
    """Return what prepares a broker's data folder, in that of server.properties; `alone` in its cluster or not."""
    quorum = ["--standalone"] if alone else []  # else its properties name the voters
    tool = ["kafka.tools.StorageTool", "format", *quorum, "-t", cluster_id, "-c", "server.properties"]
    return [java, "-Xmx128m", *QUICK, *JVM, *tool]


def run_command(java: str, jvm: Sequence[str], *, alone: bool = True) -> list[str]:
    """Return what runs the broker, in the folder that holds server.properties; `jvm` are flags beside those of JVM."""
    heap = "-Xmx384m" if alone else "-Xmx256m"
    return [java, "-Xms64m", heap, *JVM, *jvm, "kafka.Kafka", "server.properties"]
