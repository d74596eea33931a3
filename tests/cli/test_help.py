"""The pages of `--help`, of `kafkalert help`, and of groups without a subcommand."""

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from typer.main import get_command

from kafkalert.cli import COMMANDS, app
from kafkalert.commands.groups import pages

Run = Callable[..., subprocess.CompletedProcess[str]]
WIDTH = 78  # of text, in a terminal of 80 columns


def test_no_summary_of_a_command_is_cut_in_a_terminal_of_80_columns() -> None:
    """A list of commands has a line each, which ends a sentence."""
    root: Any = get_command(app)
    context = root.context_class(root, info_name="kafkalert", terminal_width=WIDTH, **root.context_settings)
    found = {page.command_path: page.get_help() for page in pages(context)}
    assert {"kafkalert", "kafkalert failover reconcile", *(f"kafkalert {name}" for name in COMMANDS)} <= found.keys()
    lists = {path: page.partition("\nCommands:\n")[2].splitlines() for path, page in found.items()}
    assert sum(map(len, lists.values())) == len(found) - 1
    bad = [f"{path}: {line}" for path, lines in lists.items() for line in lines if not line.endswith(".")]
    assert not bad + [f"{path}: {line}" for path, lines in lists.items() for line in lines if line.endswith("..")]


@pytest.mark.parametrize("columns", ["60", "200"])
def test_a_summary_is_whole_in_any_terminal(kafkalert: Run, columns: str) -> None:
    """Where it is narrow, a summary goes on in the next line."""
    page = kafkalert("failover", "--help", env={"COLUMNS": columns}).stdout
    listed = " ".join(page.partition("\nCommands:\n")[2].split())
    assert "reconcile Carry over what was stranded on a cluster that returns. repair" in listed
    assert ".." not in listed


@pytest.mark.parametrize(
    "words",
    [[], ["version"], ["group"], ["group", "seek"], ["failover"], ["failover", "drill"], ["help"]],
    ids=" ".join,
)
def test_help_prints_what_the_option_prints(kafkalert: Run, words: list[str]) -> None:
    asked = kafkalert("help", *words)
    assert asked.returncode == 0
    assert asked.stdout == kafkalert(*words, "--help").stdout
    assert asked.stdout.startswith(f"Usage: {' '.join(['kafkalert', *words])} ")


@pytest.mark.parametrize(
    ("words", "error", "path"),
    [
        (["confg"], "No such command 'confg'. Did you mean 'config'?", "kafkalert"),
        (["failover", "histry"], "No such command 'histry'. Did you mean 'history'?", "kafkalert failover"),
        (["version", "x"], "`kafkalert version` has no commands.", "kafkalert version"),
    ],
)
def test_help_for_what_is_not_there_is_status_2(kafkalert: Run, words: list[str], error: str, path: str) -> None:
    result = kafkalert("help", *words)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"Error: {error}\nHint: See `{path} --help`.\n"


@pytest.mark.parametrize(
    "name", ["config", "context", "group", "mirror", "run", "sandbox", "schemas", "seed", "topics"]
)
def test_a_bare_group_prints_its_help(kafkalert: Run, name: str) -> None:
    """With status 0, and without a configuration."""
    result = kafkalert(name)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == kafkalert(name, "--help").stdout


def test_bare_failover_shows_where_stages_run(kafkalert: Run) -> None:
    """It is no group alone; without a configuration it cannot."""
    assert kafkalert("failover").returncode == 2
