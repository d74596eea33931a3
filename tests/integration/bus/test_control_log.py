"""The control log on two real brokers without a mirror: read, written, copied, true about a cluster that is away."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from time import monotonic

import pytest
from confluent_kafka.admin import NewTopic

from kafkalert.bus import clients
from kafkalert.bus.control.event import Event, Step, encode
from kafkalert.bus.control.log import ControlLog
from kafkalert.bus.control.state import outcome
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.errors import ConfigError, KafkalertError
from kafkalert.ops.active import standing, with_active_first
from kafkalert.ops.failover.switch.repair import Repair, repair
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until

pytestmark = pytest.mark.two_clusters

HOME, AWAY = "dc1", "dc2"
LEASE = 6.0
SECONDS = 20.0
_IDS = count()


class Two:
    """Two clusters, each a sandbox of its own whose broker is called dc1."""

    def __init__(self, folder: Path) -> None:
        self.sandboxes = {name: Sandbox(folder / name) for name in (HOME, AWAY)}
        self.topic = ""

    def settings(self) -> Settings:
        """A context of both."""
        context = Context(clusters=(HOME, AWAY), prefix=self.topic.removesuffix("kafkalert.control"))
        return Settings(context=context, clusters={one.name: one for one in self.clusters})

    def up(self) -> None:
        """Start both."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda sandbox: sandbox.up(1), self.sandboxes.values()))

    def down(self) -> None:
        """End both."""
        for sandbox in self.sandboxes.values():
            sandbox.down()

    @property
    def clusters(self) -> list[Cluster]:
        """As a context has them."""
        return [Cluster(name=name, bootstrap=one.bootstrap()) for name, one in self.sandboxes.items()]

    def make_topic(self, *names: str) -> None:
        """The control log, on the clusters of these names."""
        for cluster in self.clusters:
            if cluster.name in (names or (HOME, AWAY)):
                client = clients.admin(cluster)
                client.create_topics([NewTopic(self.topic, 1, 1)])[self.topic].result(SECONDS)

    def delete_topic(self, name: str) -> None:
        """The control log of this cluster, and return once the broker has heard of it."""
        (cluster,) = (one for one in self.clusters if one.name == name)
        client = clients.admin(cluster)
        client.delete_topics([self.topic])[self.topic].result(SECONDS)
        assert wait_until(lambda: self.topic not in client.list_topics().topics, SECONDS)

    @contextmanager
    def paused(self, name: str) -> Iterator[None]:
        """The cluster answers nothing for as long as the block takes."""
        self.sandboxes[name].pause("dc1")
        try:
            yield
        finally:
            self.sandboxes[name].resume("dc1")

    @contextmanager
    def log(self, *, delay: float = 0.0) -> Iterator[ControlLog]:
        """A reader of both; it closes quickly, whatever the clusters do."""
        log = ControlLog(self.clusters, self.topic, home=HOME, lease=LEASE, by="tester", delay=lambda: delay)
        log.start()
        try:
            yield log
        finally:
            began = monotonic()
            log.close()
            assert monotonic() - began < 2


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """Two clusters that these tests kill and pause, one after the other."""
    two = Two(tmp_path_factory.mktemp("control"))
    try:
        two.up()
        yield two
    finally:
        two.down()


@pytest.fixture
def two(both: Two, prefix: str) -> Two:
    """The same with a control log of this test's own, which is not there yet."""
    both.topic = f"{prefix}kafkalert.control"
    return both


def an_event(epoch: int, step: Step, attempt: str, *, forced: bool = False, seconds: float = 30.0) -> Event:
    """From home to away."""
    detail = {"timeoutSeconds": seconds} if step == "PREPARE" else {}
    return Event(epoch, attempt, step, "forced" if forced else "planned", HOME, AWAY, "tester", 0, "a test", detail)


def put(two: Two, cluster: str, value: bytes) -> None:
    """Any record."""
    (where,) = (one for one in two.clusters if one.name == cluster)
    producer = clients.producer(where)
    producer.produce(two.topic, value)
    assert producer.flush(SECONDS) == 0


def count_of(log: ControlLog, cluster: str) -> int:
    """How many records of the log of `cluster` were read."""
    return len(log._logs.get(cluster, ()))


def test_what_is_written_is_seen_by_all_and_copied_once(two: Two) -> None:
    """Events of one cluster's log are in every view at once; what the other lacks is copied there, and no more."""
    two.make_topic()
    with two.log() as one, two.log() as other:
        assert one.await_settled(SECONDS)
        assert other.await_settled(SECONDS)
        heard: list[int] = []
        other.subscribe(lambda: heard.append(other.view().epoch))
        first, second = f"a-{next(_IDS)}", f"b-{next(_IDS)}"
        assert one.write(HOME, an_event(1, "PREPARE", first), SECONDS)
        assert other.write(HOME, an_event(1, "PREPARE", second), SECONDS)
        for log in (one, other):
            assert log.await_event(HOME, 1, second, "PREPARE", SECONDS)
            pending = log.view().pending
            assert pending is not None
            assert pending.id == first
        put(two, HOME, b'{"epoch": 1}')
        put(two, HOME, b"\xff")
        assert one.write(HOME, an_event(1, "COMMIT", first), SECONDS)
        assert one.write(HOME, an_event(1, "ABORT", first), SECONDS)
        for log in (one, other):
            assert log.await_event(HOME, 1, first, "ABORT", SECONDS)
            assert (log.view().active, log.view().epoch, log.view().next_epoch) == (AWAY, 1, 2)
            assert log.fresh(monotonic())
            assert log.skipped() == 2
        won = outcome(other.view(), 1, first)
        assert won is not None
        assert won.event == "COMMIT"
        assert heard[-1] == 1

        def copied() -> bool:
            one.copy_lacking()
            return one.await_event(AWAY, 1, first, "COMMIT", 0)

        assert wait_until(copied, SECONDS)
        assert other.await_event(AWAY, 1, first, "COMMIT", SECONDS)
        assert [event.key for event in other._logs[AWAY]] == [(1, first, "PREPARE"), (1, first, "COMMIT")]
        one.copy_lacking()
        other.copy_lacking()
        assert one._chore is not None
        assert other._chore is None


def test_what_cannot_be_meant_is_passed_over_by_name(two: Two) -> None:
    """A cluster that nobody has, an epoch far above, a batch of zeros, an open transaction: all else is read."""
    two.make_topic()
    nowhere = b'{"epoch":9007199254740991,"id":"x","event":"COMMIT","mode":"forced","from":"dc1","to":"nowhere",'
    put(two, HOME, nowhere + b'"by":"x","at":1}')
    put(two, HOME, encode(an_event(2**53 - 1, "PREPARE", "far")))
    size = 50_000_000
    large = clients.producer(
        two.clusters[0], linger_ms=500, compression_type="zstd", message_max_bytes=size, batch_size=size
    )
    for _ in range(12):
        large.produce(two.topic, bytes(1_000_000), partition=0)
    assert large.flush(SECONDS) == 0
    open_ended = clients.producer(two.clusters[0], transactional_id=f"{two.topic}-x")
    open_ended.init_transactions(SECONDS)
    open_ended.begin_transaction()
    open_ended.produce(two.topic, b"{}", partition=0)
    open_ended.flush(SECONDS)
    with two.log() as log:
        assert log.await_settled(SECONDS)
        assert log.write(HOME, an_event(1, "PREPARE", "a"), SECONDS)
        assert log.write(HOME, an_event(1, "COMMIT", "a"), SECONDS)
        assert log.await_event(HOME, 1, "a", "COMMIT", SECONDS)
        view = log.view()
        assert (view.active, view.epoch, view.next_epoch) == (AWAY, 1, 2)
        odd = log.passed_over()
        assert [(one.cluster, one.offset) for one in odd] == [(HOME, 0), (HOME, 1), (HOME, 2), (HOME, 14)]
        assert "cluster nowhere" in odd[0].why
        assert "far above" in odd[1].why
        assert "before offset 14 is too large" in odd[2].why
        assert log.lacking().keys() == {AWAY}
        with pytest.raises(KafkalertError, match="would not take the event"):
            log.write(HOME, an_event(5000, "PREPARE", "b"), SECONDS)
    shown: list[Repair] = []
    repaired = repair(two.settings(), shown.append, lambda _: None, by="tester")
    assert [(one.lacks, one.passed_over) for one in shown[0].logs] == [(0, 4), (2, 0)]
    assert shown[0].mends == ("write to the control log of dc2 2 events that it lacks",)
    assert repaired.mended
    assert [one.lacks for one in repaired.logs] == [0, 0]
    assert not repair(two.settings(), shown.append, lambda _: None, by="tester").mends
    open_ended.abort_transaction(SECONDS)


def test_an_attempt_whose_operator_is_gone_is_aborted(two: Two) -> None:
    """Its own time and a grace later any instance writes ABORT, and things go on where they were."""
    two.make_topic()
    with two.log() as log:
        assert log.await_settled(SECONDS)
        assert log.write(HOME, an_event(1, "PREPARE", "left", seconds=0.0), SECONDS)
        assert log.await_event(HOME, 1, "left", "PREPARE", SECONDS)
        began = monotonic()

        def aborted() -> bool:
            log.abort_overdue()
            return log.view().pending is None

        assert wait_until(aborted, SECONDS)
        assert monotonic() - began > 2
        last = log.view().history[-1]
        assert (last.event, last.reason, last.by) == ("ABORT", "timeout", "tester")
        assert (log.view().active, log.view().epoch, log.view().next_epoch) == (HOME, 0, 2)


def test_a_missing_topic_is_a_problem_and_its_coming_is_noticed(two: Two) -> None:
    """With two clusters it has to be there; a context of one does without."""
    two.make_topic(AWAY)
    with two.log() as log:
        with pytest.raises(ConfigError, match="does not exist on dc1"):
            log.await_settled(SECONDS)
        with pytest.raises(ConfigError, match="does not exist on dc1"):
            log.write(HOME, an_event(1, "PREPARE", "x"), SECONDS)
        alone = ControlLog(two.clusters[:1], two.topic, home=HOME)
        alone.start()
        assert alone.await_settled(SECONDS)
        assert alone.fresh(monotonic())
        alone.close()
        two.make_topic(HOME)
        assert log.changed.wait_for(log.settled, SECONDS)
        assert log.problem() is None


def test_a_cluster_that_was_made_anew_does_not_say_where_stages_run(two: Two) -> None:
    """It has no control log; by the other one's a command knows of the switch, and without any there was none."""
    assert standing(two.settings()).active == HOME
    two.make_topic(AWAY)
    put(two, AWAY, encode(an_event(4, "COMMIT", "forced", forced=True)))
    view = standing(two.settings())
    assert (view.epoch, view.active) == (4, AWAY)
    assert with_active_first(two.settings()).context.clusters == (AWAY, HOME)


def test_a_log_that_was_made_anew_is_read_again(two: Two) -> None:
    """What was read stays known until the new one was read; what the new one lacks is copied from the other cluster."""
    two.make_topic()
    with two.log() as log:
        assert log.await_settled(SECONDS)
        assert log.write(AWAY, an_event(1, "COMMIT", "kept", forced=True), SECONDS)
        assert log.write(HOME, an_event(1, "COMMIT", "kept", forced=True), SECONDS)
        assert log.write(HOME, an_event(2, "PREPARE", "lost"), SECONDS)
        assert log.await_event(HOME, 2, "lost", "PREPARE", SECONDS)
        assert log.await_event(AWAY, 1, "kept", "COMMIT", SECONDS)
        two.delete_topic(HOME)
        assert log.changed.wait_for(lambda: log.problem() is not None, SECONDS)
        assert log.view().next_epoch == 3
        assert log.settled()
        two.make_topic(HOME)
        assert log.changed.wait_for(lambda: log.view().next_epoch == 2, SECONDS)
        assert (log.view().active, log.problem()) == (AWAY, None)

        def copied() -> bool:
            log.copy_lacking()
            return log.await_event(HOME, 1, "kept", "COMMIT", 0)

        assert wait_until(copied, SECONDS)


def test_a_cluster_that_hangs_or_is_dead_holds_up_nothing(two: Two) -> None:
    """What is reachable and fresh is told truly; a start waits for a cluster that is away, or for a forced COMMIT."""
    two.make_topic()
    with two.log() as log:
        assert log.await_settled(SECONDS)
        assert log.changed.wait_for(lambda: log.fresh(monotonic()), SECONDS)
        with two.paused(HOME):
            # The active one hangs: this instance may not go on, and knows within the lease.
            assert wait_until(lambda: log.reachable() == {AWAY}, LEASE + 1)
            assert not log.fresh(monotonic())
            began = monotonic()
            assert not log.write(HOME, an_event(1, "PREPARE", "lost"), 0.5)
            assert monotonic() - began < 1
            with two.log() as late:
                assert late.changed.wait_for(lambda: late.reachable() == {AWAY}, SECONDS)
                assert not late.settled()
                forced = an_event(1, "COMMIT", "forced", forced=True)
                assert late.write(AWAY, forced, SECONDS)
                assert late.await_event(AWAY, 1, "forced", "COMMIT", SECONDS)
                assert late.settled()
                assert late.view().active == AWAY
                assert late.changed.wait_for(lambda: late.fresh(monotonic()), SECONDS)
            assert log.await_event(AWAY, 1, "forced", "COMMIT", SECONDS)
            assert log.fresh(monotonic())
        # It comes back, with nothing of all that: it is told.
        assert log.changed.wait_for(lambda: log.reachable() == {HOME, AWAY}, SECONDS)

        def copied() -> bool:
            log.copy_lacking()
            return log.await_event(HOME, 1, "forced", "COMMIT", 0)

        assert wait_until(copied, SECONDS)
        two.sandboxes[HOME].kill("dc1")
        assert wait_until(lambda: log.reachable() == {AWAY}, LEASE + 1)
        assert log.fresh(monotonic())
        began = monotonic()
        assert not log.write(HOME, an_event(2, "PREPARE", "lost"), 0.5)
        assert monotonic() - began < 1
        assert log.write(AWAY, an_event(2, "ABORT", "void"), SECONDS)
        assert log.await_event(AWAY, 2, "void", "ABORT", SECONDS)
        two.sandboxes[HOME].start("dc1")
        assert log.changed.wait_for(lambda: log.reachable() == {HOME, AWAY}, SECONDS)
        assert log.problem() is None
        assert count_of(log, HOME) >= 1
