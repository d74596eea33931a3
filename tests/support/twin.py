"""A bank on two real clusters with their mirror, as operators have it: `kafkalert` runs stages, and moves them."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import time_ns
from typing import Any

from kafkalert.bus.control.event import Event
from kafkalert.bus.control.log import ControlLog
from kafkalert.config.sections import Cluster
from kafkalert.model.ids import AlertId
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS, Alerting
from tests.support.data.load import asked
from tests.support.feeding import EntryFeed, Flow, book_lines, other_time
from tests.support.follow import Alerts, Beats
from tests.support.pipeline import Pipeline, Sent
from tests.support.reading import AUTHORISATIONS, SETTINGS, ends
from tests.support.running import COMMAND

NAMES = ("dc1", "dc2")
Done = subprocess.CompletedProcess[str]


@dataclass
class Site(Pipeline):
    """One cluster's side; the configuration is that of both."""

    path: Path = Path()

    def config(self) -> Path:
        """The configuration's file, which is written once: several processes read it at any time."""
        return self.path


@dataclass
class Twin:
    """dc1 (home) and dc2 below a prefix, mirrored by flows of its own. What is sent to either is known in `sent`.

    `mode` is that of its stages.
    """

    sandbox: Sandbox
    prefix: str
    folder: Path
    mode: str = "one-hop"
    sent: dict[str, Sent] = field(default_factory=dict)
    processes: list[Alerting] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True, parents=True)
        self.clusters = [
            Cluster(name=name, bootstrap=self.sandbox.bootstrap(name), connect=self.sandbox.connect_url(name))
            for name in NAMES
        ]
        self.path = self.config("kafkalert.toml")
        quick = {"commit_interval": "1s", "mode": self.mode}
        self.sites = {
            one.name: Site(
                one.bootstrap,
                self.prefix,
                self.folder,
                path=self.path,
                sent=self.sent,
                engine=quick,
            )
            for one in self.clusters
        }
        for site in self.sites.values():
            site.alertings = self.processes
        self.dc1, self.dc2 = self.sites.values()
        self.dc2.bookings = self.dc1.bookings  # one bank, whose entries have one series of ids
        self.file = self.folder / "entries.ndjson"
        self.file.touch()
        for site in self.sites.values():
            site.make_topics()
        self.log = ControlLog(self.clusters, self.dc1.topic("kafkalert.control"), home="dc1", by="test")
        self.log.start()
        self.alerts = Alerts(self.sites)
        self.beats = Beats(self.sites)

    def config(self, name: str, **bootstrap: str) -> Path:
        """A configuration's file; `bootstrap` of clusters that are somewhere else for who reads it."""
        lines: list[str] = []
        for one in self.clusters:
            lines += [f"[clusters.{one.name}]", f"bootstrap = {json.dumps(bootstrap.get(one.name, one.bootstrap))}"]
            lines += [f"connect = {json.dumps(one.connect)}"]
        lines += ["[mirror]", 'refresh = "1s"', "[contexts.test]", f"clusters = {json.dumps(NAMES)}"]
        lines += [
            f"prefix = {json.dumps(self.prefix)}",
            "[engine]",
            f"state = {json.dumps(str(self.folder / 'state'))}",
            f"mode = {json.dumps(self.mode)}",
        ]
        path = self.folder / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def mirror(self) -> None:
        """Have flows carry what is below the prefix, both ways, and wait until the tables are on both sides."""
        done = self.command("mirror", "apply", "--yes")
        assert done.returncode == 0, done.stderr
        self.dc1.seed()
        self.dc2.authorisations, self.dc2.settings = self.dc1.authorisations, self.dc1.settings
        for name in (AUTHORISATIONS, SETTINGS):
            assert wait_until(lambda one=name: self.held("dc1", one) == self.held("dc2", one), SECONDS, every=0.1)  # type: ignore[misc]  # bound now

    def flow(self, source: str) -> Flow:
        """The flow out of a cluster."""
        (target,) = (one for one in self.clusters if one.name != source)
        return Flow(target, source, self.prefix)

    def held(self, cluster: str, topic: str) -> int:
        """How many records a topic has on a cluster."""
        site = self.sites[cluster]
        client = site.client()
        try:
            return sum((asked(lambda: ends(client, site.places(topic))) or {}).values())
        finally:
            client.close()

    def alerting(self, *arguments: str, state: str = "", config: Path | None = None, clock: int = 0) -> Alerting:
        """Start `kafkalert run alerting`, with tables of its own where `state` names them.

        Its clock is so many seconds ahead.
        """
        return self._start("alerting", arguments, state, config, clock)

    def bridge(self, clock: int = 0, config: Path | None = None) -> Alerting:
        """Start `kafkalert run bridge`, which follows `file`; its clock is so many seconds ahead."""
        return self._start("bridge", ("--from", str(self.file), "--follow"), "", config, clock)

    def _start(self, stage: str, arguments: Sequence[str], state: str, config: Path | None, clock: int) -> Alerting:
        own = {"KAFKALERT_ENGINE__STATE": str(self.folder / f"state-{state}")} if state else {}
        if clock:
            own["PYTHONPATH"] = os.pathsep.join([str(other_time(self.folder, clock)), os.environ.get("PYTHONPATH", "")])
        log = self.folder / f"{stage}-{len(self.processes)}.log"
        one = Alerting(config or self.path, log, ("-v", *arguments), own, stage=stage)
        self.processes.append(one)
        return one

    def command(self, *arguments: str) -> Done:
        """A command to its end, as installed."""
        with self.begun(*arguments) as process:
            out, said = process.communicate(timeout=SECONDS)
        return Done(arguments, process.returncode, out, said)

    def begun(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command that has begun."""
        return subprocess.Popen(
            [str(COMMAND), "--config", str(self.path), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("KAFKALERT_")},
        )

    def switch(self, to: str, *more: str) -> dict[str, Any]:
        """`kafkalert failover --to NAME`, which has to succeed; what it says in JSON."""
        done = self.command("failover", "--to", to, "--yes", "-o", "json", *more)
        assert done.returncode == 0, f"{done.stderr}\n{done.stdout}\n{self.said()}"
        result: dict[str, Any] = json.loads(done.stdout)
        assert (result["active"], result["outcome"]) == (to, "switched")
        return result

    def book_lines(self, count: int, write: Callable[[str], object]) -> None:
        """Write the bank's next bookings as lines."""
        book_lines(self.dc1, count, write)

    @contextmanager
    def feed(self, per_second: int) -> Iterator[EntryFeed]:
        """Bookings come through the file for as long as the block takes."""
        one = EntryFeed(self.file, self.book_lines, per_second)
        one.start()
        try:
            yield one
        finally:
            one.stop()

    @property
    def wanted(self) -> set[AlertId]:
        """The alerts that everything sent so far has to raise."""
        return {alert for sent in list(self.sent.values()) for alert in sent.ids}

    def await_running(self, *processes: Alerting, on: str, epoch: int | None = None) -> None:
        """Wait until these say that they run there."""

        def so() -> bool:
            newest = self.beats.newest()
            for one in processes:
                one.check()
            told = [newest.get(one.pid, {}) for one in processes]
            return all(
                (one.get("state"), one.get("cluster")) == ("running", on) and epoch in {None, one["epoch"]}
                for one in told
            )

        assert wait_until(so, SECONDS, every=0.05), f"{self.beats.newest()}\n{self.said()}"

    def await_event(self, holds: Callable[[Event], bool]) -> Event:
        """Wait until an event that counts is as wanted, and return it."""
        found: list[Event] = []

        def so() -> bool:
            found[:] = [one for one in self.log.view().history if holds(one)]
            return bool(found)

        assert self.log.changed.wait_for(so, SECONDS), f"{self.log.view()}\n{self.said()}"
        return found[0]

    def await_alerts(self) -> None:
        """Wait until everything that has to was alerted, and has crossed where both clusters are there."""
        wanted = self.wanted
        assert wait_until(lambda: not self.alerts.missing(wanted), SECONDS, every=0.1), (
            f"{len(self.alerts.missing(wanted))} of {len(wanted)} alerts are missing\n{self.said()}"
        )

    def verify(self, *clusters: str, once: bool = True, least: int = 100) -> None:
        """Prove that every alert was written, and no other, to either cluster; each once where `once` says so.

        On each of `clusters` all of them lie, written there or carried there, in order per key, repeats equal.
        """
        self.await_alerts()
        wanted, written = self.wanted, self.alerts.written()
        assert written.keys() == wanted
        if once:
            repeated = {one: count for one, count in written.items() if count > 1}
            assert not repeated, f"{len(repeated)} of {len(wanted)} were written more than once\n{self.said()}"
        for name in clusters:
            arrived = wait_until(lambda one=name: not self.alerts.absent(one, wanted), SECONDS, every=0.1)  # type: ignore[misc]  # bound now
            assert arrived, f"{len(self.alerts.absent(name, wanted))} of {len(wanted)} never came to {name}"
            self.sites[name].verify(least=least)

    def settled(self, active: str, epoch: int, *running: Alerting) -> dict[str, Any]:
        """Prove that there is one active cluster, and all agree: the command, the log, and these by their beats."""
        self.await_running(*running, on=active, epoch=epoch)
        self.sites[active].await_processed()
        done = self.command("failover", "-o", "json")
        assert done.returncode in (0, 3, 4), done.stderr  # 3 and 4 where the test has killed somebody
        shown: dict[str, Any] = json.loads(done.stdout)
        assert (shown["active"], shown["epoch"], shown["pending"]) == (active, epoch, None)
        alive = [one for one in shown["instances"] if one["presence"] == "alive"]
        assert {(one["cluster"], one["epoch"]) for one in alive} == {(active, epoch)}
        assert len(alive) == len(running)
        assert {one["lag"] for one in shown["groups"] if one["members"]} <= {0}
        view = self.log.view()
        assert (view.active, view.epoch, view.pending) == (active, epoch, None)
        return shown

    def pause(self, begun: int, epoch: int) -> float:
        """Seconds without an alert from anybody around a planned switch that was asked for at `begun` (ms).

        To be called while bookings come: it looks until two seconds after the first alert on the other cluster.
        """
        commit = self.await_event(lambda one: (one.epoch, one.event) == (epoch, "COMMIT"))
        assert wait_until(lambda: self.alerts.flow_again(commit.target, commit.at), SECONDS, every=0.5), self.said()
        return self.alerts.pause(begun, commit.target, commit.at)

    def said(self) -> str:
        """The last that every process wrote to stderr."""
        return self.dc1.said()

    def end(self) -> None:
        """Leave no process and no flow."""
        for one in self.processes:
            one.kill()
        self.log.close()
        self.alerts.close()
        self.beats.close()
        for name in NAMES:
            self.flow(name).delete()


def now_ms() -> int:
    """The time, as records have it."""
    return time_ns() // 1_000_000


@contextmanager
def twins(sandbox: Sandbox, prefix: str, folder: Path) -> Iterator[Callable[..., Twin]]:
    """Makes a twin (its `mode` may be given), mirrored and with its tables filled, and ends it."""
    made: list[Twin] = []

    def twin(mode: str = "one-hop") -> Twin:
        made.append(Twin(sandbox, prefix, folder, mode))
        made[-1].mirror()
        return made[-1]

    try:
        yield twin
    finally:
        for one in made:
            one.end()
