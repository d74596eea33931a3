"""`init`, `config check` and `config show`, by the installed command."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

CONFIGURATION = """\
[clusters.dc1]
bootstrap = "127.0.0.1:9092"
[clusters.dc1.kafka]
sasl.username = "me"
sasl.password = {env = "PASSWORD"}
"""


def test_init_check_and_show_follow_each_other(kafkalert: Run, tmp_path: Path) -> None:
    """A new file is right, is the user's alone, and is what is in force."""
    written = kafkalert("init")
    assert (written.returncode, written.stdout) == (0, "")
    assert "kafkalert.toml" in written.stderr
    assert (tmp_path / "kafkalert.toml").stat().st_mode & 0o777 == 0o600
    checked = kafkalert("config", "check")
    assert (checked.returncode, checked.stdout) == (0, "")
    assert checked.stderr == "kafkalert.toml is right. Context local, with dc1.\n"
    assert kafkalert("config", "show").returncode == 0


def test_init_replaces_nothing_unless_it_has_to(kafkalert: Run, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("mine")
    refused = kafkalert("init", "mine.toml")
    assert refused.returncode == 5
    assert "mine.toml is there already" in refused.stderr
    assert "--force" in refused.stderr
    assert path.read_text() == "mine"
    assert kafkalert("init", "mine.toml", "--force").returncode == 0
    assert "[clusters.dc1]" in path.read_text()


def test_init_into_nowhere_is_a_sentence(kafkalert: Run) -> None:
    result = kafkalert("init", "no/such/folder.toml")
    assert result.returncode == 1
    assert "no/such/folder.toml cannot be written: No such file or directory." in result.stderr


def test_a_wrong_file_is_status_2_with_every_problem(kafkalert: Run, tmp_path: Path) -> None:
    (tmp_path / "kafkalert.toml").write_text(CONFIGURATION + "[engin]\n")
    result = kafkalert("config", "check")
    assert result.returncode == 2
    assert result.stderr.splitlines() == [
        "Error: 2 problems in the configuration:",
        "  kafkalert.toml:5: clusters.dc1.kafka.sasl.password points at the variable PASSWORD, which is not set.",
        "  kafkalert.toml:6: engin is not a known key. Did you mean engine?",
        "Hint: Correct it, then run `kafkalert config check`.",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence", "hint"),
    [
        ([], "There is no configuration.", "Run `kafkalert init` or `kafkalert sandbox up`."),
        (["--config", "no.toml"], "There is no configuration file no.toml.", "`kafkalert init no.toml`"),
        (["--config", "."], ". cannot be read: Is a directory.", "--config"),
    ],
)
def test_no_file_is_status_2_and_the_way_to_one(kafkalert: Run, arguments: list[str], sentence: str, hint: str) -> None:
    result = kafkalert("config", "check", *arguments)
    assert result.returncode == 2
    first, second = result.stderr.splitlines()
    assert first == f"Error: {sentence}"
    assert hint in second


def test_show_says_where_each_value_came_from_and_no_secret(kafkalert: Run, tmp_path: Path) -> None:
    """File and line, variable, flag or default; a secret is named by its place, a user's name is no secret."""
    (tmp_path / "kafkalert.toml").write_text(CONFIGURATION)
    env = {"PASSWORD": "hunter2hunter2", "KAFKALERT_ENGINE__BATCH": "7"}
    shown = kafkalert("config", "show", "-o", "json", "--read-only", env=env)
    rows = {row["key"]: (row["value"], row["source"]) for row in json.loads(shown.stdout)}
    assert rows["clusters.dc1.bootstrap"] == ("127.0.0.1:9092", "kafkalert.toml:2")
    assert rows["clusters.dc1.kafka.sasl.username"] == ("me", "kafkalert.toml:4")
    assert rows["clusters.dc1.kafka.sasl.password"] == ("*** (variable PASSWORD)", "kafkalert.toml:5")
    assert rows["engine.batch"] == (7, "KAFKALERT_ENGINE__BATCH")
    assert rows["engine.linger"] == ("50ms", "default")
    assert rows["contexts.default.read_only"] == (True, "--read-only")
    assert rows["alerts.id_key"] == ("***", "default")
    assert "hunter2" not in shown.stdout + shown.stderr


@pytest.mark.parametrize("output", ["table", "json", "yaml", "tsv"])
def test_show_writes_every_format_without_colour(kafkalert: Run, output: str) -> None:
    kafkalert("init")
    shown = kafkalert("config", "show", "-o", output, env={"FORCE_COLOR": "", "TERM": "xterm-256color"})
    assert shown.returncode == 0
    assert "clusters.dc1.bootstrap" in shown.stdout
    assert "\x1b" not in shown.stdout


def test_the_sandbox_s_file_is_found_and_named_on_stderr(kafkalert: Run, tmp_path: Path) -> None:
    (tmp_path / ".kafkalert").mkdir()
    (tmp_path / ".kafkalert/sandbox.toml").write_text(CONFIGURATION.partition("[clusters.dc1.kafka]")[0])
    shown = kafkalert("config", "show", "-o", "json")
    assert json.loads(shown.stdout)
    assert "Using .kafkalert/sandbox.toml" in shown.stderr


def test_a_terminal_gets_a_table_and_no_color_is_honoured(
    kafkalert: Run, terminal: Callable[..., tuple[str, int]]
) -> None:
    """Styles and rules on a terminal; with NO_COLOR not one escape sequence."""
    kafkalert("init")
    styled, status = terminal(["kafkalert", "config", "show"])
    plain, _ = terminal(["kafkalert", "config", "show"], env={"NO_COLOR": "1"})
    assert status == 0
    assert "\x1b[1m" in styled
    assert "──" in styled
    assert "clusters.dc1.bootstrap" in plain
    assert "\x1b" not in plain
