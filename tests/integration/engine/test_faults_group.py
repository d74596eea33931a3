"""Nothing is lost when instances join, leave, die and freeze under load; and a stop under load is an orderly one."""

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS, Alerting
from tests.support.data.load import Watch, grows, load, newest_beats
from tests.support.pipeline import Pipeline, pipelines
from tests.support.reading import ENTRIES

pytestmark = pytest.mark.one_cluster


@pytest.fixture
def make(sandbox1: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Callable[..., Pipeline]]:
    """Makes a bank's topics, filled, on the shared broker."""
    with pipelines(sandbox1.bootstrap(), prefix, tmp_path) as pipeline:
        yield pipeline


@pytest.mark.parametrize("protocol", ["consumer", "classic"])
def test_instances_join_leave_and_die_under_load(make: Callable[..., Pipeline], protocol: str) -> None:
    """Whoever comes or goes, in both group protocols, no alert is lost, late or early; those who stay take over."""
    pipeline = make(group_protocol=protocol)
    watch = Watch(pipeline)
    watch.start()
    with load(pipeline, 300, least=1000):
        first = pipeline.alerting()
        assert wait_until(grows(pipeline, 100), SECONDS), pipeline.said()
        second = pipeline.alerting()
        third = pipeline.alerting()
        await_share(pipeline, first, second, third)
        assert second.stop() == 0
        await_share(pipeline, first, third)
        third.kill()
        await_all(pipeline, first)
        fourth = pipeline.alerting(state="elsewhere")
        await_share(pipeline, first, fourth)
        watch.await_commits(10)
    pipeline.await_processed()
    watch.verify(pipeline.verify(least=1000))
    assert [first.stop(), fourth.stop()] == [0, 0]


@pytest.mark.parametrize("protocol", ["consumer", "classic"])
def test_who_comes_and_goes_in_order_repeats_nothing(make: Callable[..., Pipeline], protocol: str) -> None:
    """What is read just before its partition goes is left to who has it then."""
    pipeline = make(group_protocol=protocol)
    with load(pipeline, 500, least=1000):
        first = pipeline.alerting()
        assert wait_until(grows(pipeline, 100), SECONDS), pipeline.said()
        for _ in range(3):
            other = pipeline.alerting()
            await_share(pipeline, first, other)
            assert other.stop() == 0
            await_all(pipeline, first)
    pipeline.await_processed()
    times = Counter(one.id for one in pipeline.verify(least=1000))
    assert [one for one, count in times.items() if count > 1] == [], pipeline.said()
    assert first.stop() == 0


def test_instance_frozen_beyond_its_session(make: Callable[..., Pipeline]) -> None:
    """An instance that freezes with work in its hands, and wakes when another did it, harms nothing."""
    pipeline = make()
    watch = Watch(pipeline)
    watch.start()
    with load(pipeline, 300, least=500):
        frozen = pipeline.alerting()
        assert wait_until(grows(pipeline, 100), SECONDS), pipeline.said()
        other = pipeline.alerting(state="elsewhere")
        await_share(pipeline, frozen, other)
        frozen.send(signal.SIGSTOP)
        await_all(pipeline, other)
        frozen.send(signal.SIGCONT)
        await_share(pipeline, frozen, other)
        watch.await_commits(10)
    pipeline.await_processed()
    watch.verify(pipeline.verify(least=500))
    assert [frozen.stop(), other.stop()] == [0, 0]


def test_tables_that_nobody_follows_hold_the_machine(make: Callable[..., Pipeline]) -> None:
    """Where the one that follows the tables freezes, the others there hold, say so, and go on when it wakes."""
    pipeline = make()
    with load(pipeline, 200, least=500):
        frozen = pipeline.alerting()
        assert wait_until(grows(pipeline, 100), SECONDS), pipeline.said()
        other = pipeline.alerting()
        await_share(pipeline, frozen, other)
        frozen.send(signal.SIGSTOP)
        other.await_said("held: the customer tables are")
        frozen.send(signal.SIGCONT)
        other.await_said("going on")
    pipeline.await_processed()
    pipeline.verify(least=500)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_in_order_under_load(make: Callable[..., Pipeline], number: signal.Signals) -> None:
    """SIGTERM and ctrl-c under load: delivered, committed, left, status 0; so a restart repeats nothing."""
    pipeline = make()
    with load(pipeline, 500, least=1000):
        for _ in range(2):
            alerting = pipeline.alerting()
            assert wait_until(grows(pipeline, 500), SECONDS), pipeline.said()
            assert alerting.stop(number) == 0
        pipeline.alerting()
    pipeline.await_processed()
    outputs = pipeline.verify(least=1000)
    assert len(outputs) == len({one.id for one in outputs})


def await_share(pipeline: Pipeline, *who: Alerting) -> None:
    """Wait until each of `who` has partitions, and nobody else."""
    await_assigned(pipeline, lambda shares: shares.keys() == {one.pid for one in who} and all(shares.values()))


def await_all(pipeline: Pipeline, who: Alerting) -> None:
    """Wait until one has all partitions."""
    await_assigned(pipeline, lambda shares: shares.get(who.pid) == pipeline.partitions)


def await_assigned(pipeline: Pipeline, good: Callable[[dict[int, int]], bool]) -> None:
    """Wait until the newest heartbeats say that partitions are as they should be."""
    shares: dict[int, int] = {}

    def settled() -> bool:
        for one in pipeline.alertings:
            one.check()
        shares.clear()
        for beat in newest_beats(pipeline, seconds=2.5):
            shares[beat["pid"]] = len(beat["partitions"].get(pipeline.topic(ENTRIES), ()))
        return sum(shares.values()) == pipeline.partitions and good(shares)

    assert wait_until(settled, SECONDS, every=0.2), f"{shares}\n{pipeline.said()}"
