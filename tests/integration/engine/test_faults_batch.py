"""A few kilobytes that are more than memory once they are decompressed: put away by their place, and passed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kafkalert.bus.clients import producer
from kafkalert.bus.records.mark_reader import MarkReader
from kafkalert.config.sections import Context, Settings
from kafkalert.ops.tail import Request, Tail
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.data.rows import debit, settings_row
from tests.support.pipeline import Pipeline
from tests.support.reading import DEAD, ENTRIES, SETTINGS

pytestmark = pytest.mark.one_cluster

ACCOUNT = "NL00KAFK0000000001"
LARGE = 35_000_000
SECONDS = 30


@pytest.fixture
def pipeline(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """Topics of one partition, and one customer who wants to hear of everything."""
    one = Pipeline(sandbox1.bootstrap(), prefix, tmp_path, partitions=1)
    one.make_topics()
    one.authorise(ACCOUNT, ["anna"])
    one.put_settings("anna", settings_row("anna", ACCOUNT))
    yield one
    one.end()


def put_zeros(pipeline: Pipeline, name: str, records: int, size: int, codec: str) -> None:
    """One batch of records of zeros."""
    most = records * size + 1_000_000
    large = producer(
        pipeline.cluster,
        linger_ms=5000,  # `flush` ends it; so they are one batch on a busy machine, too
        compression_type=codec,
        message_max_bytes=most,
        batch_size=most,
        queue_buffering_max_kbytes=most // 1000,
    )
    for _ in range(records):
        large.produce(pipeline.topic(name), bytes(size), b"x", partition=0)
    assert large.flush(SECONDS) == 0


def test_a_batch_of_zeros_is_put_away_and_the_rest_flows(pipeline: Pipeline) -> None:
    """On the entries and on a table: the stage, `tail` and a switch go on behind it, and pass over nothing else."""
    pipeline.flush()
    put_zeros(pipeline, SETTINGS, 1, 3 * LARGE, "zstd")
    pipeline.put_settings("bram", settings_row("bram", ACCOUNT))
    pipeline.authorise(ACCOUNT, ["anna", "bram"])
    pipeline.book(debit(ACCOUNT, "before"))
    pipeline.flush()
    put_zeros(pipeline, ENTRIES, 3, LARGE, "zstd")
    put_zeros(pipeline, ENTRIES, 1, 20_000_000, "lz4")
    pipeline.book(debit(ACCOUNT, "between"))
    alerting = pipeline.alerting()
    pipeline.book(debit(ACCOUNT, "after"))
    pipeline.await_processed()
    pipeline.verify(least=3)
    letters = [dict(one.headers() or ()) for one in pipeline.read(DEAD)]
    told = {(one["ka-stage"], one["ka-reason"], one["ka-offset"]): one for one in letters}
    assert told.keys() == {
        (b"alerting", b"unreadable-batch", b"1"),
        (b"alerting", b"key-not-framed", b"4"),
        (b"tables", b"unreadable-batch", b"1"),
    }
    detail = told[b"alerting", b"unreadable-batch", b"1"]["ka-detail"]
    assert f"{pipeline.topic(ENTRIES)}[0], offsets 1 to 3" in str(detail)
    assert alerting.stop() == 0
    again = pipeline.alerting()
    pipeline.book(debit(ACCOUNT, "last"))
    pipeline.await_processed()
    assert again.stop() == 0
    assert len(pipeline.read(DEAD)) == 3
    check_commands(pipeline)


def check_commands(pipeline: Pipeline) -> None:
    """What reads the topics from outside the stages goes on behind the batch, too."""
    entries = pipeline.topic(ENTRIES)
    reader = MarkReader(pipeline.cluster, "dc2")
    try:
        reader.start({(entries, 0): 2})  # within the batch
        found: list[int] = []

        def done() -> bool:
            found.extend(one.offset for _, one in reader.pump(0.2))
            return reader.reached({(entries, 0): 8})

        assert wait_until(done, SECONDS, every=0)
        assert found == [4, 5, 6, 7]
    finally:
        reader.close()
    settings = Settings(context=Context(clusters=("dc1",), prefix=pipeline.prefix), clusters={"dc1": pipeline.cluster})
    tail = Tail(settings, Request(pipeline.cluster, (entries,), count=None), note=lambda _: None)
    assert [one.offset for one in tail.records()] == [0, 5, 6, 7]
    assert tail.report.undecodable["unreadable-batch"] == 1
