"""`run alerting --until-end`, and where a group begins and ends."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition

from kafkalert.bus.clients import admin
from kafkalert.sandbox.local import Sandbox
from tests.support.data.rows import datum, debit
from tests.support.pipeline import Pipeline, Sent
from tests.support.reading import AUTHORISATIONS, CODEC, DEAD, ENTRIES, SETTINGS, ends
from tests.support.running import await_beat, kafkalert, one_booking

pytestmark = pytest.mark.one_cluster


@pytest.fixture
def bank(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """Topics, filled, with bookings in them."""
    one = Pipeline(sandbox1.bootstrap(), prefix, tmp_path).make_topics()
    one.seed()
    one.send(600)
    one.flush()
    yield one
    one.end()


@pytest.mark.parametrize(
    ("mode", "workers"),
    [("one-hop", ()), ("two-hop", ()), ("two-hop", ("--workers", "2")), ("one-hop", ("--workers", "5"))],
    ids=["one-hop", "two-hop", "two workers", "more workers than partitions"],
)
def test_what_is_there_is_processed_and_then_it_ends(bank: Pipeline, mode: str, workers: tuple[str, ...]) -> None:
    """From a new group's beginning to the end, by any number of workers, more than partitions included."""
    bank.two_hop = mode == "two-hop"
    done = kafkalert(bank, "run", "alerting", "--until-end", "--mode", mode, *workers)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    bank.verify(least=100)
    at_the_end(bank)
    again = kafkalert(bank, "run", "alerting", "--until-end", "--mode", mode)
    assert (again.returncode, again.stderr.splitlines()[-1:]) == (0, ["0 entries read, 0 alerts sent."]), again.stderr
    if not workers and mode == "one-hop":
        assert done.stderr.splitlines()[-1] == f"600 entries read, {len(bank.outputs()):,} alerts sent."
    assert len(bank.outputs()) == len({one.id for one in bank.outputs()})


def at_the_end(bank: Pipeline) -> None:
    """The group has committed the ends of all inputs, each with the epoch."""
    client = bank.client("kafkalert.alerting")
    last = ends(client, bank.places(*bank.inputs))
    told = client.committed([TopicPartition(*one) for one in last], timeout=30)
    assert {(one.topic, one.partition): one.offset for one in told} == last
    assert {(one.metadata or "").partition(" ")[0] for one in told if one.offset >= 0} == {"epoch=0"}
    client.close()


@pytest.fixture
def small(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """Topics with an account, a customer who asked for every debit of it, and one booking."""
    with one_booking(sandbox1.bootstrap(), prefix, tmp_path) as bank:
        yield bank


def transactional(bank: Pipeline, name: str) -> Producer:
    """A producer of transactions, which partitions as Java's."""
    settings = {"transactional.id": bank.prefix + name, "partitioner": "murmur2_random", "log_level": 0}
    one = Producer({"bootstrap.servers": bank.bootstrap, **settings})
    one.init_transactions(30)
    return one


def produce(producer: Producer, bank: Pipeline, entry: dict[str, Any]) -> None:
    """A booking, as part of a transaction."""
    key = CODEC.encode("AccountId", {"id": entry["accountId"]})
    headers = [("ka-id", entry["entryId"].encode()), ("ka-balance", b"unknown")]
    producer.produce(bank.topic(ENTRIES), CODEC.encode("AccountEntry", datum(entry)), key, headers=headers)


@pytest.mark.parametrize("mode", ["one-hop", "two-hop"])
def test_transaction_markers_at_a_partitions_end_hold_nothing_up(small: Pipeline, mode: str) -> None:
    """Neither start nor end; what was committed counts, what was aborted or is still open does not."""
    small.two_hop = mode == "two-hop"
    producer, open_one = transactional(small, "ends"), transactional(small, "open")
    committed = debit("NL01", "committed")
    small.sent["committed"] = Sent(1, "NL01", small.alerts_of(committed))
    producer.begin_transaction()
    produce(producer, small, committed)
    producer.commit_transaction(30)
    producer.begin_transaction()
    produce(producer, small, debit("NL01", "aborted"))
    topics = (ENTRIES, AUTHORISATIONS, SETTINGS, *small.inputs[1:])
    for topic, number in small.places(*topics):
        producer.produce(topic, b"never seen", b"key", number)
    producer.flush(30)
    producer.abort_transaction(30)
    open_one.begin_transaction()
    produce(open_one, small, debit("NL01", "open"))
    for topic in (AUTHORISATIONS, SETTINGS):
        open_one.produce(small.topic(topic), b"never seen", b"key", 0)
    open_one.flush(30)
    done = kafkalert(small, "run", "alerting", "--until-end", "--mode", mode)
    assert done.returncode == 0, done.stderr
    at_the_end(small)
    assert len(small.verify(least=2)) == 2
    assert small.read(DEAD) == []
    open_one.abort_transaction(30)


def test_a_group_whose_records_are_gone_ends_with_what_to_do(small: Pipeline) -> None:
    """They were deleted unread: where to go on is for people to say, not for a default."""
    assert kafkalert(small, "run", "alerting", "--until-end").returncode == 0
    for number in range(3):
        small.book(debit("NL01", f"more-{number}"))
    small.flush()
    client = small.client()
    (place,) = [one for one, end in ends(client, small.places(ENTRIES)).items() if end]
    asked = admin(small.cluster)
    (gone,) = asked.delete_records([TopicPartition(*place, 3)]).values()
    gone.result(30)
    for arguments in ((), ("--workers", "1")):
        done = kafkalert(small, "run", "alerting", "--until-end", *arguments)
        assert done.returncode == 1
        where = f"{place[0]}[{place[1]}] offsets 1 to 2."
        assert f"Error: At most 2 records expired or were deleted before they were read: {where}" in done.stderr
        assert f"Hint: `kafkalert group seek {small.group()} next` goes on with the next ones" in done.stderr
        assert "Traceback" not in done.stderr
    small.sent.clear()
    small.book(debit("NL01", "later"))
    group = [ConsumerGroupTopicPartitions(small.group(), [TopicPartition(*place, 3)])]
    (moved,) = asked.alter_consumer_group_offsets(group).values()
    moved.result(30)
    assert kafkalert(small, "run", "alerting", "--until-end").returncode == 0
    assert [one.entry for one in small.outputs()] == ["first", "more-2", "later"]


def test_a_group_that_lost_its_offsets_is_told_where_to_go_on(small: Pipeline) -> None:
    """It would send everything again; a first start asks nothing."""
    first = kafkalert(small, "run", "alerting", "--until-end")
    assert (first.returncode, first.stderr.splitlines()[-1]) == (0, "1 entry read, 1 alert sent."), first.stderr
    client = admin(small.cluster)  # held: its answers come only while it lives
    (gone,) = client.delete_consumer_groups([small.group()]).values()
    gone.result(30)
    refused = kafkalert(small, "run", "alerting", "--until-end")
    assert refused.returncode == 5, refused.stderr
    assert f"Error: Group {small.group()} has no offsets on dc1" in refused.stderr
    assert f"a start would process 1 record of {small.topic(ENTRIES)} again, from 20" in refused.stderr
    shown = json.loads(kafkalert(small, "group", "show", "kafkalert.alerting", "-o", "json").stdout)
    assert sum(one["left"] for one in shown) == 1
    assert {one["offset"] for one in shown} == {None}
    shown_only = kafkalert(small, "group", "seek", small.group(), "-1", "--dry-run")
    assert (shown_only.returncode, "1 to read" in shown_only.stderr) == (0, True), shown_only.stderr
    unasked = kafkalert(small, "group", "seek", small.group(), "-1")
    assert (unasked.returncode, "1 to read" in unasked.stderr) == (5, True), unasked.stderr
    done = kafkalert(small, "group", "seek", small.group(), "end", "--yes", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert {one["left"] for one in json.loads(done.stdout)} == {0}
    again = kafkalert(small, "run", "alerting", "--until-end")
    assert again.stderr.splitlines()[-1] == "0 entries read, 0 alerts sent."
    assert len(small.outputs()) == 1


def test_places_are_not_set_under_a_stage_that_runs(small: Pipeline) -> None:
    """Its members would go on from where they are, and commit over it."""
    alerting = small.alerting()
    await_beat(small, alerting.pid, lambda beat: beat["state"] == "running" and beat["totals"]["entries"] == 1)
    refused = kafkalert(small, "group", "seek", small.group(), "start", "--yes")
    assert (refused.returncode, "has 1 member on dc1" in refused.stderr) == (5, True), refused.stderr
    assert alerting.stop() == 0
