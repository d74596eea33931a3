"""The sandbox: one or two real Kafka clusters on this machine, with their mirror."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from kafkalert.errors import KafkalertError, RefusedError
from kafkalert.sandbox import startup
from kafkalert.sandbox.guard import Guard
from kafkalert.sandbox.jars import classpath
from kafkalert.sandbox.java import find_java
from kafkalert.sandbox.process import Identity, send, state_of, wait_until
from kafkalert.sandbox.remains import alone, clear, config_file, data_folder, remove
from kafkalert.sandbox.state import Component, ComponentStatus, State, Status, config_text, write_private

OnProgress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is, and of how much (0 of 0: not known)."""


def _silent(_what: str, _done: int, _total: int) -> None:
    pass


class Sandbox:
    """Kafka clusters dc1 and dc2 with their mirror workers mirror-dc1 and mirror-dc2, kept in a folder.

    Every object on the same folder, in any process, is the same sandbox. Used as a context manager it is taken down at
    the block's end.
    """

    def __init__(self, folder: Path, *, env: Mapping[str, str] = os.environ) -> None:
        self.folder = folder.absolute()
        self._env = env
        self._guard: Guard | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def up(
        self,
        clusters: int = 1,
        *,
        ports: Sequence[int] = (),
        owned: bool = True,
        extra: Mapping[str, str] | None = None,
        on_progress: OnProgress = _silent,
    ) -> Status:
        """Start one cluster, or two and their mirror, and wait until they answer.

        An owned sandbox ends with this process, however that ends; one that is not stays until `down`. If this fails or
        is interrupted nothing stays in either case. `ports` are those of dc1, dc2, mirror-dc1, mirror-dc2; free ones
        are chosen for what is not given. `extra` are broker properties. A sandbox that is up already is left as it is,
        and stopped components of it are started. Raises KafkalertError with the reason if it cannot start, RefusedError
        if it is up with another number of clusters.
        """
        fresh = False
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with alone(self.folder) as lock:
                state = State.read(self.folder)
                if state is not None:
                    return self._complete(state, clusters, lock, on_progress)
                fresh = True
                clear(self.folder)
                self._guard = Guard(self.folder)
                self._begin(clusters, ports, dict(extra or {}), lock, on_progress)
        except BaseException:
            if fresh:
                self.down()
            raise
        if not owned:
            self._dismiss()
        return self.status()

    def down(self) -> bool:
        """End every process and remove all data; returns whether there was a sandbox. May be called again."""
        there = remove(self.folder)
        self._dismiss()
        return there

    def status(self) -> Status:
        """What each component is doing; no components if the sandbox is not up."""
        state = State.read(self.folder)
        return Status(self.folder, tuple(map(self._status, state.components if state else ())))

    def kill(self, name: str) -> None:
        """SIGKILL a component, as a crash would; returns once it is gone."""
        process = self._running(name)
        startup.stop(process, name)

    def pause(self, name: str) -> None:
        """SIGSTOP a component: it keeps its connections and answers nothing."""
        process = self._running(name)
        send(process, signal.SIGSTOP)
        wait_until(lambda: state_of(process) in {"T", "t", None}, 5)

    def resume(self, name: str) -> None:
        """SIGCONT a paused component."""
        send(self._running(name), signal.SIGCONT)

    def start(self, name: str) -> bool:
        """Start a component that was killed, on its old port with its old data, and wait until it answers.

        Returns False if it runs already.
        """
        state = self._state()
        component = state.component(name)
        with alone(self.folder) as lock:
            if state_of(self._process(name)):
                return False
            process = startup.run(self.folder, state, component, lock)
        startup.await_ready(self.folder, component, process)
        return True

    def bootstrap(self, name: str = "dc1") -> str:
        """host:port of a cluster's broker."""
        return self._of_kind(name, "broker").address

    def connect_url(self, cluster: str) -> str:
        """URL of the Connect worker beside a cluster, which hosts the flow into it."""
        return self._of_kind(f"mirror-{cluster}", "mirror").address

    def _begin(
        self, clusters: int, ports: Sequence[int], extra: Mapping[str, str], lock: int, on_progress: OnProgress
    ) -> None:
        if clusters not in {1, 2}:
            raise KafkalertError(f"A sandbox has one or two clusters, not {clusters}.")
        on_progress("finding Java", 0, 0)
        java = find_java(self._env)
        jars = classpath(self._env, on_jar=lambda done, total: on_progress("fetching Kafka", done, total))
        state = State(startup.plan(clusters, ports), str(java), jars, extra)
        for component in state.components:
            startup.prepare(self.folder, state, component)
        on_progress("formatting", 0, 0)
        brokers = [each for each in state.components if each.kind == "broker"]
        startup.format_all(self.folder, state, brokers, lock)
        self._start_all(state, state.components, lock, on_progress)
        if clusters > 1:
            on_progress("starting the mirror", 0, 0)
            startup.mirror_both_ways(state)
        state.write(self.folder)
        write_private(config_file(self.folder), config_text(state.components))

    def _start_all(self, state: State, components: Sequence[Component], lock: int, on_progress: OnProgress) -> None:
        running = [(each, startup.run(self.folder, state, each, lock)) for each in components]
        for done, (component, process) in enumerate(running):
            on_progress(f"starting {component.name}", done, len(running))
            startup.await_ready(self.folder, component, process)

    def _complete(self, state: State, clusters: int, lock: int, on_progress: OnProgress) -> Status:
        if len(state.clusters) != clusters:
            raise RefusedError(
                f"The sandbox in {self.folder} is up with {len(state.clusters)} cluster(s), not {clusters}.",
                hint="Run: kafkalert sandbox down",
            )
        stopped = [each for each in state.components if state_of(self._process(each.name)) is None]
        self._start_all(state, stopped, lock, on_progress)
        return self.status()

    def _dismiss(self) -> None:
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None

    def _state(self) -> State:
        state = State.read(self.folder)
        if state is None:
            raise KafkalertError(f"No sandbox is up in {self.folder}.", hint="Run: kafkalert sandbox up")
        return state

    def _process(self, name: str) -> Identity | None:
        return Identity.read(data_folder(self.folder) / name / "pid")

    def _running(self, name: str) -> Identity:
        self._state().component(name)
        process = self._process(name)
        if process is None or state_of(process) is None:
            raise KafkalertError(f"{name} is not running.", hint=f"Run: kafkalert sandbox start {name}")
        return process

    def _of_kind(self, name: str, kind: str) -> Component:
        component = self._state().component(name)
        if component.kind != kind:
            raise KafkalertError(f"{name} is no {kind}.")
        return component

    def _status(self, component: Component) -> ComponentStatus:
        process = self._process(component.name)
        letter = state_of(process)
        state = "stopped" if letter is None else "paused" if letter in "Tt" else "running"
        pid = process.pid if process and letter else None
        return ComponentStatus(component.name, component.kind, state, component.address, pid)  # type: ignore[arg-type]
