"""Seeding and pruning on a real broker: what the topic holds afterwards."""

import json
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from kafkalert.config.sections import Cluster, Context, Settings, Topics
from kafkalert.engine.clock import Clock, SystemClock
from kafkalert.engine.stopping import Stopping
from kafkalert.errors import ConfigError, RefusedError, UnreachableError
from kafkalert.ops import topic_admin
from kafkalert.ops.seed import writing
from kafkalert.ops.seed.job import Audience, Request, seed
from kafkalert.ops.seed.kinds import AUTHORISATIONS, SETTINGS, BadLines, OnProgress, Progress, Summary
from kafkalert.sandbox.local import Sandbox
from kafkalert.serde.codec import Codec
from kafkalert.serde.keys import encode_key

pytestmark = pytest.mark.one_cluster


@pytest.fixture
def settings(sandbox1: Sandbox, prefix: str) -> Settings:
    """A context of the test's own, with its topics."""
    made = on(sandbox1.bootstrap(), prefix)
    topic_admin.apply(made, topic_admin.plan(made))
    return made


def on(bootstrap: str, prefix: str = "") -> Settings:
    return Settings(
        context=Context(clusters=("dc1",), prefix=prefix),
        clusters={"dc1": Cluster(name="dc1", bootstrap=bootstrap)},
        topics=Topics(partitions=2),
    )


class Listener:
    """Approves everything, and remembers what it was told."""

    def __init__(self, on_step: Callable[[Progress], None] = lambda _: None) -> None:
        self.changes: list[str] = []
        self.bad: list[int] = []
        self.steps: list[Progress] = []
        self.on_step = on_step
        self.stopping = Stopping(SystemClock())
        self.frozen = False

    @contextmanager
    def progress(self, _title: str) -> Iterator[OnProgress]:
        """Remember each step."""

        def step(progress: Progress) -> None:
            self.steps.append(progress)
            self.on_step(progress)

        yield step

    def approve(self, changes: Sequence[str]) -> None:
        """Want everything."""
        self.changes += changes

    def tell(self, _name: str, bad: BadLines) -> None:
        """Remember the lines' numbers."""
        self.bad += [line.number for line in bad.first]

    def seed(self, settings: Settings, request: Request, clock: Clock | None = None) -> Summary:
        """Seed, with this audience."""
        return seed(settings, request, Audience(self.approve, self.progress, self.tell), self.stopping, clock)


def row(account: str, *customers: str) -> bytes:
    value = {"customerIds": [{"id": one} for one in customers]} if customers else None
    return json.dumps({"key": {"id": account}, "value": value}).encode()


def write(path: Path, *lines: bytes) -> str:
    path.write_bytes(b"\n".join(lines))
    return str(path)


def table(settings: Settings, topic: str) -> dict[str, list[str] | None]:
    """What a reader of the whole topic ends up with: the newest value of each key, None for a tombstone."""
    consumer = Consumer(
        {
            "bootstrap.servers": settings.active.bootstrap,
            "group.id": "none",
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
    )
    name = settings.topic(topic)
    partitions = consumer.list_topics(name, timeout=10).topics[name].partitions
    consumer.assign([TopicPartition(name, number, OFFSET_BEGINNING) for number in partitions])
    left, found = set(partitions), dict[str, list[str] | None]()
    while left:
        message: Any = consumer.poll(30)
        assert message is not None, "the topic has no end"
        if message.error():
            assert message.error().code() == KafkaError._PARTITION_EOF
            left.discard(message.partition())
            continue
        key = Codec().decode("AccountId", message.key())["id"]
        value = message.value()
        ids = None if value is None else [one["id"] for one in Codec().decode("CustomerIds", value)["customerIds"]]
        found[key] = ids
    consumer.close()
    return found


def test_ctrl_c_inside_a_delivery_report_is_ctrl_c(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing else listens for it, as in the demo: the library's call breaks, by an error of its own."""
    monkeypatch.setattr(writing.Writer, "_on_delivery", lambda *_: signal.raise_signal(signal.SIGINT))
    path = write(tmp_path / "a", *(row(f"A{number}", "C1") for number in range(20)))
    with pytest.raises(KeyboardInterrupt):
        Listener().seed(settings, Request(AUTHORISATIONS, path))


def test_a_file_becomes_the_table(settings: Settings, tmp_path: Path) -> None:
    """Every good line is a row, the later one counts, null deletes; bad lines are told and leave the others alone."""
    listener = Listener()
    path = write(tmp_path / "a", row("A1", "C1"), b"{", row("A2", "C2"), row("A1", "C3", "C4"), row("A3"))
    summary = listener.seed(settings, Request(AUTHORISATIONS, path))
    assert table(settings, AUTHORISATIONS.topic) == {"A1": ["C3", "C4"], "A2": ["C2"], "A3": None}
    assert (summary.rows, summary.acknowledged, summary.bad_lines, summary.failed) == (4, 4, 1, 0)
    assert listener.bad == [2]
    assert listener.changes == [f"write the rows of {path} to {settings.topic(AUTHORISATIONS.topic)} on dc1"]
    assert listener.steps[-1] == (4, Path(path).stat().st_size, Path(path).stat().st_size)


def test_strict_writes_nothing_if_a_line_is_bad(settings: Settings, tmp_path: Path) -> None:
    """One bad line at the very end, and neither the question is asked nor a row written."""
    listener = Listener()
    path = write(tmp_path / "a", row("A1", "C1"), row("A2", "C2"), b"{")
    summary = listener.seed(settings, Request(AUTHORISATIONS, path, strict=True))
    assert table(settings, AUTHORISATIONS.topic) == {}
    assert (summary.acknowledged, summary.bad_lines, listener.changes, listener.bad) == (0, 1, [], [3])


def test_prune_deletes_what_the_file_lacks_and_nothing_else(settings: Settings, tmp_path: Path) -> None:
    """Rows that the file has stay, rows that it lacks get a tombstone, rows that are gone already get none."""
    path = write(tmp_path / "a", *(row(f"A{number}", "C1") for number in range(100)), row("A100"))
    Listener().seed(settings, Request(AUTHORISATIONS, path))
    listener = Listener()
    path = write(tmp_path / "b", row("A1", "C1"), row("A2", "C9"), row("A200", "C1"))
    summary = listener.seed(settings, Request(AUTHORISATIONS, path, prune=True))
    assert summary.pruned == 98
    assert "delete 98 rows" in listener.changes[1]
    left = {key: value for key, value in table(settings, AUTHORISATIONS.topic).items() if value is not None}
    assert left == {"A1": ["C1"], "A2": ["C9"], "A200": ["C1"]}


def test_prune_leaves_keys_alone_that_it_cannot_read(settings: Settings, tmp_path: Path) -> None:
    """A key of somebody else's making is not deleted, and that is said."""
    producer = Producer({"bootstrap.servers": settings.active.bootstrap})
    name = settings.topic(AUTHORISATIONS.topic)
    producer.produce(name, b"value", b"what is this")
    producer.produce(name, Codec().encode("CustomerIds", {"customerIds": []}), encode_key(Codec(), "AccountId", "A7"))
    assert producer.flush(30) == 0
    listener = Listener()
    path = write(tmp_path / "a", row("A1", "C1"))
    assert listener.seed(settings, Request(AUTHORISATIONS, path, prune=True)).pruned == 1
    assert listener.changes[2] == f"leave 1 key of {name} alone that cannot be read"


@pytest.mark.parametrize(("lines", "reason"), [((row("A1", "C1"), b"{"), "has 1 bad line: "), ((b"",), "has no rows")])
def test_prune_refuses_a_file_that_does_not_tell_what_stays(
    settings: Settings, tmp_path: Path, lines: Sequence[bytes], reason: str
) -> None:
    """A bad line may be the row that is to stay, and an empty file is a mistake: nothing is written."""
    Listener().seed(settings, Request(AUTHORISATIONS, write(tmp_path / "a", row("A9", "C1"))))
    with pytest.raises(RefusedError, match=reason):
        Listener().seed(settings, Request(AUTHORISATIONS, write(tmp_path / "b", *lines), prune=True))
    assert table(settings, AUTHORISATIONS.topic) == {"A9": ["C1"]}


def test_what_the_operator_does_not_want_is_not_written(settings: Settings, tmp_path: Path) -> None:
    """A refusal comes before the first row."""

    class Refusing(Listener):
        def approve(self, changes: Sequence[str]) -> None:
            del changes
            raise RefusedError("No.", hint="")

    with pytest.raises(RefusedError):
        Refusing().seed(settings, Request(AUTHORISATIONS, write(tmp_path / "a", row("A1", "C1"))))
    assert table(settings, AUTHORISATIONS.topic) == {}


def test_a_stop_ends_it_with_a_true_count(settings: Settings, tmp_path: Path) -> None:
    """Stopped midway, it tells how many rows are in the topic, which are exactly those; and prunes nothing."""
    path = write(tmp_path / "a", *(row(f"A{number}", "C1") for number in range(20_000)))
    listener = Listener(lambda progress: listener.stopping.stop() if progress.done > 0 else None)
    summary = listener.seed(settings, Request(AUTHORISATIONS, path))
    assert summary.interrupted
    assert summary.acknowledged == summary.rows == len(table(settings, AUTHORISATIONS.topic)) < 20_000


def test_a_row_that_the_cluster_or_a_stage_does_not_take_is_told(settings: Settings, tmp_path: Path) -> None:
    """A row larger than the topic takes, or than stages decode, fails alone, with its line's number."""
    large, larger = (row(f"A{count}", *(f"C{number:0500d}" for number in range(count))) for count in (1000, 1300))
    serde = settings.serde.model_copy(update={"largest_record": 600_000})
    clusters = {"dc1": _with(settings.active, "message.max.bytes", "400000")}
    settings = settings.model_copy(update={"clusters": clusters, "serde": serde})
    path = write(tmp_path / "a", row("A1", "C1"), large, larger, row("A3", "C1"))
    listener = Listener()
    summary = listener.seed(settings, Request(AUTHORISATIONS, path))
    assert (summary.acknowledged, summary.failed, listener.bad) == (2, 2, [2, 3])
    reasons = [one.reason for one in summary.problems]
    assert reasons == ["larger than the cluster takes", "larger than serde.largest_record"]


def _with(cluster: Cluster, name: str, value: str) -> Cluster:
    return Cluster.model_validate({"name": cluster.name, "bootstrap": cluster.bootstrap, "kafka": {name: value}})


def test_a_missing_topic_is_wrong_configuration(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> None:
    """Without its topic nothing begins, and the sentence says what to run."""
    with pytest.raises(ConfigError, match="does not exist on dc1") as error:
        Listener().seed(on(sandbox1.bootstrap(), prefix), Request(SETTINGS, write(tmp_path / "a", row("A1", "C1"))))
    assert error.value.hint == "Run `kafkalert topics apply`."


def test_a_cluster_that_stops_answering_is_told_with_the_count(
    own_sandbox: Callable[..., Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that freezes midway ends it with 4 and the number of rows that are safe."""
    sandbox = own_sandbox()
    settings = on(sandbox.bootstrap())
    topic_admin.apply(settings, topic_admin.plan(settings))
    monkeypatch.setattr(writing, "STALL_SECONDS", 1.0)
    path = write(tmp_path / "a", *(row(f"A{number}", "C1") for number in range(200_000)))
    paused = False

    def freeze(progress: Progress) -> None:
        nonlocal paused
        if progress.rows and not paused:
            paused = True
            sandbox.pause("dc1")

    try:
        with pytest.raises(UnreachableError, match=r"stopped answering\. [1-9][0-9,]* of [0-9,]+ rows were ack"):
            Listener(freeze).seed(settings, Request(AUTHORISATIONS, path))
    finally:
        sandbox.resume("dc1")


def test_a_stop_is_heard_while_a_hung_cluster_takes_no_more(
    own_sandbox: Callable[..., Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped with a full queue before a broker that froze, it is interrupted, and its count is true."""
    sandbox = own_sandbox()
    settings = on(sandbox.bootstrap())
    topic_admin.apply(settings, topic_admin.plan(settings))
    monkeypatch.setattr(writing, "_QUEUE", 1000)
    monkeypatch.setattr(writing, "STALL_SECONDS", 60.0)
    monkeypatch.setattr(writing, "INTERRUPTED_SECONDS", 0.5)
    path = write(tmp_path / "a", *(row(f"A{number}", "C1") for number in range(50_000)))

    def freeze(progress: Progress) -> None:
        if progress.rows and not listener.frozen:
            listener.frozen = True
            sandbox.pause("dc1")

    listener = Listener(freeze)

    class Waiting(SystemClock):
        """The writer looks at it while it waits for room, and only then once the broker is frozen."""

        def monotonic(self) -> float:
            if listener.frozen:
                listener.stopping.stop()
            return super().monotonic()

    try:
        began = Waiting().monotonic()
        summary = listener.seed(settings, Request(AUTHORISATIONS, path), Waiting())
        assert SystemClock().monotonic() - began < 10
    finally:
        sandbox.resume("dc1")
    assert summary.interrupted
    assert 0 < summary.acknowledged < summary.rows < 50_000
    assert summary.unknown == summary.rows - summary.acknowledged <= 1000
    found = table(settings, AUTHORISATIONS.topic)
    assert summary.acknowledged <= len(found) <= summary.rows


def test_a_topic_that_goes_away_ends_it(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows for a topic that is deleted midway end with a sentence, not with a wait for ever."""
    path = write(tmp_path / "a", *(row(f"A{number}", "C1") for number in range(200_000)))
    monkeypatch.setattr(writing, "STALL_SECONDS", 1.0)
    admin = AdminClient({"bootstrap.servers": settings.active.bootstrap})
    deleted = False

    def delete(progress: Progress) -> None:
        nonlocal deleted
        if progress.rows and not deleted:
            deleted = True
            for future in admin.delete_topics([settings.topic(AUTHORISATIONS.topic)]).values():
                future.result(30)

    with pytest.raises(ConfigError, match=r"does not exist on dc1\. [1-9][0-9,]* of [0-9,]+ rows were acknowledged"):
        Listener(delete).seed(settings, Request(AUTHORISATIONS, path))
