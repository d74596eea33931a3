"""Planned switches of a bank under load, by the installed command: nothing lost or repeated, no process restarted."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from confluent_kafka import Producer, TopicPartition

from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.data.rows import datum, debit, settings_row
from tests.support.reading import CODEC, ENTRIES, Place, ends
from tests.support.twin import NAMES, Site, Twin, twins

pytestmark = pytest.mark.two_clusters

RATE = 300
BACKLOG = 10_000


@pytest.fixture
def twin(sandbox2: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Callable[..., Twin]]:
    """Makes the test's own bank on both."""
    with twins(sandbox2, prefix, tmp_path) as make:
        yield make


class Partner(Thread):
    """Another system, which writes entries of its own account straight to one cluster, whatever goes on."""

    def __init__(self, site: Site, name: str) -> None:
        super().__init__(name=f"partner {name}", daemon=True)
        self._site = site
        self._account = f"NL{name}"
        self._halt = Event()

    @staticmethod
    def known(twin: Twin, name: str) -> None:
        """Its account, with somebody who wants to hear of every debit, in the tables of both clusters."""
        twin.dc1.authorise(f"NL{name}", [name])
        twin.dc1.put_settings(name, settings_row(name, f"NL{name}"))

    def run(self) -> None:
        """Write fifty a second."""
        number = 0
        while not self._halt.wait(0.02):
            self._site.book(debit(self._account, f"{self._account}-{number}"))
            number += 1

    def stop(self) -> None:
        """Write no more; all of it is on its cluster."""
        self._halt.set()
        self.join(SECONDS)
        self._site.flush()


class Auditor:
    """A consumer group of the context that stands still over switches, and has processed a part of what there is."""

    def __init__(self, twin: Twin, name: str = "audit") -> None:
        self._twin = twin
        self._name = f"kafkalert.{name}"
        self.group = twin.prefix + self._name
        self.done: list[str] = []

    def read(self, cluster: str, *, most: int | None = None) -> None:
        """Process what a cluster has from where the group stands, at most so many of each partition, and commit."""
        site = self._twin.sites[cluster]
        client = site.client(self._name)
        places = [TopicPartition(*one) for one in site.places(ENTRIES)]
        at = {(one.topic, one.partition): max(0, one.offset) for one in client.committed(places, timeout=SECONDS)}
        to = {one: min(end, at[one] + (most or end)) for one, end in ends(client, site.places(ENTRIES)).items()}
        client.assign([TopicPartition(*one, offset) for one, offset in at.items()])
        passed = self._passed_over()

        def complete() -> bool:
            for message in client.consume(5000, 0.05):
                place, offset = (str(message.topic()), int(message.partition() or 0)), int(message.offset() or 0)
                if at[place] <= offset < to[place]:
                    at[place] = offset + 1
                    if not any(first <= offset < last for first, last in passed.get(place, [])):
                        self.done.append(dict(message.headers() or [])["ka-id"].decode())  # type: ignore[union-attr]  # has one
            return at == to

        assert wait_until(complete, SECONDS, every=0), f"{at} {to}"
        client.commit(offsets=[TopicPartition(*one, offset) for one, offset in at.items()], asynchronous=False)
        client.close()

    def _passed_over(self) -> dict[Place, list[list[int]]]:
        """What the last switch says was processed before."""
        commit = self._twin.log.view().commit
        places = commit.detail["groups"].get(self.group, {}) if commit else {}
        return {(one.rpartition("/")[0], int(one.rpartition("/")[2])): cut["skip"] for one, cut in places.items()}


def test_back_and_forth_under_load(twin: Callable[..., Twin]) -> None:
    """Two round trips while bookings come in, while others write straight to either cluster, and over a backlog.

    The clocks of the processes lie half a minute apart.
    """
    bank = twin()
    for name in NAMES:
        Partner.known(bank, name)
    bank.dc1.flush()
    auditor = Auditor(bank)
    alertings = [bank.alerting(), bank.alerting(state="second", clock=-15)]
    bank.dc1.send(BACKLOG)
    bank.dc1.flush()
    auditor.read("dc1", most=BACKLOG // 8)
    bridge = bank.bridge(clock=15)
    running = [*alertings, bridge]
    bank.await_running(*running, on="dc1")
    pids = {one.pid for one in running}
    partners = [Partner(bank.sites[name], name) for name in NAMES]
    for partner in partners:
        partner.start()
    with bank.feed(RATE):
        for epoch, to in enumerate([*reversed(NAMES)] * 2, 1):
            told = bank.switch(to)
            assert told["epoch"] == epoch
            assert {one["running"] is not None for one in told["instances"]} == {True}
            assert told["loss"]["lost"] == told["loss"]["repeated"] == 0
    for partner in partners:
        partner.stop()
    bank.settled("dc1", 4, *running)
    bank.verify(*NAMES, least=BACKLOG // 4)
    auditor.read("dc1")
    assert sorted(auditor.done) == sorted(bank.sent)
    assert {one["pid"] for one in bank.beats.newest().values()} == pids
    assert bank.beats.newest()[bridge.pid]["time"] - bank.beats.newest()[alertings[1].pid]["time"] > 20_000
    for one in running:
        assert one.stop() == 0


def test_two_hops_and_a_rebalance_under_way(twin: Callable[..., Twin]) -> None:
    """Both topics of the group are cut, so nothing is lost between the hops; partitions change hands too."""
    bank = twin("two-hop")
    stays, bridge = bank.alerting(), bank.bridge()
    bank.await_running(stays, bridge, on="dc1")
    with bank.feed(RATE):
        assert wait_until(lambda: bank.alerts.pump() > RATE, SECONDS, every=0.1)
        joins = bank.alerting(state="joins")
        assert wait_until(lambda: joins.pid in bank.beats.newest(), SECONDS, every=0.02)  # and is about to join
        bank.switch("dc2")
        bank.await_running(stays, joins, bridge, on="dc2", epoch=1)
        bank.switch("dc1")
    bank.settled("dc1", 2, stays, joins, bridge)
    bank.verify(*NAMES, least=RATE)
    for one in (stays, joins, bridge):
        assert one.stop() == 0


def test_a_group_that_stands_still_is_carried_from_switch_to_switch(twin: Callable[..., Twin]) -> None:
    """What it had processed lies after what it had not, on the other cluster; two switches on it still holds."""
    bank = twin()
    auditors = [Auditor(bank, name) for name in ("first", "second")]
    bank.flow("dc1").stop()
    bank.dc1.send(200)
    bank.dc1.flush()
    for one in auditors:
        one.read("dc1")
    bank.dc2.send(200)
    bank.dc2.flush()
    bank.flow("dc1").resume()
    for one, to in zip(auditors, reversed(NAMES), strict=True):
        bank.switch(to)
        one.read(to)
        assert sorted(one.done) == sorted(bank.sent), to


def begun(site: Site, name: str) -> Producer:
    """Another system's transaction on a cluster, with an entry of an account that nobody knows in each partition."""
    producer = Producer({"bootstrap.servers": site.bootstrap, "transactional.id": f"{site.prefix}{name}"})
    producer.init_transactions(SECONDS)
    producer.begin_transaction()
    for topic, partition in site.places(ENTRIES):
        value = CODEC.encode("AccountEntry", datum(debit("NLunknown", f"{name}-{partition}")))
        key, headers = CODEC.encode("AccountId", {"id": "NLunknown"}), [("ka-id", f"{name}-{partition}".encode())]
        producer.produce(topic, value, key, partition=partition, headers=headers)  # type: ignore[arg-type]  # the library's type of headers is narrower than what it takes
    assert producer.flush(SECONDS) == 0
    return producer


def test_transactions_of_others_lose_and_repeat_nothing(twin: Callable[..., Twin]) -> None:
    """Open on the cluster that is gone to, and on the one that is left, which is waited for; and aborted ones."""
    bank = twin()
    alerting, bridge = bank.alerting(), bank.bridge()
    bank.await_running(alerting, bridge, on="dc1")
    begun(bank.dc2, "aborted").abort_transaction(SECONDS)
    with bank.feed(RATE):
        assert wait_until(lambda: bank.alerts.pump() > RATE, SECONDS, every=0.1)
        seen = bank.alerts.pump()
        there = begun(bank.dc2, "there")
        begun(bank.dc2, "aborted").abort_transaction(SECONDS)
        assert wait_until(lambda: bank.alerts.pump() > seen + RATE, SECONDS, every=0.1)
        told = bank.switch("dc2")
        assert told["loss"]["lost"] == told["loss"]["repeated"] == 0
        there.commit_transaction(SECONDS)
        bank.await_running(alerting, bridge, on="dc2", epoch=1)
        seen = bank.alerts.pump()
        assert wait_until(lambda: bank.alerts.pump() > seen + RATE, SECONDS, every=0.1)
        here = begun(bank.dc2, "here")
        refused = bank.command("failover", "--to", "dc1", "--yes", "--timeout", "5")
        assert refused.returncode == 1, refused.stderr
        assert "a transaction of another program is open in" in refused.stderr, "what waits behind it keeps its order"
        here.commit_transaction(SECONDS)
        told = bank.switch("dc1")
        assert told["loss"]["lost"] == told["loss"]["repeated"] == 0
    bank.settled("dc1", 3, alerting, bridge)
    bank.verify(*NAMES, least=RATE)
    for one in (alerting, bridge):
        assert one.stop() == 0
