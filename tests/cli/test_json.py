"""The keys of what `-o json` prints, which programs rely on: as docs/cli.md promises them, in their order."""

import json
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from kafkalert.ops.deadletters.grouping import Group
from kafkalert.ops.deadletters.looking import Line, Shown
from kafkalert.ops.deadletters.planning import Fates
from kafkalert.ops.lag.picture import PartitionLag
from kafkalert.ops.overview.status import Status
from kafkalert.ops.schemas import Checked
from kafkalert.ops.seed.kinds import Problem, Summary
from kafkalert.sandbox.demo import Summary as DemoSummary
from kafkalert.sandbox.local import Sandbox
from tests.support.tailing import EMAIL, Board

Run = Callable[..., CompletedProcess[str]]

VERSION_1 = {
    "tail": "channel topic partition offset timestamp key value headers",
    "topics plan": "cluster topic state detail differences",
    "differences": "what now wanted action",
    "dlq list": "version cluster stage reason letters again first last topics example",
    "dlq list --letters": "version cluster place stage reason time topic from_partition from_offset from_cluster"
    " replays state detail",
    "dlq show": "version cluster place stage reason time topic from_partition from_offset from_cluster record_time"
    " replays state by done why detail passes why_not schema expected key_bytes value_bytes key value headers",
    "dlq replay": "version cluster stage reason letters state why example",
    "lag": "group topic partition verdict lag records counted seconds_behind rate_in rate_out catch_up_seconds trend"
    " committed start end gone why",
    "schemas list": "name part subject fingerprint",
    "schemas check": "name subject state id",
    "config show": "key value source",
    "status": "version context at level sentence verdict active epoch pending clusters flows instances absent groups"
    " dead_letters findings",
    "sandbox status": "name kind state address pid",
    "seed authorisations": "topic cluster rows acknowledged pruned bad_lines failed unknown seconds rows_per_second"
    " interrupted problems",
    "problems": "line reason",
    "topics acls --grant": "cluster command",
    "doctor": "subject cluster name grade text hint",
    "demo": "seed seconds bookings expected arrived email sms push missing wrong repeated warm_after p50_ms p99_ms"
    " lost",
}
"""Keys may be added here. To take one away, or to call it otherwise, is a new version."""


def keys(rows: Any) -> set[str]:  # noqa: ANN401 - JSON
    """The keys of all objects, which all have the same in the same order."""
    assert isinstance(rows, list)
    assert rows
    return {" ".join(row) for row in rows}


def test_the_documentation_says_so() -> None:
    """docs/cli.md has a row with these keys for each."""
    text = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    for name, promised in VERSION_1.items():
        row = re.search(rf"^\|.*`{name}`.*\| (.*) \|$", text, re.MULTILINE)
        assert row is not None, name
        assert row[1].replace(", ", " ") == promised


@pytest.fixture
def configured(tmp_path: Path) -> None:
    """A configuration of a cluster that nobody has to reach."""
    (tmp_path / "kafkalert.toml").write_text('[clusters.dc1]\nbootstrap = "127.0.0.1:9"\n', encoding="utf-8")


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("command", ["schemas list", "config show"])
def test_lists(kafkalert: Run, command: str) -> None:
    """An array of objects of one shape."""
    done = kafkalert(*command.split(), "-o", "json")
    assert keys(json.loads(done.stdout)) == {VERSION_1[command]}


def test_nothing_is_an_empty_array(kafkalert: Run) -> None:
    """Where there is no object there is an array all the same."""
    assert json.loads(kafkalert("sandbox", "status", "-o", "json").stdout) == []


@pytest.mark.one_cluster
def test_lists_of_a_cluster(sandbox1: Sandbox, prefix: str, tmp_path: Path, kafkalert: Run) -> None:
    """Topics with their differences, the sandbox's parts, and records, an object a line."""
    (tmp_path / "kafkalert.toml").write_text(
        f'[clusters.dc1]\nbootstrap = "{sandbox1.bootstrap()}"\n'
        f'[contexts.a]\nclusters = ["dc1"]\nprefix = "{prefix}"\n',
        encoding="utf-8",
    )
    topics = json.loads(kafkalert("topics", "plan", "-o", "json").stdout)
    assert keys(topics) == {VERSION_1["topics plan"]}
    assert keys([each for one in topics for each in one["differences"]]) == {VERSION_1["differences"]}
    parts = kafkalert("sandbox", "status", "--folder", str(sandbox1.folder), "-o", "json")
    assert keys(json.loads(parts.stdout)) == {VERSION_1["sandbox status"]}
    board = Board(sandbox1.bootstrap(), prefix)
    board.make(EMAIL)
    board.put(EMAIL, 1)
    board.flush()
    (line,) = kafkalert("tail", "email", "-o", "json").stdout.splitlines()
    assert keys([json.loads(line)]) == {VERSION_1["tail"]}


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("schemas check", Checked),
        ("seed authorisations", Summary),
        ("problems", Problem),
        ("lag", PartitionLag),
        ("demo", DemoSummary),
        ("dlq list", Group),
        ("dlq list --letters", Line),
        ("dlq show", Shown),
        ("dlq replay", Fates),
        ("status", Status),
    ],
)
def test_rows_of_commands_that_take_more_to_run(name: str, row: Any) -> None:  # noqa: ANN401 - a dataclass
    """A row's keys are its type's fields."""
    assert " ".join(field.name for field in fields(row)) == VERSION_1[name]
