"""How `run --workers` starts its processes."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import typer

from kafkalert.bus.threads import LostThreadError
from kafkalert.commands import invocation, running
from kafkalert.engine.observe.watchdog import END_SECONDS, Watchdog
from kafkalert.engine.stopping import HOPELESS, PARENT, Stopping
from kafkalert.errors import KafkalertError, RestartError
from kafkalert.tables.faults import LostTablesError
from tests.support.fakes.engine import FakeClock


def test_a_worker_imports_nothing_from_the_working_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A msgspec.py that lies about there is not the library. Each of several stages has as many processes.

    Each is told the context by its name: what the user chooses later is not for a worker that is started anew.
    """
    commands: list[list[str]] = []

    def supervisor(command: Callable[[int], list[str]], count: int, **_: object) -> SimpleNamespace:
        commands.extend(command(index) for index in range(count))
        return SimpleNamespace(run=lambda: None)

    monkeypatch.setattr("kafkalert.engine.supervisor.Supervisor", supervisor)
    monkeypatch.setattr("kafkalert.engine.stopping.Stopping.on_signals", lambda *_, **__: None)
    monkeypatch.setattr(invocation, "of", lambda _: invocation.Invocation(config=Path("x")))
    chosen = SimpleNamespace(context=SimpleNamespace(name="test"))
    monkeypatch.setattr(invocation, "settings", lambda _: chosen)
    options = running.Options(until_end=False, workers=2, http_port=9100, http_host="127.0.0.1", wait=None)
    running.supervise(cast("Any", None), [["alerting"], ["send-email"]], options)
    assert [one[4:8] for one in commands] == [["--config", "x", "--context", "test"]] * 4
    assert [one[:4] for one in commands] == [[sys.executable, "-P", "-m", "kafkalert"]] * 4
    assert [one[-1] for one in commands] == ["9100", "9101", "9102", "9103"]
    assert [one[-3] for one in commands] == ["alerting", "send-email"] * 2


def test_a_worker_whose_loop_is_stuck_is_one_that_a_restart_mends(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends like any that died, not like one for which there is no hope."""
    monkeypatch.setenv(PARENT, "1")
    watchdog = Watchdog()
    for second in range(int(END_SECONDS) + 3):
        watchdog.look(0.0, second)
    with pytest.raises(RestartError, match="stood still for 60 s") as raised, running.as_worker():
        watchdog.check()
    assert raised.value.exit_code == 1


@pytest.mark.parametrize("error", [ValueError("what?"), None], ids=["bug", "lost"])
def test_a_worker_that_lost_a_thread_is_one_that_a_restart_mends(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    """Whatever ended it."""
    monkeypatch.setenv(PARENT, "1")
    stopping = Stopping(FakeClock())
    stopping.thread_ended(error or LostThreadError("The thread pulse ended without a word."))
    assert stopping.reason is not None
    with pytest.raises(RestartError), running.as_worker():
        raise stopping.reason


def test_a_worker_whose_tables_were_removed_is_one_that_a_restart_mends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one reads them anew."""
    monkeypatch.setenv(PARENT, "1")
    with pytest.raises(LostTablesError), running.as_worker():
        raise LostTablesError("The tables were removed while they were in use.")


def test_a_worker_that_gives_a_reason_has_no_hope(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart would end the same way."""
    monkeypatch.setenv(PARENT, "1")
    with pytest.raises(typer.Exit) as raised, running.as_worker():
        raise KafkalertError("The tables are damaged.")
    assert raised.value.exit_code == HOPELESS
