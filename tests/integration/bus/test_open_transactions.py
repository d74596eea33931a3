"""Another program's open transaction under tables and inputs: what waits behind it is said, and counted alike."""

import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Producer

from kafkalert.config.loading.load import load
from kafkalert.engine.clock import SystemClock
from kafkalert.ops.failover.positions.crossed import heartbeats_since
from kafkalert.ops.failover.status.heartbeats import HeartbeatRecord
from kafkalert.ops.failover.status.survey import look
from kafkalert.sandbox.kafka.jars import classpath
from kafkalert.sandbox.kafka.java import find_java
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS
from tests.support.data.load import newest_beats
from tests.support.data.rows import debit, settings_row
from tests.support.pipeline import Pipeline
from tests.support.reading import CODEC, ENTRIES, SETTINGS, STATUS

pytestmark = pytest.mark.one_cluster

ACCOUNT = "NL00OPEN0000000001"


@pytest.fixture
def pipeline(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """A bank's topics, filled, on the shared broker."""
    one = Pipeline(sandbox1.bootstrap(), prefix, tmp_path)
    one.make_topics()
    one.authorise(ACCOUNT, ["anna"])
    one.put_settings("anna", settings_row("anna", ACCOUNT))
    one.flush()
    yield one
    one.end()


def open_in(pipeline: Pipeline, name: str, key: bytes) -> Producer:
    """A transaction that is open in the partition of a key, with a record that is no row and no entry."""
    own = {"bootstrap.servers": pipeline.bootstrap, "transactional.id": pipeline.prefix + name}
    other = Producer({**own, "partitioner": "murmur2_random"})
    other.init_transactions(SECONDS)
    other.begin_transaction()
    other.produce(pipeline.topic(name), b"?", key)
    assert other.flush(SECONDS) == 0
    return other


def tool(sentence: str) -> tuple[list[str], list[str]]:
    """What a sentence says to run: what names the producer, and what ends its transaction."""
    first, second = re.findall("`([^`]*)`", sentence)
    script, *named = shlex.split(first)
    assert script == "kafka-transactions.sh"
    return named, [*named[: named.index("describe-producers")], *shlex.split(second)]


def run(words: Sequence[str]) -> str:
    """What Kafka's own tool prints."""
    java = [str(find_java()), "-cp", classpath(), "org.apache.kafka.tools.TransactionsCommand"]
    done = subprocess.run([*java, *words], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_rows_and_entries_behind_an_open_transaction(pipeline: Pipeline) -> None:
    """Alerting holds while rows wait, says why, and then alerts by them; lag means one thing everywhere.

    What it says to run names who is in the way, and ends it.
    """
    alerting = pipeline.alerting()
    pipeline.book(debit(ACCOUNT, "before"))
    pipeline.await_processed()
    crm = open_in(pipeline, SETTINGS, CODEC.encode("CustomerId", {"id": "anna"}))
    pipeline.put_settings("anna", settings_row("anna", ACCOUNT, above=400))
    pipeline.flush()
    alerting.await_said(f"held: a transaction of another program is open in {pipeline.topic(SETTINGS)}[")
    pipeline.book(debit(ACCOUNT, "low", cents=300))
    pipeline.book(debit(ACCOUNT, "high", cents=500))
    pipeline.flush()
    (held, *_) = [one for one in alerting.messages() if "held: a transaction" in one]
    named, _ = tool(held)
    header, *producers = run(named).splitlines()
    start = re.search(r"from offset (\d+) on", held)
    assert start is not None
    assert start[1] in [line.split()[header.split().index("CurrentTransactionStartOffset")] for line in producers]
    crm.abort_transaction(SECONDS)
    alerting.await_said("going on")
    pipeline.await_processed()
    bank = open_in(pipeline, ENTRIES, CODEC.encode("AccountId", {"id": ACCOUNT}))
    pipeline.book(debit(ACCOUNT, "behind"))
    pipeline.flush()
    assert wait_until(lambda: [one["lag"] for one in newest_beats(pipeline, seconds=2.5)] == [2], SECONDS, every=0.2)
    found = look(load(pipeline.config()))
    groups = found.groups or ()
    assert [(one.lag, one.waiting) for one in groups] == [(2, 2)]
    (told,) = [text for text in found.notes if "2 records" in text and "transaction" in text]
    (where,) = groups[0].transactions
    assert f"{where.topic}[{where.partition}] from offset {where.offset} on" in told
    run(tool(told)[1])
    pipeline.await_processed()
    bank.purge()
    pipeline.verify(least=3)


def test_heartbeats_behind_an_open_transaction_are_heard(pipeline: Pipeline) -> None:
    """A forced switch goes by them. Nor is more waited for where the mark of its end is the last of the topic."""
    other = open_in(pipeline, STATUS, b"other")
    told = Producer({"bootstrap.servers": pipeline.bootstrap})
    told.produce(
        pipeline.topic(STATUS), msgspec.json.encode(HeartbeatRecord("behind", "alerting", "dc1", "running", 1))
    )
    assert told.flush(SECONDS) == 0
    settings = load(pipeline.config())

    def heard() -> tuple[list[str], bool]:
        beats, all_read = heartbeats_since(settings, pipeline.cluster, 0, SystemClock())
        return [one.instance for one in beats], all_read

    assert heard() == (["behind"], True)
    other.abort_transaction(SECONDS)
    assert heard() == (["behind"], True)
