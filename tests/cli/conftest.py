"""Runs the installed command, as a user does, in an empty folder of its own."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

COMMAND = Path(sys.executable).with_name("kafkalert")
PROBE = Path(__file__).with_name("probe.py")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a user's shell hands over, and nothing of this machine's configuration."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KAFKALERT_", "XDG_"))}
    return kept | {"HOME": str(tmp_path / "home"), "PATH": f"{COMMAND.parent}:{os.environ['PATH']}", "COLUMNS": "120"}


def _runner(command: list[str], folder: Path, environment: dict[str, str]) -> Run:
    def run(*arguments: str, env: dict[str, str] | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments],
            cwd=folder,
            env=environment | (env or {}),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def kafkalert(tmp_path: Path, environment: dict[str, str]) -> Run:
    """`kafkalert("config", "check", env={...}, stdin="...")`, in `tmp_path`; neither stdin nor stdout is a terminal."""
    return _runner(["kafkalert"], tmp_path, environment)


@pytest.fixture
def probe(tmp_path: Path, environment: dict[str, str]) -> Run:
    """The same command line with one more command, `probe`, which does what a test asks of it."""
    return _runner([sys.executable, str(PROBE)], tmp_path, environment)


@pytest.fixture
def terminal(tmp_path: Path, environment: dict[str, str]) -> Callable[..., tuple[str, int]]:
    """`terminal(["kafkalert", ...], answer="y")`: what a command shows on a terminal of its own, and its status."""

    def run(command: list[str], answer: str = "", env: dict[str, str] | None = None) -> tuple[str, int]:
        outside, inside = pty.openpty()
        with subprocess.Popen(
            command,
            cwd=tmp_path,
            env=environment | {"TERM": "xterm-256color"} | (env or {}),
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
        ) as process:
            os.close(inside)
            os.write(outside, answer.encode())
            shown = b""
            while True:
                try:
                    piece = os.read(outside, 4096)
                except OSError:  # EIO: the last process that had the terminal open has ended
                    break
                shown += piece
            status = process.wait(timeout=60)
        os.close(outside)
        return shown.decode(), status

    return run
