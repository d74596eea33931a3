"""`lag` beside Kafka's own tool on a real broker, and what groups that move are called."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType

from kafkalert.bus import clients
from kafkalert.bus.records.mark_reader import Places
from kafkalert.errors import UsageError
from kafkalert.ops.failover.positions.groups import Groups
from kafkalert.ops.lag.movement import Trend, Verdict
from kafkalert.ops.lag.picture import PartitionLag, Snapshot
from kafkalert.ops.lag.watching import Watching
from kafkalert.sandbox.kafka.jars import classpath
from kafkalert.sandbox.kafka.java import find_java
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.groups import put
from tests.support.tailing import SECONDS, Board

pytestmark = pytest.mark.one_cluster

OLD_MS = 90_000
Where = tuple[str, str, int]


class Lagging(Board):
    """Topics and groups of a test: the group of a topic is called as the topic is."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        super().__init__(bootstrap, prefix)
        self.groups = Groups(self.settings, self.cluster)

    def group(self, name: str) -> str:
        """What the group of a topic is called."""
        return self.settings.group(name)

    def fill(self, name: str, count: int, **more: object) -> None:
        """Write so many records to partition 0, which are old."""
        for number in range(count):
            given = {"partition": 0, "timestamp": time.time_ns() // 1_000_000 - OLD_MS, "key": b"", "value": b"v"}
            self._producer.produce(self.settings.topic(name), **(given | {"headers": {"n": str(number)}} | more))
        self.flush()

    def commit(self, name: str, offset: int) -> None:
        """Have a group without members be there."""
        put(self.groups, self.group(name), {(self.settings.topic(name), 0): offset})

    def cut(self, name: str, offset: int) -> None:
        """Delete what lies before."""
        place = TopicPartition(self.settings.topic(name), 0, offset)
        self.admin.delete_records([place])[place].result(SECONDS)

    def compact(self, name: str) -> None:
        """Fill a compacted topic: ten records of a key and one of another, of which two are left."""
        config = {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.0"}
        topic = self.settings.topic(name)
        self.admin.create_topics([NewTopic(topic, 1, 1, config=config)])[topic].result(SECONDS)
        quick = ConfigEntry("log.cleaner.backoff.ms", "100", incremental_operation=AlterConfigOpType.SET)
        number = str(min(self.admin.list_topics(timeout=SECONDS).brokers))
        broker = ConfigResource(ResourceType.BROKER, number, incremental_configs=[quick])
        self.admin.incremental_alter_configs([broker])[broker].result(SECONDS)
        self.fill(name, 10, key=b"a", timestamp=time.time_ns() // 1_000_000 - 1000)
        self.fill(name, 1, key=b"b", timestamp=time.time_ns() // 1_000_000)  # in another segment

        def offsets() -> list[int | None]:
            reader = clients.consumer(self.cluster, "test", enable_partition_eof=True)
            reader.assign([TopicPartition(topic, 0, 0)])
            read = iter(lambda: reader.poll(SECONDS), None)
            found = []
            for message in read:
                if message.error() is not None:
                    break
                found.append(message.offset())
            reader.close()
            return found

        assert wait_until(lambda: offsets() == [9, 10], SECONDS)

    def watching(self, name: str = "") -> Watching:
        """What `kafkalert lag` makes."""
        return Watching(self.settings, group=self.group(name) if name else "")

    def seen(self, name: str = "", seconds: float = 1.0) -> Snapshot:
        """What `kafkalert lag` finds."""
        with self.watching(name) as watching:
            return watching.once(seconds)

    def row(self, name: str, seconds: float = 1.0) -> PartitionLag:
        """The one partition that a group reads."""
        (row,) = self.seen(name, seconds).partitions
        return row

    def own_tool(self) -> dict[Where, tuple[int, int, int]]:
        """What `kafka-consumer-groups` prints of all groups: offset, end and lag."""
        java = [str(find_java()), "-cp", classpath(), "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"]
        words = ["--bootstrap-server", self.cluster.bootstrap, "--describe", "--all-groups"]
        done = subprocess.run([*java, *words], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        found = {}
        for line in done.stdout.splitlines():
            group, topic, *numbers = [*line.split(), "", ""][:6]
            if group.startswith(self.group("")) and numbers[1].isdigit():
                partition, offset, end, lag = map(int, numbers)
                found[group, topic, partition] = offset, end, lag
        return found


@pytest.fixture
def board(sandbox1: Sandbox, prefix: str) -> Lagging:
    return Lagging(sandbox1.bootstrap(), prefix)


def test_lag_is_that_of_kafkas_own_tool(board: Lagging) -> None:
    """In every partition; beside it, what really waits, and how old that is."""
    board.make("plain", "idle", "expired", "cut", "marker", "aborted", "apart", partitions=1)
    board.make("two", partitions=2)
    board.compact("compacted")
    for name in ("plain", "idle", "expired", "cut", "two"):
        board.fill(name, 10)
    board.transaction("marker", range(5), commit=True)
    board.transaction("aborted", range(5), commit=False)
    board.transaction("apart", range(5), commit=True)
    board.fill("apart", 2)
    board.transaction("apart", range(3), commit=False)
    committed = {"plain": 4, "idle": 10, "expired": 10, "cut": 3, "two": 10, "marker": 5, "aborted": 0}
    committed |= {"apart": 3, "compacted": 2}
    for name, offset in committed.items():
        board.commit(name, offset)
    board.cut("expired", 10)
    board.cut("cut", 6)
    found = board.seen()
    rows = {one.topic.removeprefix(board.settings.context.prefix): one for one in found.partitions if not one.partition}
    own = board.own_tool()
    assert own == {
        (one.group, one.topic, one.partition): (one.committed, one.end, one.lag)
        for one in found.partitions
        if one.committed is not None
    }
    assert len(own) == len(committed)
    assert [(one.topic, one.lag, one.records) for one in found.partitions if one.committed is None] == [
        (board.settings.topic("two"), None, 0)
    ]
    told = {name: (one.lag, one.records, one.verdict, one.counted) for name, one in rows.items()}
    assert told == {
        "plain": (6, 6, Verdict.STOPPED, True),
        "idle": (0, 0, Verdict.OK, True),
        "expired": (0, 0, Verdict.OK, True),
        "two": (0, 0, Verdict.OK, True),
        "cut": (7, 4, Verdict.STOPPED, True),
        "marker": (1, 0, Verdict.OK, True),
        "aborted": (6, 0, Verdict.OK, True),
        "apart": (9, 4, Verdict.STOPPED, True),
        "compacted": (9, 2, Verdict.STOPPED, True),
    }
    assert rows["cut"].gone == 3
    assert "3 records expired" in rows["cut"].why
    assert rows["marker"].seconds_behind == 0
    age = rows["plain"].seconds_behind
    assert age is not None
    assert OLD_MS / 1000 <= age < OLD_MS / 1000 + SECONDS
    apart = rows["apart"].seconds_behind
    assert apart is not None
    assert apart > age  # its first record is of another year
    assert found.verdict is Verdict.STOPPED
    assert {one.group: (one.lag, one.records) for one in found.groups}[board.group("apart")] == (9, 4)


@contextmanager
def committing(board: Lagging, name: str, step: Callable[[int], int]) -> Iterator[None]:
    """A program that commits ten times a second: the offset that `step` makes of the one before."""
    over, first = Event(), Event()
    group = {"bootstrap.servers": board.cluster.bootstrap, "group.id": board.group(name), "enable.auto.commit": False}

    def run() -> None:
        consumer = Consumer(group)
        offset = step(0)
        while True:
            consumer.commit(offsets=[TopicPartition(board.settings.topic(name), 0, offset)], asynchronous=False)
            first.set()
            if over.wait(0.1):
                break
            offset = step(offset)
        consumer.close()

    thread = Thread(target=run, daemon=True)
    thread.start()
    assert first.wait(SECONDS)
    try:
        yield
    finally:
        over.set()
        thread.join(SECONDS)


def test_groups_are_called_by_how_they_move(board: Lagging) -> None:
    """A lag of three may be worse than one of two thousand."""
    board.make("stalled", "moving", "back", partitions=1)
    board.fill("stalled", 3)
    board.fill("moving", 2100)
    board.fill("back", 10)
    with committing(board, "stalled", lambda _: 0), committing(board, "moving", lambda offset: offset + 1):
        stalled, moving = board.row("stalled"), board.row("moving")
    assert (stalled.verdict, stalled.records, stalled.rate_out) == (Verdict.STALLED, 3, 0)
    assert (moving.verdict, moving.trend) == (Verdict.OK, Trend.FALLING)
    assert not moving.counted  # more than is read to count it
    assert moving.lag == moving.records
    assert moving.rate_out is not None
    assert 1 < moving.rate_out < 15
    assert moving.catch_up_seconds is not None
    assert moving.catch_up_seconds > 100
    assert board.row("stalled").verdict is Verdict.STOPPED
    board.commit("back", 10)
    with board.watching("back") as watching:
        pictures = watching.follow(0.1)
        assert next(pictures).verdict is Verdict.OK
        board.commit("back", 4)
        back = next(pictures)
        assert (back.verdict, back.partitions[0].records) == (Verdict.REWOUND, 6)
        board.commit("back", 10)
        assert next(pictures).verdict is Verdict.OK


def test_an_open_transaction_is_named(board: Lagging) -> None:
    """The group has read all that can be read; who is in the way is what an operator has to find out."""
    board.make("open", partitions=1)
    board.fill("open", 2)
    board.commit("open", 2)
    own = {"bootstrap.servers": board.cluster.bootstrap, "transactional.id": board.settings.topic("open")}
    other = Producer(own)
    other.init_transactions(SECONDS)
    other.begin_transaction()
    other.produce(board.settings.topic("open"), b"v", partition=0)
    assert other.flush(SECONDS) == 0
    found = board.row("open")
    assert (found.verdict, found.lag, found.seconds_behind) == (Verdict.WARN, 1, None)
    assert "open from offset 2 on: `kafka-transactions.sh" in found.why
    other.abort_transaction(SECONDS)
    place = (board.settings.topic("open"), 0)
    assert wait_until(lambda: Places(board.cluster).ends([place])[place] == 4, SECONDS)
    after = board.row("open")
    assert (after.verdict, after.lag, after.records) == (Verdict.OK, 2, 0)


def test_filters_name_groups_and_topics_in_short(board: Lagging) -> None:
    """A stage's name will do for its group, and a topic's without the prefix; others are refused."""
    board.make("one", partitions=1)
    board.fill("one", 1)
    board.commit("one", 1)
    for name in ("one", "kafkalert.one", board.group("one")):
        with Watching(board.settings, group=name, topic="one") as watching:
            assert [one.group for one in watching.once(1).groups] == [board.group("one")]
    with Watching(board.settings, group="other") as watching, pytest.raises(UsageError, match="no group other"):
        watching.once(1)
    with Watching(board.settings, topic="other") as watching, pytest.raises(UsageError, match="reads other"):
        watching.once(1)
