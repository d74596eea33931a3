"""The ledger against two real clusters and their mirror: what it says has crossed, and the positions that it finds."""

from collections.abc import Callable, Iterable, Mapping
from time import time

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from kafkalert.bus.connect.client import Connect
from kafkalert.bus.connect.flow import connector_name
from kafkalert.bus.records.partitions import Partition
from kafkalert.config.sections import Cluster
from kafkalert.ops.failover.positions.exact import ExactPosition
from kafkalert.ops.failover.positions.ledger import Ledger
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until

pytestmark = pytest.mark.two_clusters

TOPIC = "accountentry"
ROWS = "accounttocustomerids"
PARTITIONS = 2
GROUP = "test.readers"
SECONDS = 40.0


class Sites:
    """Two clusters, and what was written to each by number, as (partition, id)."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.clusters = {
            name: Cluster(name=name, bootstrap=sandbox.bootstrap(name), connect=sandbox.connect_url(name))
            for name in ("dc1", "dc2")
        }
        self.written: dict[str, list[tuple[int, str]]] = {"dc1": [], "dc2": []}
        for cluster in self.clusters.values():
            admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
            for done in admin.create_topics([NewTopic(one, PARTITIONS, 1) for one in (TOPIC, ROWS)]).values():
                done.result(30)

    def write(self, name: str, count: int, *, transaction: bool = False) -> None:
        """Records of two hours ago, written to one cluster itself; every seventh has no id of its own.

        With `transaction` each partition ends with its marker, and records lie before that nobody gets to see.
        """
        more = {"transactional.id": f"test-{name}"} if transaction else {}
        producer = Producer({"bootstrap.servers": self.clusters[name].bootstrap, "acks": "all", "linger.ms": 1, **more})
        if transaction:
            producer.init_transactions(30)
            producer.begin_transaction()
            for partition in range(PARTITIONS):
                producer.produce(TOPIC, b"never", partition=partition, headers={"ka-id": b"never"})
            producer.flush(30)
            producer.abort_transaction(30)
            producer.begin_transaction()
        for _ in range(count):
            number = len(self.written[name])
            record_id, partition = f"{name}-{number}", number % PARTITIONS
            headers: dict[str, str | bytes | None] = {} if number % 7 == 0 else {"ka-id": record_id.encode()}
            booked = int(1000 * (time() - 7200))
            producer.produce(TOPIC, record_id.encode(), partition=partition, headers=headers, timestamp=booked)
            self.written[name].append((partition, record_id))
        if transaction:
            producer.commit_transaction(30)
        assert producer.flush(30) == 0

    def read(self, name: str, ends: Mapping[Partition, int]) -> dict[int, list[tuple[int, str]]]:
        """By partition what a cluster holds before these ends: offset and id."""
        consumer = Consumer(
            {"bootstrap.servers": self.clusters[name].bootstrap, "group.id": "none", "enable.partition.eof": True}
        )
        consumer.assign([TopicPartition(*one, 0) for one in ends if one[0] == TOPIC])
        found: dict[int, list[tuple[int, str]]] = {number: [] for number in range(PARTITIONS)}
        over: set[int] = set()

        def complete() -> bool:
            for message in consumer.consume(1000, 0.2):
                number, offset = message.partition() or 0, message.offset() or 0
                if message.error() is None and offset < ends[TOPIC, number]:
                    found[number].append((offset, (message.value() or b"").decode()))
                if offset + (message.error() is None) >= ends[TOPIC, number]:
                    over.add(number)
            return len(over) == PARTITIONS

        assert wait_until(complete, SECONDS)
        consumer.close()
        return found

    def commit(self, offsets: Mapping[int, int]) -> dict[str, dict[Partition, int]]:
        """The group's commits on dc1."""
        consumer = Consumer({"bootstrap.servers": self.clusters["dc1"].bootstrap, "group.id": GROUP})
        consumer.commit(offsets=[TopicPartition(TOPIC, *one) for one in offsets.items()], asynchronous=False)
        consumer.close()
        return {GROUP: {(TOPIC, number): offset for number, offset in offsets.items()}}

    def stop(self, source: str) -> None:
        """The flow from `source` comes to stand; its tasks may carry something yet."""
        connect, name = self._flow(source)
        connect.stop(name)

        def stopped() -> bool:
            status = connect.status(name)
            return status is not None and status.state == "STOPPED" and not status.tasks

        assert wait_until(stopped, SECONDS, every=0.1)

    def resume(self, source: str, back: int) -> None:
        """It goes on, and repeats what it carried of the last so many offsets."""
        connect, name = self._flow(source)
        at = self.carried(source)
        connect.patch_offsets(name, source, {one: max(0, offset - back) for one, offset in at.items()})
        connect.resume(name)

    def carried(self, source: str) -> dict[Partition, int]:
        """The offset of the last record of each partition that the flow from `source` has confirmed."""
        connect, name = self._flow(source)
        assert wait_until(lambda: len(connect.offsets(name) or {}) >= PARTITIONS, SECONDS, every=0.1)
        return connect.offsets(name) or {}

    def _flow(self, source: str) -> tuple[Connect, str]:
        target = "dc2" if source == "dc1" else "dc1"
        return Connect(self.clusters[target]), connector_name(source, target)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterable[Sandbox]:
    """Two clusters and their mirror."""
    with Sandbox(tmp_path_factory.mktemp("ledger")) as one:
        one.up(2)
        yield one


def ledger_of(sites: Sites, topics: list[str], *, known: bool) -> Ledger:
    """A ledger from dc1 to dc2, which may be told what the flows have confirmed."""
    told = {name: {one: at + 1 for one, at in sites.carried(name).items()} for name in sites.written if known}
    clusters = sites.clusters["dc1"], sites.clusters["dc2"]
    return Ledger(*clusters, topics, crossed=told, compacted=[ROWS])


def crossed(ledger: Ledger, source: str) -> Callable[[], bool]:
    """Whether all that lies on `source` now has crossed."""
    ends = ledger.ends(source)
    return lambda: not ledger.uncrossed(source, ends)


def assumed(ledger: Ledger) -> bool:
    """Whether it did not read all that may not have crossed."""
    return any(ledger.window(name).assumed for name in ("dc1", "dc2"))


def stranded(sites: Sites, ledger: Ledger) -> bool:
    """Whether ledger and logs agree that some native records of dc1 have not crossed; one more is written first."""
    sites.write("dc1", 1)
    ends = ledger.ends("dc1")
    assert wait_until(lambda: not any(one.unread for one in ledger.uncrossed("dc1", ends).values()), SECONDS)
    told = sum(one.records for one in ledger.uncrossed("dc1", ends).values())
    there = sites.read("dc2", ledger.ends("dc2"))
    copies = {one for records in there.values() for _, one in records}
    return told == sum(one not in copies for _, one in sites.written["dc1"]) > 0


def test_what_was_not_processed_comes_once_on_the_other_cluster(sandbox: Sandbox) -> None:
    """Native records on both, flows that repeat, transactions, and a group that committed somewhere in the middle."""
    sites = Sites(sandbox)
    for _ in range(3):
        sites.write("dc1", 40)
        sites.write("dc2", 40)
    with ledger_of(sites, [TOPIC, ROWS], known=False) as before:
        before.start()
        assert not assumed(before)
        assert wait_until(crossed(before, "dc1"), SECONDS, every=0.05)
        assert wait_until(crossed(before, "dc2"), SECONDS, every=0.05)
    committed = sites.commit({0: 70, 1: 5})
    with ledger_of(sites, [TOPIC], known=True) as ledger:
        ledger.start(committed)
        assert not assumed(ledger)
        assert ledger.await_ready(SECONDS)
        sites.stop("dc1")
        sites.stop("dc2")
        sites.write("dc1", 30, transaction=True)
        sites.write("dc2", 30)
        assert wait_until(lambda: stranded(sites, ledger), SECONDS)
        for source in ("dc1", "dc2"):
            sites.resume(source, back=25)
        assert wait_until(crossed(ledger, "dc1"), SECONDS, every=0.05)
        assert wait_until(crossed(ledger, "dc2"), SECONDS, every=0.05)
        sites.stop("dc2")
        sites.write("dc1", 20, transaction=True)
        sites.write("dc2", 20)  # stays there, while the group goes
        assert wait_until(crossed(ledger, "dc1"), SECONDS, every=0.05)
        committed = sites.commit({0: 110, 1: 5})
        here, there = (sites.read(name, ledger.ends(name)) for name in ("dc1", "dc2"))
        positions = ledger.exact_positions(committed, SECONDS)[GROUP]
    with ledger_of(sites, [TOPIC], known=False) as unknowing:
        unknowing.start(committed)
        assert unknowing.await_ready(SECONDS)
        assert not assumed(unknowing)
        assert not unknowing.uncrossed("dc1", unknowing.ends("dc1"))
        assert unknowing.exact_positions(committed, SECONDS)[GROUP] == positions
    repeated = [len(found) - len({one for _, one in found}) for found in there.values()]
    assert min(repeated) > 0, "no flow repeated anything"
    assert any(one.skip for one in positions.values() if isinstance(one, ExactPosition))
    everything = [*sites.written["dc1"], *sites.written["dc2"]]
    for number in range(PARTITIONS):
        made = positions[TOPIC, number]
        assert isinstance(made, ExactPosition)
        done = {one for offset, one in here[number] if offset < committed[GROUP][TOPIC, number]}
        came = [
            one
            for offset, one in there[number]
            if offset >= made.offset and not any(first <= offset < last for first, last in made.skip)
        ]
        for name in sites.written:
            own = [one for partition, one in sites.written[name] if partition == number and one not in done]
            assert [one for one in came if one.startswith(name)] == own
        assert len(came) == len([one for partition, one in everything if partition == number]) - len(done)
