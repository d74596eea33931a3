"""Nothing is lost when the broker goes away: killed and started again, or stopped for half a minute."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from time import monotonic
from urllib.request import urlopen

import pytest

from kafkalert.errors import ExitCode
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.ports import free_port
from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS, Alerting
from tests.support.data.load import Watch, grows, load
from tests.support.pipeline import Pipeline, pipelines
from tests.support.reading import STATUS

pytestmark = pytest.mark.one_cluster

_AWAY = "has not answered for"
_PAUSE_SECONDS = 30
_MOST_GROWTH_KILOBYTES = 64 * 1024


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A broker that these tests kill and pause, one after the other."""
    with Sandbox(tmp_path_factory.mktemp("faulty")) as one:
        one.up(1)
        yield one


@pytest.fixture
def make(sandbox: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Callable[..., Pipeline]]:
    """Makes a bank's topics, filled, on that broker."""
    with pipelines(sandbox.bootstrap(), prefix, tmp_path) as pipeline:
        yield pipeline


@contextmanager
def paused(sandbox: Sandbox) -> Iterator[None]:
    """The broker answers nothing for as long as the block takes."""
    sandbox.pause("dc1")
    try:
        yield
    finally:
        sandbox.resume("dc1")


@pytest.mark.parametrize("mode", ["one-hop", "two-hop"])
def test_broker_killed_while_entries_flow(sandbox: Sandbox, make: Callable[..., Pipeline], mode: str) -> None:
    """A broker that dies and returns costs nothing: alerting waits, goes on by itself, and no alert is missing."""
    pipeline = make(mode=mode)
    watch = Watch(pipeline)
    watch.start()
    alerting = pipeline.alerting()
    with load(pipeline, 300, least=1000):
        assert wait_until(grows(pipeline, 300), SECONDS), pipeline.said()
        sandbox.kill("dc1")
        alerting.await_said(_AWAY)
        sandbox.start("dc1")
        assert wait_until(grows(pipeline, 300), SECONDS), pipeline.said()
        watch.await_commits(3)
    pipeline.await_processed()
    watch.verify(pipeline.verify(least=1000))
    assert alerting.stop() == 0


def test_broker_stopped_for_half_a_minute(sandbox: Sandbox, make: Callable[..., Pipeline]) -> None:
    """A broker that hangs for 30 s is waited for, said every 10 s, in bounded memory; then everything comes."""
    pipeline = make()
    watch = Watch(pipeline)
    watch.start()
    port = free_port(())
    alerting = pipeline.alerting("--http-port", str(port))
    with load(pipeline, 500, least=2000):
        assert wait_until(grows(pipeline, 500), SECONDS), pipeline.said()
        watch.await_commits(3)
        kilobytes = alerting.anonymous_kilobytes()
        with paused(sandbox):
            until = monotonic() + _PAUSE_SECONDS
            alerting.await_said(_AWAY, times=3)  # after 2.5, 12.5 and 22.5 s
            assert wait_until(lambda: monotonic() > until, _PAUSE_SECONDS + 1)
            alerting.check()
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                assert answer.status == HTTPStatus.OK  # it waits, and must not be restarted for that
            said = [one for one in alerting.messages() if _AWAY in one]
        away = [int(one.partition(_AWAY)[2].split()[0]) for one in said]
        assert min(after - before for before, after in pairwise(away)) >= 9, "it is said every 10 s, not more often"
        alerting.await_said("answers again")
        assert wait_until(grows(pipeline, 500), SECONDS), pipeline.said()
        watch.await_commits(3)
        assert alerting.anonymous_kilobytes() - kilobytes < _MOST_GROWTH_KILOBYTES
    pipeline.await_processed()
    watch.verify(pipeline.verify(least=2000))
    assert alerting.stop() == 0
    beats = [json.loads(message.value() or b"{}") for message in pipeline.read(STATUS)]
    assert {beat["pid"] for beat in beats} == {alerting.pid}
    assert beats[-1]["state"] == "stopped"
    assert beats[-1]["lag"] == 0
    assert beats[-1]["totals"]["entries"] >= len(pipeline.sent)


def test_stops_in_order_while_the_broker_hangs(sandbox: Sandbox, make: Callable[..., Pipeline]) -> None:
    """SIGTERM ends alerting with status 0 within 10 s though the broker says nothing; nothing is lost."""
    pipeline = make()
    with load(pipeline, 500):
        alerting = pipeline.alerting()
        assert wait_until(grows(pipeline, 500), SECONDS), pipeline.said()
        with paused(sandbox):
            assert alerting.stop() == 0
    pipeline.alerting()
    pipeline.await_processed()
    pipeline.verify(least=500)


def test_stops_in_order_while_it_starts_on_a_broker_that_hangs(sandbox: Sandbox, make: Callable[..., Pipeline]) -> None:
    """SIGTERM is heard within 10 s too while the first questions to the broker wait for their answers."""
    pipeline = make()
    with paused(sandbox):
        alerting = pipeline.alerting()
        alerting.await_said(_AWAY)
        assert alerting.stop() == 0
    pipeline.send(500)
    pipeline.alerting()
    pipeline.await_processed()
    pipeline.verify(least=50)


def test_second_signal_ends_at_once(sandbox: Sandbox, make: Callable[..., Pipeline]) -> None:
    """Who does not want to wait for the broker signals twice; what was not committed is processed at the next start."""
    pipeline = make()
    with load(pipeline, 500):
        alerting = pipeline.alerting()
        assert wait_until(grows(pipeline, 500), SECONDS), pipeline.said()
        with paused(sandbox):
            alerting.send(signal.SIGINT)
            assert wait_until(lambda: _ends_by_more(alerting), 8)  # before what an orderly end may take is over
            assert alerting.process.returncode == ExitCode.INTERRUPTED
    pipeline.alerting()
    pipeline.await_processed()
    pipeline.verify(least=500)


def _ends_by_more(alerting: Alerting) -> bool:
    alerting.send(signal.SIGINT)
    return alerting.process.poll() is not None


_ASKS = """
import sys
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.errors import UnreachableError
from kafkalert.ops.failover.positions.groups import Groups
from kafkalert.sandbox.process import wait_until

settings = Settings(
    context=Context(clusters=("dc1",)), clusters={"dc1": Cluster(name="dc1", bootstrap=sys.argv[1])}
)
groups, asked = Groups(settings, settings.clusters["dc1"], seconds=2), [settings.group("alerting")]
for ask in (groups.attendance, groups.committed):
    ask(asked)
print("answered", flush=True)
sys.stdin.readline()
for ask in (groups.attendance, groups.committed):
    try:
        ask(asked)
    except UnreachableError:
        print("gave up", flush=True)
sys.stdin.readline()

def answered():
    try:
        return groups.attendance(asked)[asked[0]].is_empty
    except UnreachableError:  # for a moment after its start a broker is not the coordinator yet
        return False

print(wait_until(answered, 60), flush=True)
"""


def test_who_gave_up_asking_a_coordinator_lives_on_when_it_is_back(
    sandbox: Sandbox, make: Callable[..., Pipeline]
) -> None:
    """The library ends a process for that (SIGABRT), where it gave up a request to a coordinator by itself."""
    make()
    with subprocess.Popen(
        [sys.executable, "-c", _ASKS, sandbox.bootstrap()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as asking:
        assert asking.stdin is not None
        assert asking.stdout is not None
        assert asking.stdout.readline() == "answered\n"
        sandbox.kill("dc1")
        asking.stdin.write("\n")
        asking.stdin.flush()
        assert [asking.stdout.readline() for _ in range(2)] == ["gave up\n"] * 2
        sandbox.start("dc1")
        asking.stdin.write("\n")
        asking.stdin.flush()
        assert asking.stdout.readline() == "True\n"
        asking.stdin.close()
        assert asking.wait(SECONDS) == 0
