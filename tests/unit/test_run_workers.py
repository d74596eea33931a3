"""How `run --workers` starts its processes."""

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kafkalert.commands import invocation, run


def test_a_worker_imports_nothing_from_the_working_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A msgspec.py that lies about there is not the library."""
    commands: list[list[str]] = []

    def supervisor(command: Callable[[int], list[str]], count: int, **_: object) -> SimpleNamespace:
        commands.extend(command(index) for index in range(count))
        return SimpleNamespace(run=lambda: None)

    monkeypatch.setattr("kafkalert.engine.supervisor.Supervisor", supervisor)
    monkeypatch.setattr("kafkalert.engine.stopping.Stopping.on_signals", lambda *_, **__: None)
    monkeypatch.setattr(invocation, "of", lambda _: SimpleNamespace(arguments=lambda: ["--config", "x"]))
    run._supervise(cast("Any", None), 2, 9100, ["alerting"])
    assert [one[:4] for one in commands] == [[sys.executable, "-P", "-m", "kafkalert"]] * 2
    assert [one[-1] for one in commands] == ["9100", "9101"]
