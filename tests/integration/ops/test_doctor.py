"""Each kind of finding, made on a real broker and found; nothing is changed by looking."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from kafkalert.config.loading.load import read
from kafkalert.ops.doctor.checkup import CheckGrade, Checkup, Subject
from kafkalert.ops.doctor.examining import examine
from kafkalert.sandbox.local import Sandbox
from tests.support.alerting import SECONDS
from tests.support.data.rows import debit, settings_row
from tests.support.pipeline import Pipeline
from tests.support.reading import ENTRIES, SETTINGS, ends

pytestmark = pytest.mark.one_cluster
ACCOUNT = "NL00DOCTOR00000001"


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


def findings(pipeline: Pipeline, *only: Subject) -> dict[str, Checkup]:
    """What is found, by its name."""
    checks = examine(read(pipeline.config()), only).checkups
    return {one.name: one for one in checks if one.is_finding}


def groups(client: AdminClient) -> set[str]:
    """Every group that the broker knows."""
    return {one.group_id for one in client.list_consumer_groups(request_timeout=SECONDS).result().valid}


def test_a_healthy_pipeline_has_no_finding_and_is_left_as_it_was(pipeline: Pipeline) -> None:
    """While alerting runs, whose clock is told. No group is joined, and no record is written."""
    pipeline.alerting()
    pipeline.book(debit(ACCOUNT, "one"))
    pipeline.await_processed()
    client = AdminClient({"bootstrap.servers": pipeline.bootstrap})
    names = [one for one in client.list_topics(timeout=SECONDS).topics if one.startswith(pipeline.prefix)]
    quiet = [one for one in names if not one.endswith("kafkalert.status")]
    places = pipeline.places(*(one.removeprefix(pipeline.prefix) for one in quiet))

    def state() -> tuple[set[str], object]:
        reader = pipeline.client()
        try:
            return groups(client), ends(reader, places)
        finally:
            reader.close()

    before = state()
    found = examine(read(pipeline.config()))
    assert [one for one in found.checkups if one.is_finding] == []
    assert state() == before
    (instances,) = [one for one in found.checkups if (one.subject, one.name) == (Subject.CLOCKS, "instances")]
    assert instances.grade is CheckGrade.OK
    assert {one.subject for one in found.checkups} == {*Subject} - {Subject.MIRROR}


def test_topics_that_are_missing_or_differ(pipeline: Pipeline) -> None:
    client = AdminClient({"bootstrap.servers": pipeline.bootstrap})
    gone, changed = pipeline.topic("outboundsmsmessage"), pipeline.topic(SETTINGS)
    for done in client.delete_topics([gone]).values():
        done.result(SECONDS)
    entry = ConfigEntry("cleanup.policy", "delete", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, changed, incremental_configs=[entry])
    for done in client.incremental_alter_configs([resource]).values():
        done.result(SECONDS)
    found = findings(pipeline, Subject.TOPICS)
    assert found["missing"].text == f"{gone} does not exist on dc1."
    assert "cleanup.policy is delete, compact wanted" in found[changed].text


def test_a_transaction_that_hangs_is_told_with_its_begin(pipeline: Pipeline) -> None:
    """By the time of its first record; what it wrote is not held against the schemas."""
    other = Producer({"bootstrap.servers": pipeline.bootstrap, "transactional.id": f"{pipeline.prefix}crm"})
    other.init_transactions(SECONDS)
    other.begin_transaction()
    began = int(time.time() * 1000) - 7_300_000
    other.produce(pipeline.topic(SETTINGS), b"?", b"k", partition=2, timestamp=began)
    assert other.flush(SECONDS) == 0
    name = f"{pipeline.topic(SETTINGS)}[2]"
    found = findings(pipeline, Subject.TRANSACTIONS, Subject.SCHEMAS)
    assert [*found] == [name]
    assert found[name].grade is CheckGrade.BAD
    assert "open in" in found[name].text
    assert "for 2 hours" in found[name].text
    assert f"describe-producers --topic {pipeline.topic(SETTINGS)} --partition 2`" in found[name].hint
    other.abort_transaction(SECONDS)
    assert findings(pipeline, Subject.TRANSACTIONS) == {}


def test_record_times_that_are_not_the_arrivals_and_records_of_no_schema(pipeline: Pipeline) -> None:
    """Dated ahead, and dated before what came earlier; by a producer whose bytes nobody here knows."""
    other = Producer({"bootstrap.servers": pipeline.bootstrap})
    now = int(time.time() * 1000)
    for partition, hours in ((0, 1), (1, 0), (1, -3)):
        other.produce(pipeline.topic(ENTRIES), b"?", b"k", partition=partition, timestamp=now + hours * 3_600_000)
    assert other.flush(SECONDS) == 0
    found = examine(read(pipeline.config()), [Subject.RECORD_TIMES, Subject.SCHEMAS]).checkups
    texts = {one.subject: one.text for one in found if one.is_finding}
    assert "in partition 0, offset 0 is dated 60 minutes ahead" in texts[Subject.RECORD_TIMES]
    assert "in partition 1, offset 1 is dated 3 hours before offset 0" in texts[Subject.RECORD_TIMES]
    assert "3 records of the newest" in texts[Subject.SCHEMAS]
    assert "(not-framed)" in texts[Subject.SCHEMAS]
