"""A change is shown and wants consent; production wants its name; read-only refuses. Unmasking leaves a trace."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from kafkalert.commands.confirm import _asked

Run = Callable[..., subprocess.CompletedProcess[str]]
PROBE = Path(__file__).with_name("probe.py")
CONFIGURATION = """
context = "test"
[clusters.dc1]
bootstrap = "127.0.0.1:9092"
[contexts.test]
clusters = ["dc1"]
unmask = true
[contexts.prod]
clusters = ["dc1"]
production = true
[contexts.museum]
clusters = ["dc1"]
read_only = true
[alerts]
id_key = {env = "ID_KEY"}
"""


@pytest.fixture(autouse=True)
def _configuration(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "kafkalert.toml").write_text(CONFIGURATION)
    environment["ID_KEY"] = "0123456789abcdef"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--yes"], 0),
        (["--confirm", "test"], 0),
        ([], 5),
        (["--no-input"], 5),
        (["--yes", "--read-only"], 5),
        (["--yes", "--confirm", "tset"], 5),
        (["-C", "prod", "--yes"], 5),
        (["-C", "prod"], 5),
        (["-C", "prod", "--yes", "--confirm", "test"], 5),
        (["-C", "prod", "--confirm", "prod"], 0),
        (["-C", "prod", "--confirm", "prod", "--read-only"], 5),
        (["-C", "museum", "--yes"], 5),
        (["-C", "museum", "--confirm", "museum"], 5),
    ],
)
def test_consent_off_a_terminal(probe: Run, arguments: list[str], status: int) -> None:
    """--yes is enough but in production, --confirm everywhere, and nothing where changes are forbidden."""
    result = probe("probe", "--change", *arguments, stdin="y\n")
    assert result.returncode == status
    assert ("CHANGED" in result.stderr) == (status == 0)
    if status:
        assert "nothing was changed" in result.stderr
        assert "Hint: " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "answer", "status"),
    [
        ([], "y\n", 0),
        ([], "yes\n", 0),
        ([], "\n", 5),
        ([], "n\n", 5),
        ([], "\x04", 5),
        (["-C", "prod"], "prod\n", 0),
        (["-C", "prod"], "y\n", 5),
        (["-C", "prod", "--yes"], "prod\n", 0),
        (["-C", "prod", "--yes"], "yes\n", 5),
        (["--no-input"], "y\n", 5),
    ],
)
def test_consent_on_a_terminal(
    terminal: Callable[..., tuple[str, int]], arguments: list[str], answer: str, status: int
) -> None:
    """The change is shown first; a yes is asked for, in production the context's name."""
    shown, ended = terminal([sys.executable, str(PROBE), "probe", "--change", *arguments], answer)
    assert "create topic accountentry" in shown
    assert ended == status
    assert ("CHANGED" in shown) == (status == 0)


def test_unmasking_is_permitted_said_and_logged(probe: Run, tmp_path: Path) -> None:
    """The log is the user's alone and says when, who, where and what, before anything is shown."""
    result = probe("probe", "--unmask")
    assert "UNMASKED True" in result.stderr
    log = tmp_path / "home/.local/state/kafkalert/audit.log"
    assert str(log) in result.stderr
    _when, what, _who, context, *command, uid, principal = log.read_text().split()
    assert (what, context, command) == ("unmask", "test", ["kafkalert", "probe"])
    assert (uid, principal) == (f"uid={os.getuid()}", "principal=User:ANONYMOUS")
    assert log.stat().st_mode & 0o777 == 0o600


def test_unmasking_is_refused_without_permission_or_trace(probe: Run, tmp_path: Path) -> None:
    refused = probe("probe", "--unmask", "-C", "prod")
    assert (refused.returncode, "does not permit" in refused.stderr) == (5, True)
    (tmp_path / "home").write_text("a file where the folder should be")
    untraced = probe("probe", "--unmask")
    assert (untraced.returncode, "cannot be logged" in untraced.stderr) == (5, True)


def test_who_breaks_off_at_the_question_learns_that_nothing_was_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-c, on a line of its own; nothing was said at all."""

    def interrupt() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True, readline=interrupt))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with pytest.raises(typer.Exit) as ended:
        _asked("test", production=False, may_ask=True)
    assert ended.value.exit_code == 130
    assert capsys.readouterr().err == "Go on? [y/N] \nInterrupted; nothing was changed.\n"


def test_the_end_of_the_input_ends_the_question_s_line(terminal: Callable[..., tuple[str, int]]) -> None:
    """What follows stood behind the question."""
    shown, ended = terminal([sys.executable, str(PROBE), "probe", "--change"], "\x04")
    assert ended == 5
    assert shown.splitlines()[-1] == "Error: Not confirmed; nothing was changed."


NAMED = """
[clusters.dc1]
bootstrap = "127.0.0.1:1"
[clusters.dc1.kafka]
"security.protocol" = "SASL_PLAINTEXT"
"sasl.mechanisms" = "PLAIN"
"sasl.username" = "ann\\nunmask eve"
"sasl.password" = {env = "ID_KEY"}
[contexts.test]
clusters = ["dc1"]
unmask = true
"""


def test_a_uid_without_a_name_may_unmask_and_is_told_by_its_number(tmp_path: Path, environment: dict[str, str]) -> None:
    """As in OpenShift, and with `docker -u`, where HOME is /. The log has its principal, too, and stays one line."""
    (tmp_path / "kafkalert.toml").write_text(NAMED)
    nameless = 1_000_660_000
    kept = {name: value for name, value in environment.items() if name not in {"USER", "LOGNAME"}}
    done = subprocess.run(
        ["unshare", "--user", f"--map-user={nameless}", "kafkalert", "tail", "--unmask", "-n", "1"],
        cwd=tmp_path,
        env=kept | {"HOME": "/", "XDG_STATE_HOME": str(tmp_path / "state")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "unshare: " in done.stderr:
        pytest.skip(f"no namespace can be made here: {done.stderr.strip()}")
    log = tmp_path / "state/kafkalert/audit.log"
    assert f"Personal data is shown in clear; this was logged in {log}." in done.stderr
    assert done.returncode == 4, "it went on, to a cluster that is not there"
    (line,) = log.read_text().splitlines()
    assert line.partition(" ")[2] == (
        f"unmask uid-{nameless} test kafkalert tail uid={nameless} principal=User:ann\\nunmask eve"
    )


def test_without_a_place_for_the_log_nothing_is_unmasked(probe: Run) -> None:
    """HOME is / in a container, where nobody but root may write: told, with what to do."""
    refused = probe("probe", "--unmask", env={"HOME": "/proc"})
    assert refused.returncode == 5
    assert "cannot be logged in /proc/.local/state/kafkalert/audit.log" in refused.stderr
    assert "XDG_STATE_HOME" in refused.stderr
