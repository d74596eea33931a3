"""The sandbox: one or two real Kafka clusters on this machine, of one or three brokers, with their mirror."""

import contextlib
import os
import signal
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from kafkalert.config.private_files import own_folder
from kafkalert.errors import KafkalertError, RefusedError
from kafkalert.sandbox import logs, startup
from kafkalert.sandbox.cleanup import alone, clear, config_file, data_folder, end, identity_file, remove
from kafkalert.sandbox.guard import Guard
from kafkalert.sandbox.kafka.broker import QUICK
from kafkalert.sandbox.kafka.jars import classpath
from kafkalert.sandbox.kafka.java import find_java
from kafkalert.sandbox.process import Identity, kill, recorded, send, state_of, wait_until
from kafkalert.sandbox.state import (
    Component,
    Kind,
    State,
    Status,
    bootstrap,
    config_text,
    status_of,
    write_private,
)

OnProgress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is, and of how much (0 of 0: not known)."""


def _silent(_what: str, _done: int, _total: int) -> None:
    pass


class Sandbox:
    """Kafka clusters dc1 and dc2 with their mirror workers mirror-dc1 and mirror-dc2, kept in a folder.

    The broker of a cluster has its name; of three, dc1-1, dc1-2 and dc1-3.
    Every object on the same folder, in any process, is the same sandbox. Used as a context manager it is taken down at
    the block's end. Methods that take a component's name raise KafkalertError if the sandbox is not up or has no such
    component.
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
        brokers: int = 1,
        ports: Sequence[int] = (),
        owned: bool = True,
        full_speed: bool = False,
        extra: Mapping[str, str] | None = None,
        on_progress: OnProgress = _silent,
    ) -> Status:
        """Start one cluster, or two and their mirror, and wait until they answer.

        Args:
            clusters: 1 or 2.
            brokers: of each cluster, 1 or 3.
            ports: of the brokers of dc1 and dc2, then of mirror-dc1 and mirror-dc2, as far as they reach; free ones are
                chosen for the others.
            owned: the sandbox ends with this process, however that ends; otherwise it stays until `down`.
            full_speed: for a long life or a benchmark: up 1.5 s later, and with three times the requests per second
                once it is warm.
            extra: properties of the brokers.
            on_progress: told what is going on.

        If this fails or is interrupted, nothing stays. A sandbox that is up already is left as it is, but what is
        stopped of it is started.

        Raises:
            KafkalertError: it cannot start; the sentence has the reason.
            RefusedError: it is up with another number of clusters or brokers.
        """
        identity = uuid.uuid4().hex
        guard = Guard(self.folder, identity)  # before there is anything that a kill could leave
        fresh: bool | None = None  # not known before the lock is held
        try:
            with self._kept():
                own_folder(self.folder)
                with alone(self.folder) as lock:
                    state = State.read(self.folder)
                    fresh = state is None
                    if state is not None:
                        self._complete(state, clusters, brokers, lock, on_progress)
                    else:
                        clear(self.folder)
                        own_folder(data_folder(self.folder))
                        write_private(identity_file(self.folder), identity)
                        state = self._choose(extra or {}, () if full_speed else QUICK, on_progress)
                        self._begin(state, lambda: startup.plan(clusters, ports, brokers), lock, on_progress)
        except BaseException:
            if fresh is None:  # perhaps there is nothing but the lock's file; the guard leaves alone what is not ours
                guard.call()
                raise
            if fresh:
                self.down()
            guard.dismiss()
            raise
        if fresh and owned:
            self._guard = guard
        else:
            guard.dismiss()
        return self.status()

    def down(self) -> bool:
        """End every process and remove all data; returns whether there was a sandbox. May be called again."""
        there = remove(self.folder)
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None
        return there

    def status(self) -> Status:
        """Return what each component is doing; no components if the sandbox is not up."""
        state = State.read(self.folder)
        return Status(
            self.folder,
            tuple(status_of(each, self._process(each.name)) for each in (state.components if state else ())),
        )

    def kill(self, name: str) -> None:
        """SIGKILL a component, as a crash would; returns once it is gone. Its port and data stay for `start`."""
        process = self._running(name)
        if not kill(process):
            raise KafkalertError(
                f"{name} does not end (pid {process.pid}).", hint="Look at it with ps; it may wait for a disk."
            )

    def pause(self, name: str) -> None:
        """SIGSTOP a component: it keeps its connections and answers nothing."""
        process = self._running(name)
        send(process, signal.SIGSTOP)
        wait_until(lambda: state_of(process) in {"T", None}, 5)

    def resume(self, name: str) -> None:
        """SIGCONT a paused component, and wait until a broker answers: it may have to join its cluster again first.

        A broker that cannot answer yet, see `can_answer`, is not waited for.
        """
        process = self._running(name)
        component = self._state().component(name)
        send(process, signal.SIGCONT)
        if component.kind == "broker":
            self._await_ready(component, process)
        else:  # which answers no sooner than the broker beside it does
            wait_until(lambda: state_of(process) != "T", 5)

    def start(self, name: str) -> bool:
        """Start a component that was killed, on its old port with its old data, and wait until it answers.

        A broker that cannot answer yet, see `can_answer`, is not waited for.
        Returns False if it runs already. Raises KafkalertError if it is paused, or does not start.
        """
        state = self._state()
        component = state.component(name)
        with alone(self.folder) as lock:
            letter = state_of(self._process(name))
            if letter == "T":
                raise KafkalertError(f"{name} is paused.", hint=f"Run: kafkalert sandbox resume {name}")
            if letter:
                return False
            process = startup.run(self.folder, self._afresh(state), component, lock)
        self._await_ready(component, process)
        return True

    def can_answer(self, name: str) -> bool:
        """Whether enough brokers of the component's cluster run: a broker without a majority has no controller."""
        state = self._state()
        members = state.brokers(state.component(name).cluster)
        running = [each for each in members if state_of(self._process(each.name)) not in {None, "T"}]
        return 2 * len(running) > len(members)

    def _await_ready(self, component: Component, process: Identity) -> None:
        if component.kind == "mirror" or self.can_answer(component.name):
            startup.await_ready(self.folder, component, process)

    def bootstrap(self, name: str = "dc1") -> str:
        """host:port of a cluster's broker, of all three, or of one of them."""
        return bootstrap(self._state().brokers(name)) or self._of_kind(name, "broker").address

    def connect_url(self, cluster: str) -> str:
        """URL of the Connect worker beside a cluster, which hosts the flow into it."""
        return self._of_kind(f"mirror-{cluster}", "mirror").address

    def logs(self, name: str | None = None, *, last: int | None = None, follow: bool = False) -> Iterator[logs.LogLine]:
        """Yield what a component logged, or each of them; with `follow` also what comes until the sandbox is down."""
        state = self._state()
        chosen = state.components if name is None else (state.component(name),)
        files = {each.name: data_folder(self.folder) / each.name / "log" for each in chosen}
        return logs.read(files, last=last, follow=follow)

    def _afresh(self, state: State) -> State:
        """`state` with the Java and the jars that are found now: what a file says is no reason to run a program."""
        jvm = tuple(flag for flag in state.jvm if flag in QUICK)
        for component in state.components:
            startup.write_logging(self.folder, component)
        return replace(state, java=str(find_java(self._env)), classpath=classpath(self._env), jvm=jvm)

    def _choose(self, extra: Mapping[str, str], jvm: Sequence[str], on_progress: OnProgress) -> State:
        """Return a state without components: with what they are to be run."""
        startup.demand_room(self.folder)
        on_progress("finding Java", 0, 0)
        java = find_java(self._env)
        jars = classpath(self._env, on_jar=lambda done, total: on_progress("fetching Kafka", done, total))
        return State((), str(java), jars, dict(extra), tuple(jvm))

    def _begin(
        self, chosen: State, plan: Callable[[], tuple[Component, ...]], lock: int, on_progress: OnProgress
    ) -> None:
        """Start everything, with other ports if somebody is quicker to take one."""
        for is_last in (False, False, True):
            end(self.folder)
            state = chosen.having(plan())
            try:
                self._start_fresh(state, lock, on_progress)
            except startup.PortTakenError:
                if is_last:
                    raise
            else:
                return

    def _start_fresh(self, state: State, lock: int, on_progress: OnProgress) -> None:
        for component in state.components:
            startup.prepare(self.folder, state, component)
        on_progress("formatting", 0, 0)
        brokers = [each for each in state.components if each.kind == "broker"]
        startup.format_all(self.folder, state, brokers, lock)
        self._start_all(state, state.components, lock, on_progress)
        if len(state.clusters) > 1:
            on_progress("starting the mirror", 0, 0)
            startup.mirror_both_ways(self.folder, state)
        write_private(config_file(self.folder), config_text(state.components))
        state.write(self.folder)

    def _start_all(self, state: State, components: Sequence[Component], lock: int, on_progress: OnProgress) -> None:
        running = [(each, startup.run(self.folder, state, each, lock)) for each in components]
        for done, (component, process) in enumerate(running):
            on_progress(f"starting {component.name}", done, len(running))
            startup.await_ready(self.folder, component, process)

    def _complete(self, state: State, clusters: int, brokers: int, lock: int, on_progress: OnProgress) -> None:
        there = (len(state.clusters), len(state.brokers(state.clusters[0])))
        if there != (clusters, brokers):
            more = f" --brokers {there[1]}" if max(there[1], brokers) > 1 else ""
            raise RefusedError(
                f"The sandbox in {self.folder} is up with --clusters {there[0]}{more}.",
                hint="Run: kafkalert sandbox down",
            )
        stopped = [each for each in state.components if state_of(self._process(each.name)) is None]
        if stopped:
            self._start_all(self._afresh(state), stopped, lock, on_progress)

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise KafkalertError(
                f"The sandbox could not be kept in {self.folder}: {error.strerror or error}.",
                hint="Make room, or choose another folder with --folder.",
            ) from error

    def _state(self) -> State:
        state = State.read(self.folder)
        if state is None:
            raise KafkalertError(f"No sandbox is up in {self.folder}.", hint="Run: kafkalert sandbox up")
        return state

    def _process(self, name: str) -> Identity | None:
        return recorded(data_folder(self.folder) / name)

    def _running(self, name: str) -> Identity:
        self._state().component(name)
        process = self._process(name)
        if process is None or state_of(process) is None:
            raise KafkalertError(f"{name} is not running.", hint=f"Run: kafkalert sandbox start {name}")
        return process

    def _of_kind(self, name: str, kind: Kind) -> Component:
        component = self._state().component(name)
        if component.kind != kind:
            raise KafkalertError(f"{name} is no {kind}.")
        return component
