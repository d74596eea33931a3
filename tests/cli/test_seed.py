"""`kafkalert seed`, by the installed command, on a real broker."""

import gzip
import json
import os
import signal
import subprocess
from array import array
from collections.abc import Callable
from fcntl import ioctl
from pathlib import Path
from subprocess import CompletedProcess
from termios import FIONREAD
from time import monotonic
from typing import Any

import pytest

from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import wait_until

Run = Callable[..., CompletedProcess[str]]
GOOD = ('{"key": {"id": "NL1"}, "value": {"customerIds": [{"id": "C1"}]}}', '{"key": {"id": "NL2"}, "value": null}')
BAD = '{"key": {"id": "NL91ABNA0417164300"}, "value": {"customerIds": "C1"}}'
NOWHERE = '[clusters.dc1]\nbootstrap = "127.0.0.1:9"\n'


@pytest.fixture
def seeded(sandbox1: Sandbox, prefix: str, tmp_path: Path, kafkalert: Run) -> Run:
    """The command with a configuration and topics of the test's own."""
    (tmp_path / "kafkalert.toml").write_text(
        f'[clusters.dc1]\nbootstrap = "{sandbox1.bootstrap()}"\n'
        f'[contexts.test]\nclusters = ["dc1"]\nprefix = "{prefix}"\n',
        encoding="utf-8",
    )
    assert kafkalert("topics", "apply", "-y").returncode == 0
    return kafkalert


def summary(done: CompletedProcess[str]) -> dict[str, Any]:
    """The one row that a seed prints."""
    (row,) = json.loads(done.stdout)
    assert isinstance(row, dict)
    return row


@pytest.mark.one_cluster
def test_files_of_all_kinds_go_in(seeded: Run, tmp_path: Path) -> None:
    """A plain file, a gzip file and standard input are the same rows; a terminal's bar does not get into a log."""
    text = "\n".join(GOOD)
    (tmp_path / "a").write_text(text, encoding="utf-8")
    (tmp_path / "a.gz").write_bytes(gzip.compress(text.encode()))
    for arguments, stdin in ((("a",), ""), (("a.gz",), ""), (("-",), text), (("-", "--strict"), text)):
        done = seeded("seed", "authorisations", *arguments, "--yes", "-o", "json", stdin=stdin)
        assert done.returncode == 0, done.stderr
        assert (summary(done)["acknowledged"], summary(done)["bad_lines"]) == (2, 0)
        assert "\x1b" not in done.stderr


@pytest.mark.one_cluster
def test_a_bad_line_is_told_and_the_rest_goes_in(seeded: Run) -> None:
    """1, the line's number and reason, and nothing of what it says."""
    done = seeded("seed", "authorisations", "-", "-y", "-o", "json", stdin="\n".join((GOOD[0], BAD, GOOD[1])))
    assert done.returncode == 1
    assert summary(done)["acknowledged"] == 2
    assert "standard input:2: value.customerIds: expected an array, got a string" in done.stderr
    assert "NL91" not in done.stderr + done.stdout


@pytest.mark.one_cluster
def test_of_many_bad_lines_the_first_are_listed(seeded: Run) -> None:
    """Twenty are listed, the rest is counted."""
    done = seeded("seed", "authorisations", "-", "-y", stdin="{\n" * 25)
    assert done.returncode == 1
    assert done.stderr.count("not JSON") == 20
    assert "and 5 more bad lines" in done.stderr


@pytest.mark.one_cluster
def test_strict_says_that_nothing_was_written(seeded: Run) -> None:
    """A bad line with --strict: 1, and no row, not even from a pipe."""
    done = seeded("seed", "authorisations", "-", "-y", "--strict", "-o", "json", stdin="\n".join((GOOD[0], BAD)))
    assert done.returncode == 1
    assert summary(done)["acknowledged"] == 0
    assert "Nothing was written, as --strict asks." in done.stderr


@pytest.mark.one_cluster
def test_prune_shows_how_many_and_asks(seeded: Run, tmp_path: Path) -> None:
    """The number of rows that would go is shown before the question, which a pipe cannot answer."""
    seeded("seed", "authorisations", "-", "-y", stdin="\n".join(GOOD[0].replace("NL1", f"NL{n}") for n in range(9)))
    (tmp_path / "a").write_text(GOOD[0], encoding="utf-8")
    asked = seeded("seed", "authorisations", "a", "--prune")
    assert asked.returncode == 5
    assert "delete 8 rows of" in asked.stderr
    done = seeded("seed", "authorisations", "a", "--prune", "--yes", "-o", "json")
    assert done.returncode == 0
    assert summary(done)["pruned"] == 8
    assert summary(seeded("seed", "authorisations", "a", "--prune", "-y", "-o", "json"))["pruned"] == 0


@pytest.mark.one_cluster
def test_on_a_terminal_it_asks_and_shows_a_bar(seeded: Run, tmp_path: Path, terminal: Callable[..., Any]) -> None:
    """On a terminal the question is asked there, and rows and rate are shown while they go in."""
    del seeded
    (tmp_path / "a").write_text("\n".join(GOOD), encoding="utf-8")
    shown, status = terminal(["kafkalert", "seed", "authorisations", "a"], answer="y\n")
    assert status == 0
    assert "Go on? [y/N]" in shown
    assert "2 rows, " in shown
    assert " a second" in shown


@pytest.mark.one_cluster
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks at signal handlers by Linux's /proc")
def test_ctrl_c_says_how_many_were_acknowledged(seeded: Run, tmp_path: Path, environment: dict[str, str]) -> None:
    """Interrupted while a pipe is open: 130, and the number of rows that are in the topic."""
    del seeded
    with subprocess.Popen(
        ["kafkalert", "seed", "authorisations", "-", "--yes", "-o", "json"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdin
        assert process.stderr
        process.stdin.write("\n".join((*GOOD, "")))
        process.stdin.flush()
        while "write the rows" not in process.stderr.readline():
            assert process.poll() is None
        wait_for_writing(process.pid)
        os.kill(process.pid, signal.SIGINT)
        said = process.stderr.read()
        rows = json.loads(process.stdout.read()) if process.stdout else []
        assert process.wait(20) == 130
    count = rows[0]["acknowledged"]
    assert f"Interrupted; {count:,} of {count:,} row" in said
    assert rows[0]["interrupted"] is True


@pytest.mark.one_cluster
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks at signal handlers by Linux's /proc")
def test_ctrl_c_ends_it_also_where_the_cluster_hangs(
    own_sandbox: Callable[..., Sandbox], tmp_path: Path, environment: dict[str, str], kafkalert: Run
) -> None:
    """A broker that answers nothing: 130 within 10 s, no row said to be in, and how many may be."""
    sandbox = own_sandbox()
    (tmp_path / "kafkalert.toml").write_text(f'[clusters.dc1]\nbootstrap = "{sandbox.bootstrap()}"\n', encoding="utf-8")
    assert kafkalert("topics", "apply", "-y").returncode == 0
    with subprocess.Popen(
        ["kafkalert", "seed", "authorisations", "-", "--yes", "-o", "json"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdin
        pipe = process.stdin
        wait_for_writing(process.pid)
        sandbox.pause("dc1")
        try:
            pipe.write("\n".join((*GOOD, "")))
            pipe.flush()
            unread = array("i", [1])
            assert wait_until(lambda: ioctl(pipe, FIONREAD, unread) == 0 and unread[0] == 0, 20)
            os.kill(process.pid, signal.SIGINT)
            began = monotonic()
            shown, said = process.communicate(timeout=30)
            assert monotonic() - began < 10
        finally:
            sandbox.resume("dc1")
    assert process.returncode == 130
    (row,) = json.loads(shown)
    assert (row["acknowledged"], row["unknown"], row["interrupted"]) == (0, row["rows"], True)
    assert row["rows"] > 0
    assert said.splitlines()[-2:] == [
        f"Interrupted; 0 of {row['rows']:,} rows were acknowledged.",
        f"{row['rows']:,} rows were never answered and may be in or not; seeding again does no harm.",
    ]


def wait_for_writing(pid: int) -> None:
    """Return once a process takes signals into its own hands, as it does when it begins to write."""

    def begun() -> bool:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt"))
        return bool(caught >> (signal.SIGTERM - 1) & 1)

    wait_until(begun, 20)


@pytest.mark.parametrize("name", ["missing.ndjson", "."])
def test_an_unreadable_file_is_wrong_usage(kafkalert: Run, tmp_path: Path, name: str) -> None:
    """2 and the system's reason, before any broker is asked."""
    (tmp_path / "kafkalert.toml").write_text(NOWHERE, encoding="utf-8")
    done = kafkalert("seed", "settings", name, "--yes")
    assert done.returncode == 2
    assert "cannot be read: " in done.stderr


def test_no_broker_is_told(kafkalert: Run, tmp_path: Path) -> None:
    """A cluster that is away: 4, a line of what and a line of what to do."""
    (tmp_path / "kafkalert.toml").write_text(NOWHERE, encoding="utf-8")
    done = kafkalert("seed", "authorisations", "-", "--yes", stdin=GOOD[0])
    assert done.returncode == 4
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["Error", "Hint"]


@pytest.mark.one_cluster
def test_a_missing_topic_is_told(kafkalert: Run, sandbox1: Sandbox, tmp_path: Path) -> None:
    """Without its topic: 2, and the command that makes it."""
    (tmp_path / "kafkalert.toml").write_text(
        f'[clusters.dc1]\nbootstrap = "{sandbox1.bootstrap()}"\n[contexts.a]\nclusters = ["dc1"]\nprefix = "none."\n',
        encoding="utf-8",
    )
    done = kafkalert("seed", "authorisations", "-", "--yes", stdin=GOOD[0])
    assert done.returncode == 2
    assert "Error: Topic none.accounttocustomerids does not exist on dc1." in done.stderr
    assert "Hint: Run `kafkalert topics apply`." in done.stderr
