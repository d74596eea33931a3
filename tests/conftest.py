"""Fixtures for every test that needs a real Kafka, which is started when a test asks for it. Hypothesis' profile."""

import itertools
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from kafkalert.sandbox.local import Sandbox

# A deadline measures the machine, not the code; on two shared cores it fails for nothing.
settings.register_profile("kafkalert", deadline=None)
settings.load_profile("kafkalert")

_NUMBER = itertools.count(1)

# A suite that runs in a script's background inherits an ignored ctrl-c, and would hand it on to every command that a
# test interrupts; a signal that is handled here is an ordinary one there.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored under nohup


# Tests on the same clusters share them, so they stay together, in one process each; these take longest, and go first.
_KINDS = ("two_clusters", "one_cluster")


@cache
def _scope(file: Path) -> str:
    """Which process the tests of a file run in: by the clusters that its markers name, else wherever there is room."""
    text = file.read_text(encoding="utf-8")
    return next((kind for kind in _KINDS if f"pytest.mark.{kind}" in text), str(file))


class Apart(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """What needs two clusters runs in one process, what needs one in another, all others by their file.

    The groups of xdist itself (`--dist loadgroup`) are not heard of where pytest is 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _scope(self.config.rootpath / nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Apart:
    """How tests are shared out where several processes run them."""
    return Apart(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have those first that take longest."""
    items.sort(key=lambda item: [*_KINDS, str(item.path)].index(_scope(item.path)))


@pytest.fixture(scope="session")
def sandbox1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One cluster, dc1, shared by the whole session: never kill it, and take topics and groups from `prefix`."""
    with Sandbox(tmp_path_factory.mktemp("sandbox1")) as sandbox:
        sandbox.up(1, full_speed=True)
        yield sandbox


@pytest.fixture(scope="session")
def sandbox2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Two clusters and their mirror, shared as `sandbox1` is; a test starts again what it kills."""
    with Sandbox(tmp_path_factory.mktemp("sandbox2")) as sandbox:
        sandbox.up(2, full_speed=True)
        yield sandbox


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """What this test's topics and groups begin with, so that tests share a broker without meeting."""
    return f"{re.sub(r'[^a-zA-Z0-9]+', '-', request.node.name)[:60]}-{next(_NUMBER)}."


@pytest.fixture
def own_sandbox(tmp_path: Path) -> Iterator[Callable[..., Sandbox]]:
    """Starts a sandbox of the test's own, to kill and pause: `own_sandbox(clusters=2, extra={...})`."""
    started: list[Sandbox] = []

    def start(clusters: int = 1, *, extra: Mapping[str, str] | None = None) -> Sandbox:
        sandbox = Sandbox(tmp_path / f"sandbox-{len(started)}")
        started.append(sandbox)
        sandbox.up(clusters, extra=extra)
        return sandbox

    yield start
    for sandbox in started:
        sandbox.down()
