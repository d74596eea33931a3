"""What a member's callbacks may ask of its own consumer, and what becomes of records as partitions come and go."""

import signal
import subprocess
import sys
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock, patch

import pytest
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from kafkalert.config.sections import Cluster
from kafkalert.engine.consuming.events import RetryError
from kafkalert.engine.consuming.member import Member
from kafkalert.engine.consuming.progress import Place, Progress
from kafkalert.engine.delivery import Delivery

REFUSED = KafkaException(KafkaError(KafkaError._STATE))
NESTED = """
from confluent_kafka import Consumer, Producer

mock = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
(broker,) = mock.list_topics("t", timeout=20).brokers.values()
mock.produce("t", b"")
mock.flush(20)
told = []
consumer = Consumer({
    "bootstrap.servers": f"127.0.0.1:{broker.port}", "group.id": "g", "enable.auto.commit": False,
    "on_commit": lambda error, partitions: told.append(error),
})

def assigned(consumer, partitions):
    if ASKS:
        consumer.list_topics("t", timeout=20)
    partitions[0].offset = 0
    consumer.commit(offsets=partitions, asynchronous=True)
    consumer.assign(partitions)

consumer.subscribe(["t"], on_assign=assigned)
while not told:
    consumer.poll(5)
consumer.close()
"""


def ended(*, asks: bool) -> int:
    """How the process ended that asks for topics within a callback, or does not."""
    script = NESTED.replace("ASKS", str(asks))
    return subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, timeout=120).returncode


def test_who_asks_for_topics_within_a_callback_is_ended() -> None:
    """By confluent-kafka 2.16, at the client's next callback. Once it is not, nobody has to avoid it any more."""
    assert ended(asks=True) == -signal.SIGABRT
    assert ended(asks=False) == 0


class Strict:
    """A consumer that answers only what may be asked within a callback, and the cluster as others ask it."""

    def committed(self, partitions: list[TopicPartition], **_: object) -> list[TopicPartition]:
        """Nothing has been committed."""
        return [TopicPartition(one.topic, one.partition, -1001) for one in partitions]

    def starts(self, partitions: set[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Some have expired."""
        return dict.fromkeys(partitions, 7)

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        """Reads from there."""
        assert [one.offset for one in partitions] == [7, 7]

    def commit(self, *, offsets: list[TopicPartition]) -> None:
        """Not waited for."""
        assert [one.offset for one in offsets] == [7, 7]

    def resume(self, partitions: list[TopicPartition]) -> None:
        """Nothing is paused."""


def made(consumer: object, progress: Progress | None = None) -> Member:
    """A member by this consumer: a real one that is asked to commit to nobody ends only after 90 s."""
    cluster, none = Cluster(name="dc1", bootstrap="127.0.0.1:1"), cast("Delivery", None)
    with patch("kafkalert.bus.clients.consumer", lambda *_, **__: consumer):
        return Member(cluster, "g", progress=progress or Progress(), delivery=none, changed=lambda: None, properties={})


def test_a_member_asks_its_own_consumer_for_no_topic() -> None:
    """Where the group has committed nothing, as for partitions that were added: that is asked by another client."""
    consumer = cast("Any", Strict())
    one = made(consumer)
    with patch("kafkalert.engine.consuming.member.Places", lambda _: consumer):
        one._assigned(consumer, [TopicPartition("t", 0), TopicPartition("t", 1)])
    assert one.joined


def reading(*partitions: int) -> Member:
    """A member that reads these partitions of a topic from offset 5 on."""
    progress = Progress()
    one = made(Mock(), progress)
    progress.assigned({("t", number): Place(5) for number in partitions})
    return one


@pytest.mark.parametrize(("proven", "epoch"), [({}, 3), ({("t", 0): 4}, 3), ({("t", 1): 5}, 3), ({("t", 0): 5}, None)])
def test_an_offset_that_is_proven_is_not_asked_about_by_its_epoch(
    proven: dict[tuple[str, int], int], epoch: int | None
) -> None:
    """Neither at a seek nor where it is assigned; another offset of the partition is."""
    consumer = Mock()
    metadata = f"epoch=0 last id={'00' * 8}"
    consumer.committed.return_value = [TopicPartition("t", 0, 5, metadata, 3)]
    one = made(consumer)
    one.join({"t": ""}, 0, {}, proven)
    one._assigned(consumer, [TopicPartition("t", 0)])
    (given,) = consumer.incremental_assign.call_args.args[0]
    assert (given.offset, given.leader_epoch) == (5, epoch)
    assert [at.args[0].leader_epoch for at in consumer.seek.call_args_list] == [epoch] * (epoch is not None)


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("epochs", [(3, 3), (None, 3), (None, None)])
def test_nothing_is_fetched_before_all_offsets_are_asked_about(epochs: tuple[int | None, ...], *, paused: bool) -> None:
    """What is asked behind a fetch from a log's end waits for 0.5 s. Who is paused stays so, others begin at once."""
    consumer = Mock()
    metadata = f"epoch=0 last id={'00' * 8}"
    told = [
        TopicPartition("t", number, 5, metadata, *([epoch] if epoch is not None else []))
        for number, epoch in enumerate(epochs)
    ]
    consumer.committed.return_value = told
    one = made(consumer)
    one.pause(paused=paused)
    consumer.reset_mock()
    one._assigned(consumer, told)
    called = [(name, args[0]) for name, args, _ in consumer.method_calls]
    words = [name for name, _ in called if name != "get_watermark_offsets"]
    asked = len(epochs) - epochs.count(None)
    ends, resumed = ["pause" if paused else "resume"], ["offsets_for_times"] * (asked and not paused)
    wanted = ["pause"] * bool(asked) + ["incremental_assign"] + ["seek"] * asked + ends + resumed
    assert words == ["committed", *wanted]
    known = [place.partition for name, place in called if name == "get_watermark_offsets"]
    assert known == [0, 1] * bool(asked)  # the library keeps no pause of a partition that it has not heard of
    for name, places in called:
        if name in {"pause", "incremental_assign", "resume", "offsets_for_times"}:
            assert [place.partition for place in places] == [0, 1]


def test_who_cannot_be_woken_is_resumed_all_the_same() -> None:
    """A broker that is away just now is met again by what fetches."""
    consumer = Mock()
    consumer.committed.return_value = [TopicPartition("t", 0, 5, f"epoch=0 last id={'00' * 8}", 3)]
    consumer.offsets_for_times.side_effect = KafkaException(KafkaError(KafkaError._TIMED_OUT))
    one = made(consumer)
    one._assigned(consumer, [TopicPartition("t", 0)])
    assert one.joined
    assert consumer.resume.called


def test_no_record_comes_of_a_partition_whose_log_could_not_be_checked() -> None:
    """The check is repeated at each fetch until the library takes it."""
    consumer = Mock()
    consumer.committed.return_value = [TopicPartition("t", 0, 5, f"epoch=0 last id={'00' * 8}", 3)]
    consumer.seek.side_effect = [REFUSED, REFUSED, None]
    one = made(consumer)
    one._assigned(consumer, [TopicPartition("t", 0)])
    consumer.poll.return_value = None
    for asked in (2, 3, 3):
        assert one.fetch(10) == []
        assert consumer.seek.call_count == asked
    consumer.poll.return_value, consumer.consume.return_value = record(0), []
    assert len(one.fetch(10)) == 1


@pytest.mark.parametrize("goes", [False, True])
def test_a_record_that_comes_before_the_check_is_read_again(*, goes: bool) -> None:
    """Unless its partition has gone: then it is somebody else's, and asked about no more."""
    consumer = Mock()
    consumer.committed.return_value = [TopicPartition("t", 0, 5, f"epoch=0 last id={'00' * 8}", 3)]
    consumer.seek.side_effect = REFUSED
    one = made(consumer)
    one._assigned(consumer, [TopicPartition("t", 0)])
    if goes:
        one._revoked(consumer, [TopicPartition("t", 0)])
    consumer.poll.return_value, consumer.consume.return_value = record(1 if goes else 0), []
    with nullcontext() if goes else pytest.raises(RetryError, match="could not be asked in time"):
        assert len(one.fetch(10)) == 1
    assert consumer.seek.call_count == 1


def record(partition: int, offset: int = 5) -> Message:
    """A record, or what else has a place."""
    found = SimpleNamespace(topic=lambda: "t", partition=lambda: partition, offset=lambda: offset, error=lambda: None)
    return cast("Message", found)


@pytest.mark.parametrize("how", ["_revoked", "_lost"])
def test_a_record_whose_partition_goes_before_it_is_processed_is_left_to_who_has_it_then(how: str) -> None:
    """The library tells of it in whichever call it likes: between the first record of a batch and the others, too."""
    one = reading(0, 1)
    consumer = cast("Any", one.consumer)

    def consume(*_: object) -> list[Message]:
        getattr(one, how)(consumer, [TopicPartition("t", 0)])
        return [record(1), record(0, 6), record(1, 6)]

    consumer.poll.return_value, consumer.consume = record(0), consume
    assert [(kept.partition(), kept.offset()) for kept in one.fetch(10)] == [(1, 5), (1, 6)]
    assert one._progress.partitions() == [("t", 1)]
    consumer.consume = lambda *_: [record(1, 7)]
    consumer.poll.return_value = record(1, 8)
    assert len(one.fetch(10)) == 2, "of a partition that stays, all is processed"


def test_a_partition_that_comes_back_before_its_first_record_is_read_from_there() -> None:
    """What comes after it has gone and come is of its new place; what came in between would be of either."""
    one = reading(0)
    consumer = cast("Any", one.consumer)

    def back(*_: object) -> Message:
        one._revoked(consumer, [TopicPartition("t", 0)])
        one._progress.assigned({("t", 0): Place(5)})
        return record(0)

    consumer.poll, consumer.consume = back, lambda *_: [record(0, 6)]
    assert len(one.fetch(10)) == 2
    consumer.poll, consumer.consume = lambda _: record(0), lambda *_: [back()]
    with pytest.raises(RetryError, match="went and came back"):
        one.fetch(10)


class Pausing:
    """A consumer that keeps a partition paused though it goes and comes back, as the library does."""

    def __init__(self) -> None:
        self.paused: set[int] = set()
        self.assigned: set[int] = set()

    def assignment(self) -> list[TopicPartition]:
        """What is read."""
        return [TopicPartition("t", one) for one in self.assigned]

    def committed(self, partitions: list[TopicPartition], **_: object) -> list[TopicPartition]:
        """Offset 5 of each."""
        return [TopicPartition("t", one.partition, 5) for one in partitions]

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        """Reads them, too."""
        self.assigned |= {one.partition for one in partitions}

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        """Reads them no longer."""
        self.assigned -= {one.partition for one in partitions}

    def pause(self, partitions: list[TopicPartition]) -> None:
        """Fetches nothing of them."""
        self.paused |= {one.partition for one in partitions}

    def resume(self, partitions: list[TopicPartition]) -> None:
        """Fetches them again."""
        self.paused -= {one.partition for one in partitions}

    def commit(self, **_: object) -> None:
        """Taken."""


def test_a_partition_that_goes_while_its_stage_is_held_is_read_when_it_comes_back() -> None:
    """It was paused, and a resume of what is there does not reach it: nobody would read it, and nobody would know."""
    consumer = Pausing()
    one = made(consumer)
    both, first = [TopicPartition("t", 0), TopicPartition("t", 1)], [TopicPartition("t", 0)]
    one._assigned(one.consumer, both)
    one.pause(paused=True)
    one._revoked(one.consumer, first)
    one.pause(paused=False)
    one._assigned(one.consumer, first)
    assert (consumer.assigned, consumer.paused) == ({0, 1}, set())
    one.pause(paused=True)
    one._revoked(one.consumer, first)
    one._assigned(one.consumer, first)
    assert consumer.paused == {0, 1}, "what comes while it is held is paused as well"


def test_who_is_given_nothing_has_not_joined() -> None:
    """The classic protocol calls back for that, too; a standby is not ready."""
    one = made(Pausing())
    one._assigned(one.consumer, [])
    assert not one.joined
    one._assigned(one.consumer, [TopicPartition("t", 0)])
    assert one.joined


def test_what_was_committed_is_committed_again_as_its_partition_goes() -> None:
    """The answer to the last commit may still come, and say that the group did not take it."""
    one = reading(0, 1, 2)
    consumer = cast("Any", one.consumer)
    one._delivery = cast("Any", Mock())
    for number in (0, 1):
        one._progress.reached(("t", number), 10)
    one.commits.soon({("t", 0): 10})
    one._revoked(consumer, [TopicPartition("t", number) for number in (0, 1)])
    (last,) = consumer.commit.call_args_list[1:]
    assert {each.partition: each.offset for each in last.kwargs["offsets"]} == {0: 10, 1: 10}
