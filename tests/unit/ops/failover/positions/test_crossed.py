"""What is read on the target of the old cluster's last minutes, from logs that a test makes up."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import msgspec
import pytest
from confluent_kafka import KafkaError, TopicPartition

from kafkalert.bus import clients
from kafkalert.bus.records import unreadable
from kafkalert.bus.records.marks import Mark
from kafkalert.bus.records.partitions import Partition
from kafkalert.bus.records.unreadable import Batch
from kafkalert.config.sections import Cluster
from kafkalert.ops.failover.positions import crossed
from kafkalert.ops.failover.positions.crossed import heartbeats_since, newest_copies
from kafkalert.ops.failover.positions.rewind import whole_until
from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord
from tests.support.fakes.control import SETTINGS
from tests.support.fakes.engine import FakeClock

DC2 = SETTINGS.clusters["dc2"]
MAIL, SMS = ("email", 0), ("sms", 0)
CLOCK = FakeClock()
NOW = CLOCK.wall


@dataclass
class Target:
    """Outputs on dc2: by partition, of each record whether it is a native record, and how many seconds ago it was made.

    Of those in `slow` nothing comes.
    """

    logs: Mapping[Partition, list[tuple[bool, float]]]
    clock: FakeClock = field(default_factory=FakeClock)
    slow: Collection[Partition] = ()
    read: int = 0

    def __post_init__(self) -> None:
        self.positions: dict[Partition, int] = {}

    def partitions(self, _topics: Iterable[str]) -> list[Partition]:
        """All there are."""
        return list(self.logs)

    def starts(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Nothing has expired."""
        return dict.fromkeys(partitions, 0)

    def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Behind the last of each."""
        return {one: len(self.logs[one]) for one in partitions}

    def start(self, at: Mapping[Partition, int]) -> None:
        """As the real one."""
        self.positions = dict(at)

    def reached(self, ends: Mapping[Partition, int]) -> bool:
        """As the real one."""
        return all(self.positions[one] >= end for one, end in ends.items())

    def pump(self, seconds: float) -> list[tuple[Partition, Mark]]:
        """All that is left; where nothing comes, time passes."""
        found: list[tuple[Partition, Mark]] = []
        for one in self.positions.keys() - set(self.slow):
            for offset in range(self.positions[one], len(self.logs[one])):
                native, ago = self.logs[one][offset]
                found.append((one, Mark(offset, bytes(8), native, NOW - round(1000 * ago))))
            self.positions[one] = len(self.logs[one])
        if not found:
            self.clock.pass_by(seconds)
        self.read += len(found)
        return found

    def close(self) -> None:
        """Nothing."""


def looked(monkeypatch: pytest.MonkeyPatch, target: Target) -> tuple[dict[Partition, int], dict[Partition, int], bool]:
    """What is found on it."""
    monkeypatch.setattr(crossed, "Places", lambda _: target)
    monkeypatch.setattr(crossed, "MarkReader", lambda *_: target)
    return newest_copies(DC2, "dc1", [one for one, _ in target.logs], target.clock)


def test_a_partition_that_is_not_read_in_time_is_not_taken_to_be_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its leader answers slowly. It may be later than all others, so what they hold tells nothing."""
    copies = [(False, 1.0)] * 10
    assert not looked(monkeypatch, Target({MAIL: copies, SMS: copies}, slow=[SMS]))[2]


def test_a_partition_without_a_late_copy_tells_since_when_nothing_came(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages were on dc2 until 200 s ago. Since they are back, copies have come to one partition, the other is late."""
    before, there = [(False, 300.0)] * 50, [(True, 200.0)]
    target = Target({MAIL: before + there * 300 + [(False, 1.0)] * 50, SMS: before + there * 30_000, ("push", 0): []})
    copies, others, all_seen = looked(monkeypatch, target)
    assert (copies, others, all_seen) == ({MAIL: NOW - 1000}, {SMS: NOW - 200_000}, True)
    assert whole_until(copies, healthy=True, others=others) == NOW - 200_000
    assert target.read == 200 + 200


def test_what_others_write_makes_the_moment_no_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """dc1 died 720 s ago, and another program writes to an outbound topic of dc2."""
    target = Target({MAIL: [(False, 720.0)] * 9, SMS: [(True, 1.0)]})
    copies, others, _ = looked(monkeypatch, target)
    assert whole_until(copies, healthy=True, others=others) == NOW - 720_000
    assert whole_until({}, healthy=True, others=others) is None


def test_who_was_quiet_for_long_is_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages went back to dc1 eight hours ago, and half of the partitions had no alert since then."""
    day = [(True, 8 * 3600.0)] * 20_000
    target = Target({MAIL: [*day, (False, 300.0)], SMS: day})
    copies, others, all_seen = looked(monkeypatch, target)
    assert all_seen
    assert whole_until(copies, healthy=True, others=others) == NOW - 300_000


class Told(NamedTuple):
    """What the library gives: a record, or what it says of an offset."""

    at: int
    body: bytes | None
    code: int | None = None

    def offset(self) -> int:
        """Where it lies, or which one is meant."""
        return self.at

    def value(self) -> bytes | None:
        """Its bytes."""
        return self.body

    def error(self) -> KafkaError | None:
        """None where it is a record."""
        return None if self.code is None else KafkaError(self.code)


MARKER, REFUSED = "marker", "refused"


@dataclass
class Status:
    """The topic of heartbeats on dc2, and its consumer. By offset a record, or what there is instead.

    From `open_from` on it lies in or behind a transaction that is open.
    """

    log: Sequence[bytes | str]
    open_from: int | None = None
    clock: FakeClock = field(default_factory=FakeClock)
    properties: dict[str, Any] = field(default_factory=dict)
    position: int = 0
    ended: bool = False

    def client(self, _cluster: Cluster, _group: str, **properties: object) -> Self:
        """As `clients.consumer`."""
        self.properties = properties
        return self

    @property
    def end(self) -> int:
        """Where it ends for who is asking."""
        hidden = self.open_from is not None and self.properties.get("isolation_level") != "read_uncommitted"
        return self.open_from or 0 if hidden else len(self.log)

    def offsets_for_times(self, asked: Sequence[TopicPartition], timeout: float) -> list[TopicPartition]:
        """From the beginning."""
        assert timeout
        return [TopicPartition(asked[0].topic, 0, 0)]

    def get_watermark_offsets(self, _one: TopicPartition, timeout: float) -> tuple[int, int]:
        """All of it."""
        assert timeout
        return 0, self.end

    def assign(self, places: Sequence[TopicPartition]) -> None:
        """As the real one."""
        self.position = places[0].offset

    def poll(self, seconds: float) -> Told | None:
        """The next record, or what is said of a batch or the end; where there is neither, time passes."""
        while self.position < self.end:
            at, there = self.position, self.log[self.position]
            if there == REFUSED:
                return Told(at, None, KafkaError._BAD_COMPRESSION)
            self.position += 1
            if isinstance(there, bytes):
                return Told(at, there)
        if self.properties.get("enable_partition_eof") and not self.ended:
            self.ended = True
            return Told(self.end, None, KafkaError._PARTITION_EOF)
        self.clock.pass_by(seconds)
        return None

    def consume(self, most: int, _seconds: float) -> list[Told]:
        """What else has come."""
        return [one for one in [self.poll(0)] if one is not None and most]

    def close(self) -> None:
        """Nothing."""


def beat(name: str, **more: Any) -> bytes:  # noqa: ANN401 - a beat's fields
    """A heartbeat as it is written."""
    return msgspec.json.encode(HeartbeatRecord(name, "alerting", "dc1", "running", NOW, **more))


def heard(monkeypatch: pytest.MonkeyPatch, status: Status) -> tuple[Sequence[HeartbeatRecord], bool]:
    """The heartbeats that are found there."""
    monkeypatch.setattr(clients, "consumer", status.client)
    return heartbeats_since(SETTINGS, DC2, 0, status.clock)


def test_somebody_s_open_transaction_hides_no_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    found, all_read = heard(monkeypatch, Status([beat("before"), b"?", beat("behind")], open_from=1))
    assert ([one.instance for one in found], all_read) == (["before", "behind"], True)


def test_a_transaction_s_marker_at_the_end_is_read_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no message, and no heartbeat comes behind it where all instances are dead."""
    status = Status([beat("one"), MARKER])
    began = status.clock.now
    found, all_read = heard(monkeypatch, status)
    assert ([one.instance for one in found], all_read, status.clock.now) == (["one"], True, began)


def test_heartbeats_are_read_within_the_limits_of_small_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the end of a batch is looked for that cannot be read: it may be hundreds of megabytes of zeros."""
    status, given = Status([beat("one"), REFUSED, REFUSED, beat("two")]), {}

    def passing(_cluster: Cluster, consumer: Status, refused: Told, **limits: object) -> Batch:
        given.update(limits)
        consumer.position = 3
        return Batch("kafkalert.status", 0, refused.offset(), 3)

    monkeypatch.setattr(unreadable, "pass_batch", passing)
    found, all_read = heard(monkeypatch, status)
    assert ([one.instance for one in found], all_read) == (["one", "two"], True)
    assert given == dict(unreadable.SMALL)
    assert unreadable.SMALL.items() <= status.properties.items()


def test_of_more_heartbeats_than_there_is_room_for_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever writes large ones fills no memory by it. What they push out is not known, and nobody goes on by it."""
    monkeypatch.setattr(crossed, "MOST_BYTES", 300_000)
    large = {"ends": {f"t/{number}": 1 for number in range(500)}}
    found, all_read = heard(monkeypatch, Status([beat(f"ghost-{number}", **large) for number in range(20)]))
    assert ([one.instance for one in found], all_read) == (["ghost-18", "ghost-19"], True)
