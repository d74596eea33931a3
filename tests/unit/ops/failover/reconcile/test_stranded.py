"""What is looked for when a cluster returns, on two clusters that are lists of records."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from unittest.mock import patch

import pytest
from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st

from kafkalert.bus.connect.client import Connect
from kafkalert.bus.connect.flow import flows
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.engine.clock import SystemClock
from kafkalert.ops.failover.reconcile import stranded, tail
from kafkalert.ops.failover.reconcile.result import Stranded
from kafkalert.ops.failover.reconcile.rows import Key, Row
from kafkalert.ops.failover.reconcile.stranded import Found
from kafkalert.ops.failover.reconcile.tail import Tail

SETTINGS = Settings(
    context=Context(clusters=("dc1", "dc2")),
    clusters={name: Cluster(name=name, bootstrap="a:1", connect="http://127.0.0.1:1") for name in ("dc1", "dc2")},
)
ENTRIES, OTHER = ("accountentry", 0), ("accountentry", 1)
HOP = ("customeraccountentry", 0)
MAILS = ("outboundemailmessage", 0)


@dataclass
class Sites:
    """Both clusters' records by partition, None for what has expired; what the flow out of dc1 has confirmed."""

    logs: dict[str, dict[Partition, list[Message | None]]] = field(default_factory=lambda: {"dc1": {}, "dc2": {}})
    confirmed: dict[Partition, int] = field(default_factory=dict)
    unread: dict[Partition, int] = field(default_factory=dict)

    def write(self, cluster: str, one: Partition, name: str, time: int = 1000, *, mark: str = "") -> None:
        """A record at the end, perhaps marked as a copy from another cluster."""
        log = self.logs[cluster].setdefault(one, [])
        headers: list[tuple[str, bytes | None]] = [
            ("ka-id", name.encode()),
            *([(f"ka-origin.{mark}", None)] * bool(mark)),
        ]
        made: Any = {"offset": len(log), "headers": headers, "key": b"k", "value": b"v", "timestamp": (1, time)}
        log.append(Message(**made))

    def expire(self, cluster: str, one: Partition, count: int) -> None:
        """The first records are gone."""
        self.logs[cluster][one][:count] = [None] * count

    def stand(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where clusters and workers are asked."""
        monkeypatch.setattr(stranded, "Places", lambda cluster: FakePlaces(self.logs[cluster.name]))
        monkeypatch.setattr(stranded, "read", self.read)
        monkeypatch.setattr(tail, "_unread", lambda *_: self.unread)
        monkeypatch.setattr(Connect, "offsets", lambda *_: self.confirmed)

    def tail(self, monkeypatch: pytest.MonkeyPatch, settings: Settings = SETTINGS) -> Tail:
        """What is stranded on dc1."""
        self.stand(monkeypatch)
        topics = list(dict.fromkeys(topic for log in self.logs.values() for topic, _ in log))
        return Tail(settings, flows(settings)[0], topics, SystemClock(), lambda _: None)

    def read(
        self, cluster: Cluster, _: str, first: Mapping[Partition, int], ends: Mapping[Partition, int], *__: object
    ) -> Iterator[list[tuple[Partition, Message]]]:
        """As `reading.read`."""
        for one, at in first.items():
            yield [(one, message) for message in self.logs[cluster.name][one][at : ends[one]] if message is not None]


@dataclass
class FakePlaces:
    """Stands for `Places` of one cluster."""

    logs: dict[Partition, list[Message | None]]

    def partitions(self, topics: Iterable[str]) -> list[Partition]:
        """All."""
        return [one for one in self.logs if one[0] in topics]

    def starts(self, asked: Iterable[Partition]) -> dict[Partition, int]:
        """Behind what has expired."""
        return {one: sum(message is None for message in self.logs[one]) for one in asked}

    def ends(self, asked: Iterable[Partition]) -> dict[Partition, int]:
        """Behind all."""
        return {one: len(self.logs[one]) for one in asked}

    def since(self, times: Mapping[Partition, int]) -> dict[Partition, int]:
        """The first of that time or later."""
        found: dict[Partition, int] = {}
        for one, time in times.items():
            late = [at for at, message in enumerate(self.logs[one]) if message and message.timestamp()[1] >= time]
            found |= {one: late[0]} if late else {}
        return found


def test_copies_of_what_has_expired_are_named_and_not_carried_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """dc2's log begins with an entry that its producer dated before one that is gone."""
    sites = Sites()
    for name, time in (("e1", 1000), ("e2", 1010), ("e3", 1005), ("e4", 1020)):
        sites.write("dc2", ENTRIES, name, time)
        sites.write("dc1", ENTRIES, name, time, mark="dc2")
    sites.expire("dc2", ENTRIES, 2)
    (found,) = sites.tail(monkeypatch).stranded()
    assert found == Stranded(
        "accountentry", "records", 0, 0, None, None, source="dc1", doubtful=2, doubtful_at="accountentry[0] at 0"
    )


@pytest.mark.parametrize(("mode", "processed"), [("one-hop", {"accountentry"}), ("two-hop", {"accountentry", HOP[0]})])
def test_what_is_marked_as_a_copy_is_looked_at_only_where_stages_would_process_it(
    monkeypatch: pytest.MonkeyPatch, mode: str, processed: set[str]
) -> None:
    """What was written to the cluster in use has crossed, and would be held for nothing; native records always are."""
    sites = Sites()
    for one in (ENTRIES, HOP, MAILS):
        sites.write("dc2", one, f"new {one[0]}")
        sites.write("dc1", one, f"new {one[0]}", mark="dc2")
        sites.write("dc1", one, f"faulty {one[0]}", mark="dc2")
    sites.write("dc1", MAILS, "native")
    made = Settings.model_validate({**SETTINGS.model_dump(), "engine": {"mode": mode}})
    found = {one.topic: (one.carry, one.marked) for one in sites.tail(monkeypatch, made).stranded()}
    assert found == dict.fromkeys(processed, (1, 1)) | {MAILS[0]: (1, 0)}


def test_of_what_is_marked_as_a_copy_only_so_much_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """An equal share of each partition, the first of it; how much was not looked for is said."""
    monkeypatch.setattr(stranded, "MARKED", 5)
    sites = Sites()
    for one in (ENTRIES, OTHER):
        sites.write("dc2", one, "here")
        for name in ("here", "faulty", "late", "later"):
            sites.write("dc1", one, name, mark="dc2")
        sites.write("dc1", one, "native")
    (found,) = sites.tail(monkeypatch).stranded()
    assert (found.carry, found.marked, found.marked_at, found.unseen) == (4, 2, "accountentry[0] at 1", 4)


def test_what_is_not_held_still_tells_where_the_other_cluster_s_log_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a log that begins with an old time would be taken for a whole one, and what expired be carried back."""
    monkeypatch.setattr(stranded, "MARKED", 2)
    sites = Sites()
    for name, time in (("e1", 10**7), ("e2", 10**7), ("e3", 1), ("e4", 10**7)):
        sites.write("dc2", ENTRIES, name, time)
        sites.write("dc1", ENTRIES, name, time, mark="dc2")
    sites.expire("dc2", ENTRIES, 2)
    (found,) = sites.tail(monkeypatch).stranded()
    assert (found.carry, found.doubtful, found.unseen) == (0, 2, 2)


@given(st.lists(st.integers(1, 3), max_size=9), st.sets(st.integers(0, 30), min_size=2))
def test_what_is_gone_is_left_out_and_each_key_asked_once(rows: list[int], gone: set[int]) -> None:
    """However many offsets are gone: a hundred thousand, of as many keys, took three quarters of an hour."""
    offsets = iter(range(sum(rows)))
    keys = {}
    for name, count in enumerate(rows):
        keys[bytes([name])] = key = Key()
        for offset in islice(offsets, count):
            key.on_old(Row(offset, offset, 0, native=True, deletes=False), 100)
    found = Found({ENTRIES: 0}, {ENTRIES: 100}, tables={ENTRIES: keys})
    with patch.object(Key, "lost", autospec=True, side_effect=Key.lost) as asked:
        found.lose({ENTRIES: sorted(gone)})
    assert found.to_carry(ENTRIES) == [offset for offset in range(sum(rows)) if offset not in gone]
    assert asked.call_count == len(rows)
