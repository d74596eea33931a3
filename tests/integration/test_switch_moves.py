"""Stages move between two real clusters as the control log says; the tests write it, and stand in for the mirror."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kafkalert.sandbox.local import Sandbox
from tests.switching import Pair

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A second cluster; what a test pauses it resumes."""
    with Sandbox(tmp_path_factory.mktemp("other")) as sandbox:
        sandbox.up(1)
        yield sandbox


@pytest.fixture
def pair(sandbox1: Sandbox, other: Sandbox, prefix: str, tmp_path: Path) -> Iterator[Pair]:
    """dc1 is the shared cluster, dc2 this module's."""
    one = Pair({"dc1": sandbox1.bootstrap(), "dc2": other.bootstrap()}, prefix, tmp_path)
    yield one
    one.end()


def test_a_planned_switch_and_an_aborted_one(pair: Pair) -> None:
    """ABORT: everything goes on where it was. COMMIT: on the other cluster, in the same process, without a repeat."""
    alerting = pair.dc1.alerting("-v")
    pair.dc1.send(200)
    pair.dc1.await_processed()
    pair.prepare(1)
    pair.await_state("prepared", pids={alerting.pid})
    pair.dc1.send(100)
    pair.dc1.flush()
    pair.write("dc1", "ABORT", 1)
    pair.dc1.await_processed()
    pair.prepare(2)
    pair.await_state("prepared", pids={alerting.pid}, on="dc2")
    detail = pair.cut()
    pair.dc2.send(200)
    pair.dc2.flush()
    pair.write("dc1", "COMMIT", 2, detail=detail)
    pair.dc2.await_processed()
    pair.await_state("running", pids={alerting.pid}, epoch=2)
    for site in (pair.dc1, pair.dc2):
        outputs = site.verify(least=50)
        assert len(outputs) == len({one.id for one in outputs})
    assert alerting.stop() == 0
