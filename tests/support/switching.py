"""Two clusters of one context without a mirror, and a control log that a test writes."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import time_ns
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition

from kafkalert.bus.clients import admin
from kafkalert.bus.control.event import Event, Mode, Step
from kafkalert.bus.control.log import ControlLog
from kafkalert.config.sections import Cluster
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.pipeline import Pipeline
from tests.support.reading import ENTRIES, Place, ends
from tests.support.running import beats


@dataclass
class Site(Pipeline):
    """One cluster's topics; the configuration names both clusters, dc1 first."""

    clusters: Mapping[str, str] = field(default_factory=dict)

    def config(self) -> Path:
        """The configuration's file."""
        path = self.folder / "kafkalert.toml"
        lines = [
            *(f"[clusters.{name}]\nbootstrap = {json.dumps(address)}" for name, address in self.clusters.items()),
            *("[contexts.test]", f"clusters = {json.dumps(list(self.clusters))}"),
            f"prefix = {json.dumps(self.prefix)}",
            *("[engine]", *(f"{name} = {json.dumps(value)}" for name, value in self.engine.items())),
        ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path


class Pair:
    """A bank on two clusters, `dc1` (home) and `dc2`, its tables filled on both."""

    def __init__(self, clusters: Mapping[str, str], prefix: str, folder: Path) -> None:
        self.sites = {name: Site(address, prefix, folder, clusters=clusters) for name, address in clusters.items()}
        self.dc1, self.dc2 = self.sites.values()
        for site in self.sites.values():
            site.make_topics().seed()
        self.log = ControlLog(
            [Cluster(name=name, bootstrap=address) for name, address in clusters.items()],
            self.dc1.topic("kafkalert.control"),
            home="dc1",
            by="test",
        )
        self.log.start()

    def end(self) -> None:
        """Leave nothing behind."""
        for site in self.sites.values():
            site.end()
        self.log.close()

    def write(
        self,
        log: str,
        event: Step,
        epoch: int,
        *,
        to: str = "dc2",
        mode: Mode = "planned",
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Write an event to a cluster's log."""
        source = "dc1" if to == "dc2" else "dc2"
        made = Event(
            epoch, f"attempt-{epoch}", event, mode, source, to, "test", time_ns() // 1_000_000, "", detail or {}
        )
        assert self.log.write(log, made, SECONDS)

    def prepare(self, epoch: int, *, to: str = "dc2", seconds: float = 60) -> None:
        """Begin a planned switch."""
        self.write("dc1" if to == "dc2" else "dc2", "PREPARE", epoch, to=to, detail={"timeoutSeconds": seconds})

    def await_state(self, state: str, *, pids: set[int], epoch: int | None = None, on: str = "dc1") -> None:
        """Wait until the newest heartbeats of these processes say so, on the status topic of a cluster."""
        newest: dict[int, dict[str, Any]] = {}

        def so() -> bool:
            newest.update({one["pid"]: one for one in beats(self.sites[on])})
            told = [newest.get(pid, {}) for pid in pids]
            return all(one.get("state") == state and epoch in {None, one["epoch"]} for one in told)

        assert wait_until(so, SECONDS, every=0.05), f"{newest}\n{self.dc1.said()}"

    def begin_at_ends(self, *, skip: Mapping[Place, list[list[int]]] | None = None) -> dict[str, Any]:
        """Have the group begin at the present ends of dc2; returns COMMIT's detail. `skip` lists ranges after that."""
        client = self.dc2.client()
        at = ends(client, self.dc2.places(ENTRIES))
        client.close()
        group = self.dc2.group()
        offsets = [TopicPartition(*place, end, "epoch=1") for place, end in at.items()]
        asked = admin(self.dc2.cluster)  # held: its answers come only while it lives
        (future,) = asked.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, offsets)]).values()
        future.result(SECONDS)
        ranges = skip or {}
        listed = {f"{place[0]}/{place[1]}": {"offset": end, "skip": ranges.get(place, [])} for place, end in at.items()}
        return {"groups": {group: listed}}


@contextmanager
def pairs(clusters: Mapping[str, str], prefix: str, folder: Path) -> Iterator[Callable[[], Pair]]:
    """Makes a pair, and ends it."""
    made: list[Pair] = []

    def pair() -> Pair:
        made.append(Pair(clusters, prefix, folder))
        return made[-1]

    yield pair
    for one in made:
        one.end()
