"""What every command has in common: options at any place, errors as two lines and a status, quiet ends."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
CONFIGURATION = '[clusters.dc1]\nbootstrap = "127.0.0.1:9092"\n'


@pytest.mark.parametrize(
    "arguments",
    [
        ["--config", "x.toml", "-C", "test", "--read-only", "--no-input", "-vv", "probe", "--number", "3"],
        ["probe", "--number", "3", "--config", "x.toml", "--context=test", "--read-only", "--no-input", "-vv"],
        [
            "-v",
            "--config",
            "y.toml",
            "probe",
            "-Ctest",
            "--number=3",
            "-v",
            "--read-only",
            "--config",
            "x.toml",
            "--no-input",
        ],
    ],
    ids=["before", "after", "both"],
)
def test_common_options_may_stand_before_and_after_the_command(probe: Run, arguments: list[str]) -> None:
    """They mean the same at every place; the later file wins, and -v adds up."""
    result = probe(*arguments)
    assert json.loads(result.stdout) == {
        "config": "x.toml",
        "context": "test",
        "read_only": True,
        "no_input": True,
        "verbosity": 2,
        "number": 3,
    }
    assert result.returncode == 0


def test_common_options_may_stand_after_a_subcommand(probe: Run) -> None:
    """A group, its subcommand and the root all take them."""
    assert probe("-v", "group", "-v", "one", "-v").stdout == "3\n"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("KafkalertError", 1),
        ("UsageError", 2),
        ("UnreachableError", 4),
        ("RefusedError", 5),
        ("OutcomeUnknownError", 6),
    ],
)
def test_an_error_is_what_and_what_to_do_and_a_status(probe: Run, kind: str, status: int) -> None:
    """Two lines on stderr, nothing on stdout, no traceback."""
    result = probe("probe", "--fail", kind)
    assert result.stderr == "Error: It broke.\nHint: Mend it.\n"
    assert (result.stdout, result.returncode) == ("", status)


def test_vv_adds_the_traceback(probe: Run) -> None:
    """With -vv, and only then, the calls that led to an error are shown."""
    assert "Traceback" not in probe("probe", "--fail", "UsageError", "-v").stderr
    assert "probe.py" in probe("probe", "--fail", "UsageError", "-vv").stderr


@pytest.mark.parametrize("verbosity", ["-v", "-vv"])
def test_a_bug_is_said_without_the_data_that_met_it(probe: Run, verbosity: str) -> None:
    """An unforeseen exception names itself and its place; its message, here an account, appears nowhere."""
    result = probe("probe", "--fail", "bug", verbosity)
    first, second, *_ = result.stderr.splitlines()
    assert first.startswith("Error: This is a bug in kafkalert: KeyError")
    assert "-vv" in second
    assert "NL91" not in result.stderr + result.stdout
    assert result.returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["--nonsense"], ["probe", "--number", "x"], ["probe", "extra"], ["group", "none"], ["--config"]],
)
def test_wrong_usage_is_status_2(probe: Run, arguments: list[str]) -> None:
    """Two lines again: what is wrong and where help is."""
    result = probe(*arguments)
    first, second = result.stderr.splitlines()
    assert first.startswith("Error: ")
    assert second.startswith("Hint: See `kafkalert")
    assert (result.stdout, result.returncode) == ("", 2)


def test_a_mistyped_command_is_guessed(kafkalert: Run) -> None:
    assert "Did you mean 'config'?" in kafkalert("confg").stderr


def test_a_command_without_a_module_is_neither_listed_nor_run(probe: Run) -> None:
    """The table may name what is not there; help goes on."""
    listed = probe("--help")
    assert "probe" in listed.stdout
    assert "absent" not in listed.stdout
    assert probe("absent").returncode == 2


def test_what_a_command_returns_is_no_status(probe: Run) -> None:
    """`probe` returns 7 and ends with 0: a status is set by an error or by typer.Exit alone."""
    assert probe("probe").returncode == 0


@pytest.mark.parametrize("way", ["interrupt", "interrupt in a class"])
def test_an_interrupt_ends_quietly_with_130(probe: Run, way: str) -> None:
    """Also one that something else was made of on its way."""
    result = probe("probe", "--fail", way)
    assert (result.stderr, result.returncode) == ("", 130)


@pytest.mark.parametrize(("change", "status"), [([], 0), (["--change", "--yes"], 1)], ids=["reading", "changing"])
def test_a_closed_pipe_ends_quietly(
    tmp_path: Path, environment: dict[str, str], change: list[str], status: int
) -> None:
    """A reader that has enough is no failure, unless a change was on its way and its end was not seen."""
    (tmp_path / "kafkalert.toml").write_text(CONFIGURATION)
    command = [sys.executable, str(Path(__file__).with_name("probe.py")), "probe", "--flood", *change]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(timeout=60) == status
    assert "Error" not in said
    assert "Broken" not in said


def test_a_broken_connection_is_no_closed_pipe(probe: Run) -> None:
    """A BrokenPipeError of a socket is not mistaken for a reader that left."""
    result = probe("probe", "--fail", "connection")
    assert "Broken pipe" in result.stderr
    assert result.returncode == 1


def test_a_full_disk_is_said(tmp_path: Path, environment: dict[str, str]) -> None:
    """Data that cannot be written is an error, not a silent success."""
    (tmp_path / "kafkalert.toml").write_text(CONFIGURATION)
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            ["kafkalert", "config", "show"],
            cwd=tmp_path,
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert b"disk is full" in result.stderr
    assert result.returncode == 1


def test_version_and_bare_call(kafkalert: Run) -> None:
    assert kafkalert("--version").stdout.startswith("kafkalert ")
    assert kafkalert().stdout == kafkalert("--help").stdout


def test_a_terminal_of_latin_9_takes_every_text(probe: Run) -> None:
    """What its encoding lacks is written out; it ended as a bug."""
    result = probe("nonsense-ł→", env={"PYTHONIOENCODING": "iso8859-15", "PYTHONUTF8": "1"})
    assert "nonsense-\\u0142->" in result.stderr
    assert result.returncode == 2


@pytest.mark.parametrize("place", [["tail", "--topic"], ["-C"], ["seed", "settings"]], ids=lambda one: one[-1])
def test_an_argument_that_is_no_text_is_refused(tmp_path: Path, environment: dict[str, str], place: list[str]) -> None:
    """Bytes that are no UTF-8, before they reach a client library: a topic of such a name ended it by SIGSEGV."""
    command = [os.fsencode(part) for part in ("kafkalert", *place)]
    result = subprocess.run([*command, b"n\xf6pe"], cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert result.stderr.startswith(b"Error: The argument n\\udcf6pe is not text.")
    assert (result.returncode, result.stdout) == (2, b"")


def test_what_steers_a_terminal_leaves_by_no_error(kafkalert: Run) -> None:
    """Also where it stands in the user's own argument, which somebody may have sent him."""
    result = kafkalert("config", "check", "--config", "\x1b]0;owned\x07")
    assert "\x1b" not in result.stderr
    assert "\\x1b]0;owned\\x07" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["failover", "--to"], "kafkalert failover"),
        (["failover", "drill", "--to"], "kafkalert failover drill"),
        (["tail", "-n"], "kafkalert tail"),
        (["-C"], "kafkalert"),
    ],
    ids=" ".join,
)
def test_an_option_without_its_value_leads_to_the_help_of_its_command(
    kafkalert: Run, arguments: list[str], command: str
) -> None:
    result = kafkalert(*arguments)
    assert result.stderr.endswith(f"requires an argument.\nHint: See `{command} --help`.\n")
    assert result.returncode == 2


@pytest.mark.parametrize("count", ["1000000001", "9" * 21, "9" * 5000])
def test_more_records_than_there_can_be_are_wrong_usage(kafkalert: Run, count: str) -> None:
    """It ended as a bug, by an overflow."""
    result = kafkalert("tail", "-n", count)
    assert result.returncode == 2
    assert "bug" not in result.stderr


@pytest.mark.parametrize(
    ("where", "said"), [("thread", "thread worker ended: KeyError"), ("callback", "a callback failed: KeyError")]
)
def test_an_error_that_no_command_meets_is_a_line_without_its_data(probe: Run, where: str, said: str) -> None:
    """Python would print it with its message, here an account."""
    result = probe("probe", "--fail", where, "-vv")
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert "NL91" not in result.stderr + result.stdout
