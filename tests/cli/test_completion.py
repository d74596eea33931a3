"""The shell's completion, asked as a shell asks it: by the installed command and _KAFKALERT_COMPLETE."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

CONFIGURATION = """
context = "test"
[clusters.dc1]
bootstrap = "127.0.0.1:9092"
[clusters.dc2]
bootstrap = "127.0.0.1:9192"
[contexts.test]
clusters = ["dc1"]
prefix = "t."
[contexts.production]
clusters = ["dc1", "dc2"]
[topics.names]
accountentry = "bookings"
"""


def complete(run: Run, line: str) -> list[str]:
    """What bash offers for the last word of `line`."""
    words = line.split(" ")
    env = {"_KAFKALERT_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    result = run(env=env)
    assert result.stderr == ""
    return result.stdout.split()


@pytest.fixture(autouse=True)
def _configuration(tmp_path: Path) -> None:
    (tmp_path / "kafkalert.toml").write_text(CONFIGURATION)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("kafkalert conf", ["config"]),
        ("kafkalert config ", ["check", "show"]),
        ("kafkalert config s", ["show"]),
        ("kafkalert help conf", ["config"]),
        ("kafkalert help config ", ["check", "show"]),
        ("kafkalert help config check ", []),
        ("kafkalert help nonsense ", []),
        ("kafkalert help --read", ["--read-only"]),
        ("kafkalert --conf", ["--config"]),
        ("kafkalert config show --read", ["--read-only"]),
        ("kafkalert config show -o ", ["table", "json", "yaml", "tsv"]),
        ("kafkalert config show -o j", ["json"]),
    ],
)
def test_commands_options_and_formats_complete(kafkalert: Run, line: str, offered: list[str]) -> None:
    assert complete(kafkalert, line) == offered


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("kafkalert -C ", ["test", "production"]),
        ("kafkalert -C p", ["production"]),
        ("kafkalert context use t", ["test"]),
        ("kafkalert config show --context t", ["test"]),
        ("kafkalert probe --on ", ["dc1", "dc2"]),
        ("kafkalert probe --by s", ["sms"]),
        ("kafkalert probe --topic t.b", ["t.bookings"]),
        ("kafkalert -C production probe --topic customera", ["customeralertsettings", "customeraccountentry"]),
        ("kafkalert probe --topic t.kafkalert.d", ["t.kafkalert.deadletter"]),
    ],
)
def test_names_complete_from_the_configuration(probe: Run, line: str, offered: list[str]) -> None:
    """Contexts, clusters, channels and topics; topics as they are called in the context chosen on the same line."""
    assert complete(probe, line) == offered


def test_the_file_of_the_same_line_is_read(kafkalert: Run, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("[contexts.elsewhere]\n")
    assert complete(kafkalert, "kafkalert --config other.toml -C ") == ["elsewhere"]


@pytest.mark.parametrize("content", ["no [toml", "contexts = 3\nclusters = []\ntopics = 1"])
def test_a_broken_file_completes_nothing_and_says_nothing(probe: Run, tmp_path: Path, content: str) -> None:
    """A shell that completes has no place for errors; names that need no file go on."""
    (tmp_path / "kafkalert.toml").write_text(content)
    assert complete(probe, "kafkalert probe --on ") == []
    assert complete(probe, "kafkalert probe --topic accounte") == ["accountentry"]


@pytest.mark.parametrize(("shell", "mark"), [("zsh", "_arguments"), ("fish", "config\tCheck the configuration")])
def test_other_shells_are_served_with_help(kafkalert: Run, shell: str, mark: str) -> None:
    env = {
        "_KAFKALERT_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": "kafkalert conf",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    assert mark in kafkalert(env=env).stdout


def test_the_script_can_be_shown_and_installed(kafkalert: Run, tmp_path: Path) -> None:
    """--show-completion prints a script for the named shell, --install-completion puts it into the home folder."""
    (tmp_path / "home").mkdir()
    env = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = kafkalert("--show-completion", "bash", env=env)
    assert "_KAFKALERT_COMPLETE=complete_bash" in shown.stdout
    assert kafkalert("--install-completion", "bash", env=env).returncode == 0
    assert (tmp_path / "home/.bash_completions/kafkalert.sh").read_text() == shown.stdout.rstrip("\n")
