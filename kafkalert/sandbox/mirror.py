"""The mirror of a sandbox: its settings, its workers' properties, and the two flows brought to run."""

from collections.abc import Callable, Sequence
from pathlib import Path

from kafkalert.bus.connect.client import Connect
from kafkalert.bus.connect.flow import connector_config, flows, properties_text, worker_config
from kafkalert.bus.connect.java import in_file, providers
from kafkalert.config.sections import Cluster, Context, Mirror, Settings, Topics
from kafkalert.errors import KafkalertError
from kafkalert.sandbox.kafka.broker import JVM, QUICK
from kafkalert.sandbox.ports import HOST
from kafkalert.sandbox.process import wait_until
from kafkalert.sandbox.state import REFRESH, Component, bootstrap, brokers


def settings(components: Sequence[Component]) -> Settings:
    """Return what the sandbox's configuration file says, as far as the mirror is concerned."""
    urls = {each.cluster: each.address for each in components if each.kind == "mirror"}
    there = brokers(components)
    clusters = {
        name: Cluster(name=name, bootstrap=bootstrap(members), connect=urls.get(name))
        for name, members in there.items()
    }
    context = Context(name="sandbox", clusters=tuple(clusters))
    topics = Topics(replication=max(map(len, there.values())))
    return Settings(context=context, clusters=clusters, topics=topics, mirror=Mirror(refresh=REFRESH))


def worker_properties(components: Sequence[Component], worker: Component, folder: Path) -> str:
    """Return the text of worker.properties for a worker of the sandbox in `folder`; connectors may name files there."""
    chosen = worker_config(settings(components), worker.cluster) | providers([in_file(folder.resolve() / "any")])
    # Only this machine may ask it; and it need not look through every class for plugins, which takes seconds.
    return properties_text(chosen | {"listeners": f"http://{HOST}:{worker.port}", "plugin.discovery": "service_load"})


def worker_command(java: str) -> list[str]:
    """Return what runs the worker, in the folder that holds worker.properties."""
    worker = ["org.apache.kafka.connect.cli.ConnectDistributed", "worker.properties"]
    return [java, "-Xms32m", "-Xmx320m", *JVM, *QUICK, *worker]


def start_flows(
    components: Sequence[Component], seconds: float, *, failed: Callable[[Component, str], Exception]
) -> None:
    """Create the connectors of both flows and wait until they run.

    Raises what `failed` makes of a worker and the name of a flow that does not run within `seconds`.
    """
    chosen = settings(components)
    for flow in flows(chosen):
        connect = Connect(chosen.clusters[flow.target])
        config = connector_config(chosen, flow)

        def accepted(connect: Connect = connect, name: str = flow.connector, config: dict[str, str] = config) -> bool:
            try:
                connect.put_config(name, config)
            except KafkalertError:  # a worker that has only just come up takes a moment
                return False
            return True

        def runs(connect: Connect = connect, name: str = flow.connector) -> bool:
            try:
                found = connect.status(name)
            except KafkalertError:
                return False
            return found is not None and found.state == "RUNNING"

        if not wait_until(accepted, seconds) or not wait_until(runs, seconds):
            (worker,) = (each for each in components if each.kind == "mirror" and each.cluster == flow.target)
            raise failed(worker, flow.connector)
