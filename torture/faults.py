"""What breaks, for a while, and is mended: processes are killed or frozen, links are cut or hang, a disk is full."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Collection
from threading import Event
from time import monotonic

from kafkalert.sandbox.local import Sandbox
from tests.support.alerting import Alerting, workers
from torture.bank import Bank
from torture.journal import Journal
from torture.network import Network
from torture.plan import Step, site


class Stages:
    """The stages that run: two workers under a supervisor, a second machine's alerting, and a bridge."""

    def __init__(self, bank: Bank, network: Network, journal: Journal) -> None:
        self._bank = bank
        self._configs = {name: network.config(bank.path, name) for name in ("supervisor", "second", "bridge")}
        self._journal = journal
        self.running: dict[str, Alerting] = {}

    def ensure(self) -> None:
        """Start what is not there."""
        for name in ("supervisor", "second", "bridge"):
            one = self.running.get(name)
            if one is None or one.ended:
                self.running[name] = self._start(name)
                self._journal.say(f"started {name}, pid {self.running[name].pid}")

    def _start(self, name: str) -> Alerting:
        config = self._configs[name]
        if name == "bridge":
            return self._bank.bridge(config=config)
        if name == "second":
            return self._bank.alerting(state=name, config=config)
        return self._bank.alerting("--workers", "2", config=config)

    def pid(self, name: str, number: int) -> int | None:
        """The process of that name; `worker` is one of the supervisor's."""
        if name != "worker":
            one = self.running[name]
            return None if one.ended else one.pid
        supervisor = self.running["supervisor"]
        children = [] if supervisor.ended else workers(supervisor.pid)
        return children[number % len(children)] if children else None

    def killed(self, name: str) -> None:
        """Note that it was killed by us, and wait until it is gone."""
        if name != "worker":
            self.running[name].ended = True
            self.running[name].process.wait(30)

    def check(self) -> None:
        """Fail for each that ended by itself."""
        for name, one in self.running.items():
            if not one.ended and one.process.poll() is not None:
                self._journal.fail(f"{name} ended by itself with {one.process.returncode}; see {one.log.name}")
                one.ended = True

    def dump(self) -> None:
        """Have every process write where its threads are, which ends it."""
        for one in self.running.values():
            if not one.ended and one.process.poll() is None:
                for pid in (*workers(one.pid), one.pid):
                    _signal(pid, signal.SIGABRT)
                one.ended = True


class Faults:
    """Does and undoes faults."""

    def __init__(self, bank: Bank, sandbox: Sandbox, network: Network, stages: Stages, journal: Journal) -> None:
        self._bank = bank
        self._disk = bank.disk
        self._sandbox = sandbox
        self._network = network
        self._stages = stages
        self._journal = journal
        self.counts: Counter[str] = Counter()

    def run(self, steps: tuple[Step, ...], began: float, over: Event) -> None:
        """All of a leg, one after the other, each undone before the next; what is left when it is over is left out."""
        for step in steps:
            if over.wait(max(0.0, began + step.at - monotonic())):
                break
            if step.what == "fill":
                undo = self._full()
            elif step.what in {"cut", "hang"}:
                undo = [self.links(step.what, [self._link(name) for name in step.on])]
            else:
                # Brokers first: a Connect worker that is started beside a broker that is away gives up after a while.
                names = sorted(step.on, key=lambda name: name.startswith("mirror"))
                parts = [self._do(step, self._bank.cluster(name), name) for name in names]
                undo = [one for one in parts if one is not None]
            self.counts["faults" if undo else "faults left out"] += 1
            over.wait(step.seconds)
            for one in undo:
                one()

    def _do(self, step: Step, part: str, name: str) -> Callable[[], None] | None:
        """Do it to one part; returns what undoes it, None where there is nothing to do it to."""
        try:
            if name.rpartition("-")[2] in {"active", "passive"}:
                return self.component(part, step.what)
            return self._stage(name, step)
        except Exception as error:  # noqa: BLE001 - a fault that could not be done must not end the round
            self._journal.say(f"{step.what} {part}: not done, {error}")
            return None

    def _full(self) -> list[Callable[[], None]]:
        """The disk of the second machine's tables is full."""
        if not self._disk.there:
            self._journal.say("no disk of its own could be mounted")
            return []
        self._journal.say("the disk of second is full")
        self._disk.fill()

        def free() -> None:
            self._disk.free()
            self._journal.say("there is room again")

        return [free]

    def site(self, cluster: str, what: str) -> Callable[[], None]:
        """A cluster goes away, for all: its broker alone is killed or frozen, or no link ends or begins there."""
        if what in {"kill", "freeze"}:
            return self.component(cluster, what)
        which = "active" if cluster == self._bank.active else "passive"
        return self.links(what, [self._link(name) for name in site(which)])

    def _link(self, name: str) -> str:
        client, _, which = name.partition(">")
        return f"{client}>{self._bank.cluster(which)}"

    def links(self, what: str, names: Collection[str]) -> Callable[[], None]:
        """Links are cut or hang."""
        self._journal.say(f"{what} {' '.join(names)}")
        self._network.lose(names, silently=what == "hang")

        def heal() -> None:
            self._network.heal(names)
            self._journal.say(f"carries again: {' '.join(names)}")

        return heal

    def component(self, part: str, what: str) -> Callable[[], None]:
        """A broker or a Connect worker is killed or frozen."""
        self._journal.say(f"{what} {part}")
        if what == "kill":
            self._sandbox.kill(part)
            return lambda: self._mend(part, self._sandbox.start)
        self._sandbox.pause(part)
        return lambda: self._mend(part, self._sandbox.resume)

    def _mend(self, part: str, how: Callable[[str], object]) -> None:
        how(part)
        self._journal.say(f"{part} is back")

    def _stage(self, name: str, step: Step) -> Callable[[], None] | None:
        pid = self._stages.pid(name, step.number)
        if pid is None:
            return None
        self._journal.say(f"{step.what} {name}, pid {pid}")
        if step.what == "kill":
            _signal(pid, signal.SIGKILL)
            self._stages.killed(name)
            return self._stages.ensure
        _signal(pid, signal.SIGSTOP)

        def thaw() -> None:
            _signal(pid, signal.SIGCONT)
            self._journal.say(f"{name} goes on")

        return thaw


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
