"""What is wrong is red on a terminal, by what it means; in a pipe nothing has a colour."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from kafkalert.commands.output import Format
from kafkalert.commands.topics import _show
from kafkalert.config.sections import Cluster, Context, Settings
from kafkalert.model.grade import Grade
from kafkalert.ops.failover.status.picture import ClusterSeen
from kafkalert.ops.failover.status.strangers import judged_with_strangers
from kafkalert.ops.topics import State, compare, wanted
from kafkalert.views.failover_survey import show, tables
from tests.support.data.picture import WELL, clusters
from tests.unit.commands.test_table import Terminal

SETTINGS = Settings(context=Context(clusters=("dc1",)), clusters={"dc1": Cluster(name="dc1", bootstrap="h:1")})
ENTRIES, *_ = wanted(SETTINGS)
RED, BOLD_RED = "\x1b[31m", "\x1b[1;31m"
Shown = Callable[[Callable[[], object]], list[str]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """The lines that a picture has on a terminal of sixteen colours."""

    def run(draw: Callable[[], object]) -> list[str]:
        stream = Terminal()
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "160")
        for name in ("NO_COLOR", "COLORTERM"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr("sys.stdout", stream)
        draw()
        return stream.getvalue().splitlines()

    return run


def styled(lines: list[str], word: str) -> str:
    """The colour in which a word is shown; it is there once."""
    (found,) = re.findall(rf"((?:\x1b\[[0-9;]*m)*){word}", "\n".join(lines))
    return str(found)


def test_a_topic_that_differs_or_is_missing_is_red(shown: Shown) -> None:
    """In `topics plan`; one that is in order is not listed there, and means something good."""
    assert {one: one.grade for one in State} == {
        State.FINE: Grade.GOOD,
        State.MISSING: Grade.BAD,
        State.DIFFERS: Grade.BAD,
    }
    rows = [compare("dc1", ENTRIES, replace(ENTRIES, partitions=3)), compare("dc2", ENTRIES, None)]
    lines = shown(lambda: _show(rows, Format.TABLE))
    assert styled(lines, "differs") == styled(lines, "missing") == RED


def test_a_cluster_that_does_not_answer_is_red() -> None:
    """So is a control log that was not read."""
    seen = (ClusterSeen("dc1", answers=True, control=False), ClusterSeen("dc2", answers=False, control=False))
    first, *_ = tables(replace(WELL, clusters=seen))
    assert [[(one.plain, str(one.style)) for one in row[1:3]] for row in first.rows] == [
        [("yes", "green"), ("not read", "red")],
        [("no", "red"), ("not read", "red")],
    ]


def test_the_first_line_is_red_where_the_active_cluster_is_dead(shown: Shown) -> None:
    """And the name of that cluster, in the line below; where all is well both are green."""
    dead = judged_with_strangers(replace(WELL, clusters=clusters("dc1")))
    lines = shown(lambda: show(dead))
    assert lines[0].startswith(f"{BOLD_RED}ACT  dc1 is the active cluster and does not answer.")
    assert lines[1] == f"active: {BOLD_RED}dc1\x1b[0m (never switched)"
    first, second = shown(lambda: show(judged_with_strangers(WELL)))[:2]
    assert first.startswith("\x1b[1;32mALL WELL  ")
    assert second == "active: \x1b[1;32mdc1\x1b[0m (never switched)"


def test_a_pipe_gets_no_colour(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment asks for."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    show(judged_with_strangers(replace(WELL, clusters=clusters("dc1"))))
    assert "\x1b" not in capsys.readouterr().out
