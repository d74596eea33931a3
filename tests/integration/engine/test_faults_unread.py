"""Records that are gone before they were read, and a topic that was made anew under a stage: nothing is passed over."""

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewTopic

from kafkalert.bus.clients import admin
from kafkalert.sandbox.cleanup import data_folder
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.data.load import asked
from tests.support.data.rows import debit
from tests.support.pipeline import Pipeline, pipelines
from tests.support.reading import ENTRIES, ends
from tests.support.running import await_beat, kafkalert, one_booking

pytestmark = pytest.mark.one_cluster
SECONDS = 60


@pytest.fixture
def small(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """Topics with an account, a customer who asked for every debit of it, and one booking."""
    with one_booking(sandbox1.bootstrap(), prefix, tmp_path) as bank:
        yield bank


def test_records_that_expired_unread_are_counted_and_held_until_somebody_decides(small: Pipeline) -> None:
    """The stage that stands still is told where to go on, and does so by itself."""
    assert kafkalert(small, "run", "alerting", "--until-end").returncode == 0
    for number in range(3):
        small.book(debit("NL01", f"more-{number}"))
    small.flush()
    (place,) = [one for one, end in ends(small.client(), small.places(ENTRIES)).items() if end]
    client = admin(small.cluster)
    (gone,) = client.delete_records([TopicPartition(*place, 3)]).values()
    gone.result(SECONDS)
    alerting = small.alerting()
    said = f"At most 2 records expired or were deleted before they were read: {place[0]}[{place[1]}] offsets 1 to 2."
    await_beat(small, alerting.pid, lambda beat: beat["state"] == f"held: {said}")
    await_beat(small, alerting.pid, lambda beat: beat["gone"] == {f"{place[0]}/{place[1]}": 2})
    status = kafkalert(small, "failover", "-o", "json")
    assert status.returncode == 3, status.stderr
    assert f"At most 2 records expired or were deleted before {small.group()} read them" in status.stdout
    assert said in status.stdout
    done = kafkalert(small, "group", "seek", small.group(), "next", "--yes")
    assert (done.returncode, "from 1 to 3; 2 records gone, never processed" in done.stderr) == (0, True), done.stderr
    await_beat(small, alerting.pid, lambda beat: (beat["state"], beat["gone"]) == ("running", {}))
    small.sent.pop("more-0")
    small.sent.pop("more-1")
    assert wait_until(lambda: len(small.outputs()) == 2, SECONDS)
    assert [one.entry for one in small.outputs()] == ["first", "more-2"]
    assert alerting.stop() == 0


@pytest.mark.parametrize("protocol", ["consumer", "classic"])
def test_a_log_that_was_cut_and_has_grown_again_is_passed_over_by_none_of_several(
    own_sandbox: Callable[..., Sandbox], prefix: str, tmp_path: Path, protocol: str
) -> None:
    """What one of them is held at comes to the next, who never saw the log end before the group's offset."""
    sandbox = own_sandbox()
    with pipelines(sandbox.bootstrap(), prefix, tmp_path) as make:
        pipeline = make(group_protocol=protocol)
        stages = [pipeline.alerting(state=name) for name in ("one", "two")]
        pipeline.send(400)
        pipeline.await_processed()
        client = pipeline.client("kafkalert.alerting")
        committed = pipeline.committed(client, ENTRIES)
        cut = max(committed, key=lambda one: committed[one])
        for stage in stages:
            stage.send(signal.SIGSTOP)
        sandbox.kill("dc1")
        shutil.rmtree(data_folder(sandbox.folder) / "dc1" / "data" / f"{cut[0]}-{cut[1]}")
        sandbox.start("dc1")

        def grown() -> bool:
            pipeline.send(100)
            pipeline.flush()
            return (asked(lambda: ends(client, [cut])) or {}).get(cut, 0) > committed[cut]

        assert wait_until(grown, SECONDS)
        for stage in stages:
            stage.send(signal.SIGCONT)
        said = f"{cut[0]}[{cut[1]}] was cut before the group's offset {committed[cut]}, and has grown since"
        for stage in stages:
            beat = await_beat(pipeline, stage.pid, lambda beat: beat["state"].startswith("held: The cluster has lost"))
            assert said in beat["state"]
            assert beat["gone"] == {f"{cut[0]}/{cut[1]}": 0}
        assert pipeline.committed(client, ENTRIES)[cut] == committed[cut]
        client.close()
        done = kafkalert(pipeline, "group", "seek", pipeline.group(), "start", "--topic", cut[0], "--yes")
        assert done.returncode == 0, done.stderr
        pipeline.await_processed()
        pipeline.verify(least=400)
        assert [stage.stop() for stage in stages] == [0, 0]


@pytest.mark.parametrize(
    ("protocol", "count"),
    [("consumer", 6), ("classic", 6), ("classic", 1)],
    ids=["known by its id", "known by its name", "fewer records than before"],
)
def test_a_topic_made_anew_is_read_from_its_beginning(small: Pipeline, protocol: str, count: int) -> None:
    """Where the group was means nothing in the new one, whether that offset is in it or not."""
    small.engine["group_protocol"] = protocol
    for number in range(3):
        small.book(debit("NL01", f"old-{number}"))
    small.flush()
    alerting = small.alerting()
    await_beat(small, alerting.pid, lambda beat: beat["totals"]["entries"] == 4 and beat["lag"] == 0)
    client, topic = admin(small.cluster), small.topic(ENTRIES)
    partitions = len(small.places(ENTRIES))
    client.delete_topics([topic])[topic].result(SECONDS)

    def made() -> bool:
        future = client.create_topics([NewTopic(topic, partitions, 1)])[topic]
        return future.exception(SECONDS) is None

    assert wait_until(made, SECONDS, every=0.2)
    for number in range(count):
        small.book(debit("NL01", f"new-{number}"))
    small.flush()
    wanted = {"first", *(f"old-{one}" for one in range(3)), *(f"new-{one}" for one in range(count))}
    assert wait_until(lambda: {one.entry for one in small.outputs()} >= wanted, SECONDS), small.outputs()
    await_beat(small, alerting.pid, lambda beat: beat["state"] == "running" and beat["lag"] == 0)
    assert alerting.stop() == 0
