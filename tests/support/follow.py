"""Topics of two clusters as they grow, read once and kept: alerts with the cluster that they were written to, beats."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from kafkalert.bus.clients import close_behind
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.pipeline import Pipeline
from tests.support.reading import OUTBOUND, STATUS, Output, Place, ends, output

AFTER_MS = 2000


class Followed:
    """All that topics of one cluster hold, from their beginnings; it needs no thread, `pump` takes what has come."""

    def __init__(self, site: Pipeline, *topics: str) -> None:
        self._client = site.client(enable_partition_eof=True)
        self._asking = site.client()  # its questions wait behind no fetch, as those of the other one would
        self._site, self._topics = site, topics
        self._places = set(site.places(*topics))
        self._ended: dict[Place, int] = {}
        self._client.assign([TopicPartition(*place, 0) for place in self._places])

    def pump(self) -> list[Message]:
        """What has come since the last call, also to partitions that the site knows only now."""
        if added := set(self._site.places(*self._topics)) - self._places:
            self._client.incremental_assign([TopicPartition(*place, 0) for place in added])
            self._places |= added
        found: list[Message] = []
        while some := self._client.consume(10_000, 0.005):
            for one in some:
                error = one.error()
                if error is None:
                    found.append(one)
                elif error.code() == KafkaError._PARTITION_EOF:
                    self._ended[str(one.topic()), int(one.partition() or 0)] = int(one.offset() or 0)
        return found

    def catch_up(self) -> list[Message]:
        """As `pump`, and no less than what the topics hold now. Fails where that cannot be read."""
        found = self.pump()
        wanted: dict[Place, int] = {}

        def whole() -> bool:
            try:
                wanted.update({} if wanted else ends(self._asking, sorted(self._places)))
            except KafkaException:
                return False
            found.extend(self.pump())
            return all(self._ended.get(place, -1) >= end for place, end in wanted.items())

        assert wait_until(whole, SECONDS, every=0), f"{self._topics}: not read to {wanted}"
        return found

    def close(self) -> None:
        """Read no more; not waited for, as the cluster may hang."""
        close_behind(self._client)
        close_behind(self._asking)


class Alert(NamedTuple):
    """An outbound record as it lies on a cluster; `native` where it was written there, and not carried by the mirror.

    `at`: ms, when it was handed to a producer.
    """

    cluster: str
    native: bool
    at: int
    output: Output


class Alerts:
    """The outbound topics of both clusters."""

    def __init__(self, sites: Mapping[str, Pipeline]) -> None:
        self._followed = {name: Followed(site, *OUTBOUND) for name, site in sites.items()}
        self.seen: list[Alert] = []
        self._ids: dict[str, set[str]] = defaultdict(set)
        self._native_records: set[str] = set()

    def pump(self, *, whole: bool = False) -> int:
        """Take what has come, or the whole that is there now; how many records that makes."""
        for name, followed in self._followed.items():
            for message in followed.catch_up() if whole else followed.pump():
                headers: dict[str, object] = dict(message.headers() or ())
                native = not any(header.startswith("ka-origin.") for header in headers)
                one = Alert(name, native, message.timestamp()[1], output(message))
                self.seen.append(one)
                self._ids[name].add(one.output.id)
                if native:
                    self._native_records.add(one.output.id)
        return len(self.seen)

    def missing(self, ids: Iterable[str]) -> set[str]:
        """Those of `ids` that nobody has written yet, to either cluster."""
        self.pump()
        return set(ids) - self._native_records

    def absent(self, cluster: str, ids: Iterable[str]) -> set[str]:
        """Those of `ids` that a cluster does not hold, written there or carried there."""
        self.pump()
        return set(ids) - self._ids[cluster]

    def native_records(self, cluster: str | None = None) -> list[Alert]:
        """What was written to a cluster, or to any, by time."""
        return sorted(
            (one for one in self.seen if one.native and cluster in {None, one.cluster}), key=lambda one: one.at
        )

    def written(self) -> Counter[str]:
        """How often each alert was written, by its id."""
        return Counter(one.output.id for one in self.seen if one.native)

    def flow_again(self, cluster: str, since: int) -> bool:
        """Whether alerts have been written to a cluster for two seconds, of those after `since` (ms)."""
        self.pump()
        there = [one.at for one in self.native_records(cluster) if one.at >= since]
        return bool(there) and there[-1] >= there[0] + AFTER_MS

    def pause(self, begin: int, cluster: str, since: int) -> float:
        """Seconds of the longest time without an alert anywhere, from `begin` until they flow again: see there."""
        end = next(one.at for one in self.native_records(cluster) if one.at >= since) + AFTER_MS
        times = [begin, *(one.at for one in self.native_records() if begin <= one.at <= end), end]
        return max(after - before for before, after in pairwise(times)) / 1000

    def close(self) -> None:
        """Read no more."""
        for one in self._followed.values():
            one.close()


class Beats:
    """The heartbeats on both clusters: the newest of each process, by its own clock."""

    def __init__(self, sites: Mapping[str, Pipeline]) -> None:
        self._followed = [Followed(site, STATUS) for site in sites.values()]
        self._newest: dict[int, dict[str, Any]] = {}
        self.all: list[dict[str, Any]] = []

    def newest(self) -> dict[int, dict[str, Any]]:
        """By pid."""
        for followed in self._followed:
            for message in followed.pump():
                beat = json.loads(message.value() or b"{}")
                self.all.append(beat)
                if beat["time"] >= self._newest.get(beat["pid"], {"time": 0})["time"]:
                    self._newest[beat["pid"]] = beat
        return self._newest

    def close(self) -> None:
        """Read no more."""
        for one in self._followed:
            one.close()
