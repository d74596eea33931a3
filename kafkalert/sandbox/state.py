"""What a sandbox consists of, as its state file keeps it and as `status` shows it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

import msgspec

from kafkalert.config.durations import format_duration
from kafkalert.errors import KafkalertError, UsageError
from kafkalert.sandbox.cleanup import data_folder
from kafkalert.sandbox.ports import HOST
from kafkalert.sandbox.process import Identity, state_of

Kind = Literal["broker", "mirror"]

REFRESH = timedelta(seconds=1)
"""A new topic of a sandbox is mirrored within about this."""


@dataclass(frozen=True, slots=True)
class Component:
    """One process: a broker, or the Kafka Connect worker that hosts the flow into a cluster."""

    name: str
    kind: Kind
    cluster: str
    port: int
    """Where clients reach it: the Kafka protocol of a broker, HTTP of a worker."""
    controller: int = 0
    """Port of the KRaft controller inside a broker."""
    node: int = 1
    """A broker's id in its cluster."""

    @property
    def address(self) -> str:
        """host:port of a broker, URL of a worker's REST interface."""
        return f"{HOST}:{self.port}" if self.kind == "broker" else f"http://{HOST}:{self.port}"


@dataclass(frozen=True, slots=True)
class State:
    """Everything that it takes to start a component again."""

    components: tuple[Component, ...]
    java: str
    classpath: str
    extra: Mapping[str, str] = field(default_factory=dict)
    """Properties of the brokers beside the usual ones."""
    jvm: tuple[str, ...] = ()
    """Flags of the brokers' JVM beside the usual ones."""
    version: int = 1

    @property
    def clusters(self) -> tuple[str, ...]:
        """Names of the clusters."""
        return tuple(dict.fromkeys(each.cluster for each in self.components if each.kind == "broker"))

    def brokers(self, cluster: str) -> tuple[Component, ...]:
        """Return the brokers of a cluster; none for a name that is no cluster."""
        return brokers(self.components).get(cluster, ())

    def having(self, components: tuple[Component, ...]) -> "State":
        """Return the same with these components."""
        return replace(self, components=components)

    def component(self, name: str) -> Component:
        """Return the component of that name. Raises UsageError, with the names that there are, for another."""
        for each in self.components:
            if each.name == name:
                return each
        names = ", ".join(each.name for each in self.components)
        raise UsageError(f"The sandbox has no {name}.", hint=f"It has {names}.")

    def write(self, folder: Path) -> None:
        """Keep the state; from now on the sandbox counts as up."""
        write_private(data_folder(folder) / "state.json", msgspec.json.encode(self).decode())

    @classmethod
    def read(cls, folder: Path) -> "State | None":
        """Return the state of the sandbox in `folder`, or None if it is not up.

        Raises KafkalertError if it is unreadable.
        """
        file = data_folder(folder) / "state.json"
        try:
            return msgspec.json.decode(file.read_bytes(), type=cls)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise KafkalertError(
                f"{file} cannot be read: {error}.", hint="Run: kafkalert sandbox down, then up."
            ) from error


@dataclass(frozen=True, slots=True)
class ComponentStatus:
    """What one component is doing."""

    name: str
    kind: Kind
    state: Literal["running", "paused", "stopped"]
    address: str
    pid: int | None


def status_of(component: Component, process: Identity | None) -> ComponentStatus:
    """Return what a component is doing, by the process that it has on record."""
    letter = state_of(process)
    state: Literal["running", "paused", "stopped"] = (
        "stopped" if letter is None else "paused" if letter == "T" else "running"
    )
    pid = process.pid if process and letter else None
    return ComponentStatus(component.name, component.kind, state, component.address, pid)


@dataclass(frozen=True, slots=True)
class Status:
    """What the sandbox in a folder is doing; without components there is none."""

    folder: Path
    components: tuple[ComponentStatus, ...] = ()

    @property
    def is_up(self) -> bool:
        """Whether there is a sandbox and all of it runs."""
        return bool(self.components) and all(each.state == "running" for each in self.components)


def write_private(file: Path, text: str) -> None:
    """Write a file, whole or not at all, that only its owner reads."""
    part = file.with_name(f"{file.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    part.replace(file)


def brokers(components: Sequence[Component]) -> dict[str, tuple[Component, ...]]:
    """Return the brokers of each cluster."""
    found: dict[str, tuple[Component, ...]] = {}
    for each in components:
        if each.kind == "broker":
            found[each.cluster] = (*found.get(each.cluster, ()), each)
    return found


def bootstrap(members: Sequence[Component]) -> str:
    """Return the addresses of a cluster's brokers, as clients take them."""
    return ",".join(each.address for each in members)


def config_text(components: Sequence[Component]) -> str:
    """Return the kafkalert configuration whose only context is the sandbox; its first cluster is the active one."""
    clusters = brokers(components)
    lines = ["# Written by `kafkalert sandbox up`, removed by `kafkalert sandbox down`.", 'context = "sandbox"', ""]
    for name, members in clusters.items():
        lines += [f"[clusters.{name}]", f'bootstrap = "{bootstrap(members)}"']
        lines += [f'connect = "{each.address}"' for each in components if each.name == f"mirror-{name}"]
        lines += [""]
    names = ", ".join(f'"{name}"' for name in clusters)
    replication = max(map(len, clusters.values()))
    if replication > 1:
        lines += ["[topics]", f"replication = {replication}", ""]
    if len(clusters) > 1:
        lines += ["[mirror]", f'refresh = "{format_duration(REFRESH)}"', ""]
    # The stages' tables lie with the brokers' data, from this file on, and go with it.
    lines += ["[engine]", 'state = "sandbox/tables"', ""]
    return "\n".join([*lines, "[contexts.sandbox]", f"clusters = [{names}]", ""])
