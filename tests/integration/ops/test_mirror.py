"""`kafkalert mirror` on two real clusters with their workers: one sandbox for all, each test leaves it in order."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, time_ns
from typing import Any

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from kafkalert.bus.clients import admin
from kafkalert.bus.connect.flow import flows
from kafkalert.config.loading.load import load
from kafkalert.ops import topic_admin
from kafkalert.ops.mirror import applying, lag
from kafkalert.ops.mirror.condition import Condition
from kafkalert.ops.mirror.expired import STEADY_MS
from kafkalert.ops.mirror.status import FlowStatus, status
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.fakes.connect import late
from tests.support.feeding import Worker

pytestmark = pytest.mark.two_clusters

COMMAND = Path(sys.executable).with_name("kafkalert")
FLOW = "mirror-dc1-to-dc2"
ENTRIES = "accountentry"
LONG = "org.apache.kafka.connect.converters.LongConverter"
SECONDS = 30.0


class Mirror:
    """The sandbox, its workers, and the command."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.settings = load(sandbox.folder / "sandbox.toml")
        self.worker = Worker(self.settings.clusters["dc2"])

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`kafkalert mirror ...` as installed; or `kafkalert failover ...`."""
        config = ["--config", str(self.sandbox.folder / "sandbox.toml")]
        group = () if arguments[0] == "failover" else ("mirror",)
        return subprocess.run(
            [COMMAND, *group, *arguments, *config], capture_output=True, text=True, timeout=60, check=False
        )

    def look(self) -> list[FlowStatus]:
        """What `mirror status` shows."""
        return status(self.settings, flows(self.settings))

    def into_dc2(self, holds: Callable[[FlowStatus], bool]) -> FlowStatus:
        """The flow into dc2, once `holds` of it."""
        seen: list[FlowStatus] = []

        def look() -> bool:
            seen.append(self.look()[0])
            return holds(seen[-1])

        assert wait_until(look, SECONDS), seen[-1]
        return seen[-1]

    def status(self, *arguments: str) -> tuple[dict[str, Any], int]:
        """What `mirror status` says of the flow into dc2, and with which status it ends."""
        done = self.run("status", "-o", "json", *arguments)
        (row,) = [row for row in json.loads(done.stdout) if row["target"] == "dc2"]
        return row, done.returncode

    def send(self, count: int, cluster: str = "dc1", **more: Any) -> None:  # noqa: ANN401 - as the library has it
        """Write entries that the cluster acknowledges."""
        producer = Producer({"bootstrap.servers": self.sandbox.bootstrap(cluster), "acks": "all", "log_level": 0})
        for number in range(count):
            producer.produce(ENTRIES, **({"key": b"%d" % number, "value": b"%d" % time_ns()} | more))
        assert producer.flush(SECONDS) == 0

    def records(self, cluster: str) -> list[Message]:
        """Everything in the entries of a cluster, by partition and offset."""
        consumer = Consumer({"bootstrap.servers": self.sandbox.bootstrap(cluster), "group.id": "none", "log_level": 0})
        partitions = consumer.list_topics(ENTRIES, timeout=SECONDS).topics[ENTRIES].partitions
        ends = {one: consumer.get_watermark_offsets(TopicPartition(ENTRIES, one), SECONDS) for one in partitions}
        consumer.assign([TopicPartition(ENTRIES, one, low) for one, (low, _) in ends.items()])
        found: list[Message] = []

        def complete() -> bool:
            found.extend(message for message in consumer.consume(1000, 0.1) if not message.error())
            return len(found) >= sum(high - low for low, high in ends.values())

        assert wait_until(complete, SECONDS)
        consumer.close()
        return sorted(found, key=lambda message: (message.partition() or 0, message.offset() or 0))

    def configure(self, **changed: str) -> None:
        """Change the flow into dc2 behind kafkalert's back."""
        config = self.worker.config(FLOW)
        assert config is not None
        self.worker.put_config(FLOW, config | {name.replace("_", "."): value for name, value in changed.items()})

    def hold(self, how: Callable[[str], None], state: str) -> None:
        """Stop or pause the flow into dc2 and wait until nothing of it works any more."""
        how(FLOW)

        def held() -> bool:
            found = self.worker.status(FLOW)
            return found is not None and {found.state, *(task.state for task in found.tasks)} == {state}

        assert wait_until(held, SECONDS)

    def limit(self, size: str) -> None:
        """Let dc2 take no larger entries."""
        wanted = ConfigEntry("max.message.bytes", size, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, ENTRIES, incremental_configs=[wanted])
        client = admin(self.settings.clusters["dc2"])  # held: its answers come only while it lives
        for done in client.incremental_alter_configs([resource]).values():
            done.result(SECONDS)

    def state(self) -> str:
        """What the worker itself says of the flow into dc2."""
        found = self.worker.status(FLOW)
        return found.state if found else "ABSENT"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    """Two clusters with all topics, both flows running."""
    with Sandbox(tmp_path_factory.mktemp("mirror")) as sandbox:
        sandbox.up(2)
        mirror = Mirror(sandbox)
        topic_admin.apply(mirror.settings, topic_admin.plan(mirror.settings))
        yield mirror


@pytest.fixture
def mirror(shared: Mirror) -> Mirror:
    """As `shared`, in order and with nothing left to carry."""
    shared.sandbox.start("mirror-dc2")  # unless it runs
    assert wait_until(lambda: all((one.state, one.lag_records) == ("running", 0) for one in shared.look()), SECONDS)
    return shared


def test_what_the_sandbox_made_is_what_apply_would_make(mirror: Mirror) -> None:
    """Nothing to change; and both flows are seen running, with nothing to carry."""
    done = mirror.run("apply", "--yes")
    assert done.returncode == 0, done.stderr
    assert "All flows are in order; there is nothing to change." in done.stderr
    row, code = mirror.status()
    assert (row["source"], row["connector"], row["lag_records"], row["lag_complete"]) == ("dc1", FLOW, 0, True)
    assert (row["state"], code) == ("running", 0)
    assert row["running"] == row["tasks"] > 0


def test_a_record_crosses_as_it_is(mirror: Mirror) -> None:
    """Tombstone, empty value, headers, partition and time; a large one that compresses well too."""
    settings = {"bootstrap.servers": mirror.sandbox.bootstrap("dc1"), "message.max.bytes": 4_000_000}
    producer = Producer(settings | {"compression.type": "lz4"})
    headers: list[tuple[str, Any]] = [("ka-id", b"1"), ("none", None), ("bytes", b"\x00\xff")]
    values = (None, b"", b"x" * 3_000_000)
    then = time_ns() // 1_000_000 - 60_000
    for number, value in enumerate(values):
        producer.produce(ENTRIES, value, b"k%d" % number, partition=number, timestamp=then + number, headers=headers)
    assert producer.flush(SECONDS) == 0
    mirror.into_dc2(lambda flow: flow.lag_records == 0)
    found = {record.key(): record for record in mirror.records("dc2")}
    for number, value in enumerate(values):
        record = found[b"k%d" % number]
        assert (record.value(), record.partition(), record.timestamp()[1]) == (value, number, then + number)
        assert record.headers() == [*headers, ("ka-origin.dc1", None)]


def test_lag_is_what_must_cross_and_has_not(mirror: Mirror) -> None:
    """Counted while the flow is stopped, by topic too; records of the other cluster need no crossing; then 0 again."""
    mirror.hold(mirror.worker.stop, "STOPPED")
    mirror.send(70)
    mirror.send(30, "dc2")
    row, code = mirror.status("--topics")
    assert (row["state"], row["lag_records"], row["lag_complete"], code) == ("stopped", 70, True, 3)
    assert 0 < row["lag_seconds"] < SECONDS
    assert {topic["topic"]: topic["records"] for topic in row["topics"] if topic["records"]} == {ENTRIES: 70}
    mirror.worker.resume(FLOW)
    flow = mirror.into_dc2(lambda flow: flow.lag_records == 0)
    assert flow.lag_seconds == 0


def test_all_that_is_not_confirmed_is_read_where_that_is_asked_for(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that is missing before many that came from the target is found; else it is said that one may be."""
    mirror.hold(mirror.worker.stop, "STOPPED")
    mirror.send(1, key=b"one")
    mirror.send(60, "dc2", key=b"one")
    assert wait_until(lambda: mirror.look()[1].lag_records == 0, SECONDS)
    monkeypatch.setattr(lag, "PER_SECOND", 1)
    out = flows(mirror.settings)[:1]
    (newest,), (whole,) = status(mirror.settings, out), status(mirror.settings, out, whole=True)
    assert (newest.lag_records, newest.lag_complete) == (0, False)
    assert "the estimate of the backlog is incomplete" in newest.lag_reason
    assert (whole.lag_records, whole.lag_complete, whole.lag_reason) == (1, True, "")
    monkeypatch.undo()
    mirror.worker.resume(FLOW)
    mirror.into_dc2(lambda flow: flow.lag_records == 0)


@pytest.mark.parametrize("state", ["stopped", "paused"])
def test_apply_leaves_what_somebody_stopped_or_paused(mirror: Mirror, state: str) -> None:
    """It says so with status 3, as `status` does; --resume lets it go on."""
    mirror.hold({"stopped": mirror.worker.stop, "paused": mirror.worker.pause}[state], state.upper())
    row, code = mirror.status()
    assert (row["state"], row["lag_records"], code) == (state, 0, 3)
    done = mirror.run("apply", "--yes")
    assert (done.returncode, mirror.state()) == (3, state.upper())
    assert f"{FLOW} is {state}; --resume lets it go on, or `failover reconcile`" in done.stderr
    assert mirror.run("apply", "--yes", "--resume").returncode == 0
    assert mirror.state() == "RUNNING"


def test_a_connector_that_is_gone_is_made_anew(mirror: Mirror) -> None:
    """And goes on where it was: nothing crosses twice."""
    before = len(mirror.records("dc2"))
    mirror.hold(mirror.worker.stop, "STOPPED")  # so that it has written down how far it is
    mirror.worker.delete(FLOW)
    assert mirror.into_dc2(lambda flow: flow.state == "absent").lag_records == 0
    refused = mirror.run("apply")
    assert refused.returncode == 5
    assert f"create {FLOW} beside dc2" in refused.stderr
    assert mirror.state() == "ABSENT"
    assert mirror.run("apply", "--yes").returncode == 0
    assert mirror.state() == "RUNNING"
    mirror.send(1)
    assert wait_until(lambda: len(mirror.records("dc2")) > before, SECONDS)
    assert len(mirror.records("dc2")) == before + 1


def test_a_changed_connector_is_corrected(mirror: Mirror) -> None:
    """What differs is shown first, and what somebody wrote in clear hidden."""
    mirror.configure(tasks_max="1", replication_factor="2", x_password="geheim")  # noqa: S106 - to look for
    shown = mirror.run("apply", "--no-input")
    assert shown.returncode == 5
    assert "replication.factor from 2 to 1; tasks.max from 1 to 2; x.password removed" in shown.stderr
    assert "geheim" not in shown.stderr
    assert mirror.run("apply", "--yes").returncode == 0
    config = mirror.worker.config(FLOW)
    assert config is not None
    assert (config["tasks.max"], config["replication.factor"], "x.password" in config) == ("2", "1", False)


def test_a_failed_task_is_told_with_its_reason(mirror: Mirror) -> None:
    """Status 3 and why; what waits is counted; apply corrects what is wrong and it goes on."""
    mirror.hold(mirror.worker.stop, "STOPPED")  # else the old tasks might carry some
    mirror.configure(value_converter=LONG)
    mirror.send(9)
    mirror.worker.resume(FLOW)
    mirror.into_dc2(lambda flow: flow.state == "failed")
    row, code = mirror.status()
    assert row["reason"] == "Tolerance exceeded in error handler (ClassCastException)"
    assert (row["state"], row["lag_records"], code) == ("failed", 9, 3)
    done = mirror.run("apply", "--yes")
    assert done.returncode == 0, done.stderr
    mirror.into_dc2(lambda flow: (flow.state, flow.lag_records) == ("running", 0))


def test_apply_shows_no_state_of_before(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that says late what became of an order is waited for, whether a stop or a failure was before."""

    def applied(*arguments: str) -> tuple[str, int]:
        with late(mirror.settings.clusters["dc2"].workers[0], 10) as url:
            monkeypatch.setenv("KAFKALERT_CLUSTERS__DC2__CONNECT", url)
            done = mirror.run("apply", "--yes", "--into", "dc2", "-o", "json", *arguments)
        return json.loads(done.stdout)[0]["state"], done.returncode

    mirror.hold(mirror.worker.stop, "STOPPED")
    assert applied("--resume") == ("running", 0)
    mirror.hold(mirror.worker.stop, "STOPPED")  # else the old tasks might carry some
    mirror.configure(value_converter=LONG)
    mirror.send(9)
    mirror.worker.resume(FLOW)
    mirror.into_dc2(lambda flow: flow.state == "failed")
    assert applied() == ("running", 0)


def test_what_the_worker_does_not_tell_in_time_is_not_known(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is starting, as far as is known, and not what it was before."""
    mirror.hold(mirror.worker.stop, "STOPPED")
    with late(mirror.settings.clusters["dc2"].workers[0], 60) as url:
        monkeypatch.setenv("KAFKALERT_CLUSTERS__DC2__CONNECT", url)
        settings = load(mirror.sandbox.folder / "sandbox.toml")
        before = applying.survey(settings, flows(settings)[:1], lambda _: None)
        begin = monotonic()
        (found,) = applying.apply(settings, before, lambda _: None, resume=True, seconds=3)
        assert monotonic() - begin < 8
    assert (found.condition, found.told, found.differences) == (Condition.STARTING, False, ())
    assert "has not said yet" in found.reason
    mirror.into_dc2(lambda flow: flow.state == "running")


def test_a_task_that_fails_again_is_one_sentence(mirror: Mirror) -> None:
    """The connector is as it should be, and the target refuses a record: status 1, and why; mended, it goes on."""
    mirror.limit("1000")
    mirror.send(1, value=os.urandom(5_000))
    mirror.into_dc2(lambda flow: flow.state == "failed")
    done = mirror.run("apply", "--yes")
    assert done.returncode == 1
    assert f"restart {FLOW} beside dc2, which failed: " in done.stderr
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
    assert error.startswith(f"Error: {FLOW} does not run: ")
    assert "larger than the max message size" in error
    mirror.limit("1048588")
    mirror.worker.restart(FLOW)
    mirror.into_dc2(lambda flow: flow.lag_records == 0)


def test_references_are_resolved_by_the_worker(mirror: Mirror) -> None:
    """With the providers of `mirror config --worker`: a connector finds its source by what stands in a file."""
    before = mirror.worker.config(FLOW)
    assert before is not None
    (mirror.sandbox.folder / "source").write_text(mirror.sandbox.bootstrap("dc1"), encoding="ascii")
    mirror.configure(source_cluster_bootstrap_servers=f"${{directory:{mirror.sandbox.folder.resolve()}:source}}")
    mirror.send(3)
    mirror.into_dc2(lambda flow: (flow.state, flow.lag_records) == ("running", 0))
    mirror.worker.put_config(FLOW, before)


def test_a_hung_cluster_leaves_the_lag_unknown(mirror: Mirror) -> None:
    """Unknown is not 0; status 4, in time; and what the worker beside the other one knows is still told."""
    mirror.sandbox.pause("dc1")
    try:
        begin = monotonic()
        row, code = mirror.status()
        assert monotonic() - begin < 10
    finally:
        mirror.sandbox.resume("dc1")
    assert (row["state"], row["lag_records"], row["lag_seconds"], code) == ("running", None, None, 4)
    assert "Cluster dc1" in row["lag_reason"]


def test_a_killed_worker_is_status_4_in_time(mirror: Mirror) -> None:
    """The other flow is shown as it is, and so is the lag, which the clusters tell."""
    mirror.sandbox.kill("mirror-dc2")
    mirror.send(4)
    begin = monotonic()
    row, code = mirror.status()
    assert monotonic() - begin < 10
    assert (row["state"], row["lag_records"], code) == ("unreachable", 4, 4)
    done = mirror.run("apply", "--yes")
    assert done.returncode == 4
    assert "The Connect worker beside dc2" in done.stderr
    assert row["hint"].startswith("Start it")
    assert mirror.run("status", "--into", "dc1").returncode == 0


def test_records_that_expired_before_they_crossed_are_told(mirror: Mirror) -> None:
    """Counted while the flow stands before the gap, and after it has passed over it; told before a switch asks."""
    places = [TopicPartition(ENTRIES, one) for one in range(4)]
    mirror.send(40)
    mirror.into_dc2(lambda flow: flow.lag_records == 0)
    assert wait_until(lambda: {one for _, one in mirror.worker.offsets(FLOW) or {}} >= {0, 1, 2, 3}, SECONDS)
    mirror.hold(mirror.worker.stop, "STOPPED")
    stopped = monotonic()
    mirror.send(20)
    assert mirror.status()[0]["expired"] == []
    client = admin(mirror.settings.clusters["dc1"])  # held: its answers come only while it lives
    for done in client.delete_records([TopicPartition(one.topic, one.partition, -1) for one in places]).values():
        done.result(SECONDS)  # what retention does
    row, code = mirror.status()
    assert (row["lag_records"], row["expired"], code) == (0, [{"topic": ENTRIES, "records": 20, "anew": False}], 3)
    # A shorter step between two confirmations is that of a flow that runs.
    assert wait_until(lambda: monotonic() - stopped > STEADY_MS / 1000, SECONDS, every=0.5)
    mirror.worker.resume(FLOW)
    mirror.send(40)
    flow = mirror.into_dc2(lambda flow: (flow.state, flow.lag_records, flow.expired_reason) == ("running", 0, ""))
    assert [(one.topic, one.records) for one in flow.expired] == [(ENTRIES, 20)]
    told = mirror.run("status", "--into", "dc2")
    assert told.returncode == 3
    said = " ".join(told.stdout.split())
    assert "records expired on dc1 before they crossed, at most 20 of accountentry" in said
    assert "all has crossed" not in said
    dry = mirror.run("failover", "--to", "dc2", "--dry-run")
    assert "not on dc2: records expired on dc1 before they crossed, at most 20 of accountentry" in dry.stderr
    assert "nothing is lost" not in dry.stderr
