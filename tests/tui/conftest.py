"""The dashboard before a snapshot that stands still: what is under test is the dashboard, not where that comes from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.ops.overview.snapshot import Snapshot
from kafkalert.tui import changing
from kafkalert.tui.app import Dashboard
from tests.support.data.snapshots import STATES

SETTINGS = Settings(
    context=Context(name="bank", clusters=("dc1", "dc2")),
    clusters={name: Cluster(name=name, bootstrap="127.0.0.1:1") for name in ("dc1", "dc2")},
)


class NoAlerts:
    """A window to which no alert comes."""

    total = kept = 0
    problem = ""

    def newest(self, *_: object, **__: object) -> list[object]:
        """None."""
        return []


@dataclass
class StillSource:
    """A source whose newest snapshot is what a test says."""

    newest: Snapshot | None = None
    settings: Settings = SETTINGS
    common: tuple[str, ...] = ("--config", "x.toml")
    alerts: NoAlerts = field(default_factory=NoAlerts)
    closed: int = 0

    def close_alerts(self) -> None:
        """Count it."""
        self.closed += 1


@dataclass
class Ran:
    """The commands that the dashboard has had run; each goes on until a test says how it ended."""

    commands: list[list[str]] = field(default_factory=list)
    ended: int | None = None
    interrupted: int = 0
    lines: list[str] = field(default_factory=list)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Commands are noted instead of run."""
    noted = Ran()

    class NotedDoing:
        def __init__(self, _: Sequence[str], arguments: Sequence[str], *, whole: bool = False) -> None:
            self.told = ("kafkalert", *arguments)
            self.whole = whole
            self.lines = noted.lines
            noted.commands.append(list(arguments))

        @property
        def status(self) -> int | None:
            return noted.ended

        def interrupt(self) -> None:
            noted.interrupted += 1

    monkeypatch.setattr(changing, "Doing", NotedDoing)
    return noted


@pytest.fixture
def dashboard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Dashboard]:
    """`dashboard("calm")`: before a state of `tests.support.data.snapshots`."""
    monkeypatch.chdir(tmp_path)

    def made(state: str, **more: Any) -> Dashboard:  # noqa: ANN401 - options of Dashboard
        return Dashboard(StillSource(STATES[state]), still=True, **more)  # type: ignore[arg-type]  # it stands in

    return made
