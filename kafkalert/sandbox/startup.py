"""Starts the components of a sandbox, and knows when they are ready or why they are not."""

import base64
import os
import shutil
import socket
import uuid
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from kafkalert.bus.clients import admin
from kafkalert.bus.connect.client import Connect
from kafkalert.config.sections import Cluster
from kafkalert.errors import KafkalertError
from kafkalert.sandbox import mirror
from kafkalert.sandbox.cleanup import data_folder
from kafkalert.sandbox.kafka import broker
from kafkalert.sandbox.kafka.diagnosis import explain, port_was_taken
from kafkalert.sandbox.ports import HOST, demand_free, free_port
from kafkalert.sandbox.process import Identity, spawn, state_of, wait_until
from kafkalert.sandbox.state import Component, State, write_private

READY_SECONDS = 90.0
"""How long a component may take to answer without a word in its log; some 3 s in all on an idle machine."""
LONGEST_SECONDS = 300.0
"""How long it may take in all: on a crowded machine it starts slowly, and logs what it does."""
TAIL_BYTES = 16_384
LEAST_DISK = 256 << 20
"""Bytes that must be free: a broker, its first topics and a worker take a tenth of it."""


class PortTakenError(KafkalertError):
    """Something else took a port after it had been found free."""


def plan(clusters: int, ports: Sequence[int], brokers: int = 1) -> tuple[Component, ...]:
    """Return the components of a sandbox of one or two clusters, of one or three brokers each.

    `ports` go to the brokers of dc1 and dc2, then to mirror-dc1 and mirror-dc2, as far as they reach; the others are
    chosen from those that are free. Raises KafkalertError if a given port is in use.
    """
    for port in ports:
        demand_free(port, hint="Give another with --port, or none to have free ones chosen.")
    names = [f"dc{number}" for number in range(1, clusters + 1)]
    given = iter(ports)
    taken = set(ports)

    def next_port() -> int:
        chosen = next(given, None) or free_port(taken)
        taken.add(chosen)
        return chosen

    def inner_port() -> int:
        chosen = free_port(taken)
        taken.add(chosen)
        return chosen

    outside = [(name, node, next_port()) for name in names for node in range(1, brokers + 1)]
    beside = [(name, next_port()) for name in names] if clusters > 1 else []
    members = [
        Component(name if brokers == 1 else f"{name}-{node}", "broker", name, port, inner_port(), node)
        for name, node, port in outside
    ]
    mirrors = [Component(f"mirror-{name}", "mirror", name, number) for name, number in beside]
    return (*members, *mirrors)


def demand_room(folder: Path) -> None:
    """Raise KafkalertError if the disk is as good as full."""
    free = shutil.disk_usage(folder).free
    if free < LEAST_DISK:
        raise KafkalertError(
            f"{folder} has {free >> 20} MB of room left, the sandbox needs {LEAST_DISK >> 20} MB.",
            hint="Make room, or choose a folder elsewhere with --folder.",
        )


def prepare(folder: Path, state: State, component: Component) -> None:
    """Make the component's folder with its configuration."""
    home = data_folder(folder) / component.name
    home.mkdir(mode=0o700, parents=True)
    write_logging(folder, component)
    if component.kind == "broker":
        members = state.brokers(component.cluster)
        voters = {each.node: each.controller for each in members} if len(members) > 1 else None
        text = broker.properties(component.port, component.controller, state.extra, node=component.node, voters=voters)
        write_private(home / "server.properties", text)
    else:
        write_private(home / "worker.properties", mirror.worker_properties(state.components, component, folder))


def write_logging(folder: Path, component: Component) -> None:
    """Write what the component's Java logs, and how."""
    write_private(data_folder(folder) / component.name / "log4j2.properties", broker.LOGGING)


def launch(folder: Path, state: State, component: Component, command: Sequence[str], lock: int) -> Identity:
    """Start a Java process of the component. Raises KafkalertError if it could not even begin."""
    home = data_folder(folder) / component.name
    process = spawn(command, folder=home, env={**os.environ, "CLASSPATH": state.classpath}, lock=lock)
    if process is None:
        raise died(folder, component)
    return process


def format_all(folder: Path, state: State, brokers: Sequence[Component], lock: int) -> None:
    """Prepare the data folders of new brokers, all at once. Raises KafkalertError if one cannot be."""
    running = []
    ids = {name: base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=") for name in state.clusters}
    for component in brokers:
        alone = len(state.brokers(component.cluster)) == 1
        # The tool takes an id that begins with a dash for an option.
        command = broker.format_command(state.java, f"k{ids[component.cluster][1:]}", alone=alone)
        running.append((component, launch(folder, state, component, command, lock)))
    for component, process in running:
        over = wait_until(lambda started=process: state_of(started) is None, READY_SECONDS)  # type: ignore[misc]
        made = data_folder(folder) / component.name / "data" / "meta.properties"
        if not over or not made.exists():
            raise died(folder, component)


def run(folder: Path, state: State, component: Component, lock: int) -> Identity:
    """Start the component; it is not ready yet."""
    if component.kind == "broker":
        alone = len(state.brokers(component.cluster)) == 1
        command = broker.run_command(state.java, state.jvm, alone=alone)
    else:
        command = mirror.worker_command(state.java)
    return launch(folder, state, component, command, lock)


def await_ready(folder: Path, component: Component, process: Identity) -> None:
    """Return once the component answers. Raises KafkalertError if it ends or takes too long."""
    began = since = monotonic()
    logged, ended, ready = -1, False, False
    log = data_folder(folder) / component.name / "log"

    def settled() -> bool:
        nonlocal logged, since, ended, ready
        if (size := log.stat().st_size) != logged:
            logged, since = size, monotonic()
        ended = state_of(process) is None
        ready = not ended and answers(component)
        return ended or ready or monotonic() - since > READY_SECONDS

    wait_until(settled, LONGEST_SECONDS, every=0.05)
    if ended:
        raise died(folder, component)
    if not ready:
        raise KafkalertError(
            f"{component.name} did not answer within {monotonic() - began:.0f} s.",
            hint="The machine may be too busy; end something and try again.",
        )


def is_listening(port: int) -> bool:
    """Whether something accepts connections on the port."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def answers(component: Component) -> bool:
    """Whether a broker or a worker does what it is there for."""
    if component.kind == "broker":
        return broker_answers(component.port, component.node)
    return worker_answers(component.port)


def broker_answers(port: int, node: int) -> bool:
    """Whether the broker takes requests and is part of its cluster.

    One that was paused first believes that it is, and is put out for a moment once its controller looks at the clock.
    So the controller is asked: whether it would place a topic there.
    """
    from confluent_kafka import KafkaException  # noqa: PLC0415 - heavy
    from confluent_kafka.admin import NewTopic  # noqa: PLC0415 - as above

    if not is_listening(port):
        return False
    client = admin(Cluster(name="sandbox", bootstrap=f"{HOST}:{port}"))
    wanted = NewTopic("kafkalert.sandbox", num_partitions=1, replica_assignment=[[node]])
    try:
        if not client.list_topics(timeout=2).brokers:
            return False
        for placed in client.create_topics([wanted], validate_only=True, request_timeout=2).values():
            placed.result(3)
    except (KafkaException, TimeoutError):
        return False
    return True


def worker_answers(port: int) -> bool:
    """Whether the worker's REST interface is there and the worker has joined its group."""
    try:
        Connect(Cluster(name="sandbox", bootstrap="", connect=f"http://{HOST}:{port}")).connectors()
    except KafkalertError:
        return False
    return True


def mirror_both_ways(folder: Path, state: State) -> None:
    """Create the two connectors and wait until they run. Raises KafkalertError if one does not."""

    def failed(worker: Component, flow: str) -> KafkalertError:
        reason, hint = explain(log_tail(folder, worker))
        return KafkalertError(f"The flow {flow} does not run: {reason}.", hint=hint)

    mirror.start_flows(state.components, READY_SECONDS, failed=failed)


def log_tail(folder: Path, component: Component) -> str:
    """Return the last lines that the component logged."""
    file = data_folder(folder) / component.name / "log"
    with file.open("rb") as log:
        log.seek(max(0, file.stat().st_size - TAIL_BYTES))
        return log.read().decode("utf-8", errors="replace")


def died(folder: Path, component: Component) -> KafkalertError:
    """Return the error to raise for a component that has ended, with the reason that its log gives."""
    log = log_tail(folder, component)
    reason, hint = explain(log)
    kind = PortTakenError if port_was_taken(log) else KafkalertError
    return kind(f"{component.name} did not start: {reason}.", hint=hint)
