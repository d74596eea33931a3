"""A cluster of three brokers, of which one may be away: killed, frozen or restarted, it costs nothing.

The bridge follows a file and alerting reads what it sends, while bookings are added.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import KafkaException

from kafkalert.bus.clients import admin
from kafkalert.config.loading.load import load
from kafkalert.ops.failover.status.survey import look
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS, Alerting
from tests.support.data.load import Watch, asked, grows
from tests.support.feeding import EntryFeed, book_lines
from tests.support.pipeline import Pipeline
from tests.support.reading import ENTRIES, OUTBOUND, Output, ends

pytestmark = pytest.mark.one_cluster

NODES = (1, 2, 3)
RATE = 200


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Three brokers, all of which run between these tests."""
    with Sandbox(tmp_path_factory.mktemp("three")) as one:
        one.up(brokers=3)
        yield one


class Bank(Pipeline):
    """Topics with three replicas, alerting, and a bridge that follows a file."""

    def begin(self) -> None:
        """Make the topics, fill the tables, start both stages."""
        self.make_topics()
        self.seed()
        self.file = self.folder / "entries.ndjson"
        self.file.touch()
        self.watch = Watch(self)
        self.watch.start()
        self.stage = self.alerting()
        self.bridge = Alerting(
            self.config(), self.folder / "bridge.log", ("--from", str(self.file), "--follow"), {}, stage="bridge"
        )
        self.alertings.append(self.bridge)

    @contextmanager
    def feed(self) -> Iterator[None]:
        """Bookings for as long as the block takes, of which alerts come before it begins."""
        one = EntryFeed(self.file, lambda count, write: book_lines(self, count, write), RATE)
        one.start()
        try:
            self.go_on()
            yield
        finally:
            one.stop()

    def go_on(self) -> None:
        """Wait until alerts come."""
        assert wait_until(grows(self, RATE), SECONDS), self.said()

    def coordinator(self) -> int:
        """The broker that coordinates alerting's group."""
        client = admin(self.cluster)
        found: list[int] = []

        def told() -> bool:
            group = asked(lambda: client.describe_consumer_groups([self.group()])[self.group()].result(SECONDS))
            found[:] = [group.coordinator.id] if group is not None and group.coordinator is not None else []
            return bool(found)

        assert wait_until(told, SECONDS, every=0.1)
        return found[0]

    def led(self, node: int) -> set[str]:
        """The topics of which a broker leads partitions, without the prefix."""
        topics = admin(self.cluster).list_topics(timeout=SECONDS).topics
        return {
            name.removeprefix(self.prefix)
            for name, topic in topics.items()
            if any(one.leader == node for one in topic.partitions.values())
        }

    def lacks_replicas(self) -> bool:
        """Whether an operator is told that replicas are not in sync."""
        return any("have fewer replicas in sync" in note for note in look(load(self.config())).notes)

    def proven(self, least: int) -> list[Output]:
        """Prove that nothing was lost: each entry is there once, each alert, in order, none committed before it was."""
        client = self.client()

        def there() -> bool:
            return sum((asked(lambda: ends(client, self.places(ENTRIES))) or {}).values()) >= len(self.sent)

        assert wait_until(there, SECONDS, every=0.1), self.said()
        client.close()
        assert len(self.read(ENTRIES)) == len(self.sent)
        self.await_processed()
        outputs = self.verify(least=least)
        self.watch.verify(outputs)
        return outputs


@pytest.fixture
def bank(sandbox: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Bank]:
    """A bank on the three brokers."""
    one = Bank(sandbox.bootstrap(), prefix, tmp_path, replication=3, topics={"replication": 3})
    one.begin()
    yield one
    one.end()
    for node in NODES:
        await_in_sync(one, node)


def name_of(node: int) -> str:
    """As the sandbox names the broker."""
    return f"dc1-{node}"


def await_in_sync(bank: Bank, node: int) -> None:
    """Wait until every replica on a broker that has returned is in sync again, so that another may go."""
    client = admin(bank.cluster)

    def whole() -> bool:
        try:
            topics = client.list_topics(timeout=5).topics.values()
        except KafkaException:
            return False
        replicas = [one for topic in topics for one in topic.partitions.values() if node in one.replicas]
        return bool(replicas) and all(node in one.isrs for one in replicas)

    assert wait_until(whole, SECONDS, every=0.1), f"{name_of(node)} is not in sync"


def stop_in_order(sandbox: Sandbox, node: int) -> None:
    """SIGTERM: the broker hands over what it leads, and ends."""
    name = name_of(node)

    def pid() -> int | None:
        return next(one.pid for one in sandbox.status().components if one.name == name)

    running = pid()
    assert running is not None
    os.kill(running, signal.SIGTERM)
    assert wait_until(lambda: pid() is None, SECONDS)


def test_a_broker_dies_and_another_freezes(sandbox: Sandbox, bank: Bank) -> None:
    """Each coordinates alerting's group and leads partitions of its input; alerts go on to come while it is away."""
    with bank.feed():
        victim = bank.coordinator()
        assert {ENTRIES, *OUTBOUND} & bank.led(victim)
        assert not bank.lacks_replicas()
        sandbox.kill(name_of(victim))
        bank.go_on()
        assert wait_until(bank.lacks_replicas, SECONDS), "an operator is told of it"
        sandbox.start(name_of(victim))
        await_in_sync(bank, victim)
        frozen = bank.coordinator()
        assert frozen != victim
        sandbox.pause(name_of(frozen))
        bank.go_on()
        sandbox.resume(name_of(frozen))
        await_in_sync(bank, frozen)
        bank.go_on()
        bank.watch.await_commits(3)
    bank.proven(least=4 * RATE)


def test_a_rolling_restart_repeats_nothing(sandbox: Sandbox, bank: Bank) -> None:
    """All three stop in order and return, one after the other; so do both stages. Each alert comes once."""
    with bank.feed():
        for node in NODES:
            stop_in_order(sandbox, node)
            bank.go_on()
            sandbox.start(name_of(node))
            await_in_sync(bank, node)
        assert bank.stage.stop() == 0
        bank.stage = bank.alerting()
        bank.go_on()
        bank.watch.await_commits(3)
    outputs = bank.proven(least=4 * RATE)
    assert len(outputs) == len({one.id for one in outputs})
    assert [bank.stage.stop(), bank.bridge.stop()] == [0, 0]


def test_one_broker_of_three_is_waited_with(sandbox: Sandbox, bank: Bank) -> None:
    """With two dead nothing counts as written: both stages wait, say so, and go on when the two are back."""
    with bank.feed():
        last = bank.coordinator()
        dead = [node for node in NODES if node != last]
        for node in dead:
            sandbox.kill(name_of(node))
        bank.stage.await_said("has not answered for")
        bank.bridge.await_said("has not answered for")
        for node in dead:
            sandbox.start(name_of(node))
        bank.stage.await_said("answers again")
        bank.bridge.await_said("answers again")
        bank.go_on()
        bank.watch.await_commits(3)
    bank.proven(least=2 * RATE)
