"""How the process ends: with its status, whatever its threads wait for."""

import subprocess
import sys
from pathlib import Path

import pytest

ENDING = """
import sys
import kafkalert.__main__ as start
import kafkalert.cli

class Late:
    def __del__(self):
        print("taken apart", flush=True)

def run():
    sys.modules["late"] = Late()
    print("done", end="")
    sys.stdout.flush()
    sys.exit({status})

kafkalert.cli.main = run
start.main()
"""

READING = """
import os
import sys
import kafkalert.__main__ as start
import kafkalert.cli

def run():
    own = os.pipe()
    sys.exit(min(own) < 3 or sys.stdin.read() != "")

kafkalert.cli.main = run
start.main()
"""


@pytest.mark.parametrize(
    ("status", "code"), [("0", 0), ("None", 0), ("kafkalert.cli.ExitCode.REFUSED", 5), ("'no'", 1)]
)
def test_it_ends_at_once_with_its_status(status: str, code: int) -> None:
    """Python is not taken apart while threads may still be in the Kafka client."""
    run = subprocess.run(
        [sys.executable, "-c", ENDING.format(status=status)], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (code, "done")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize(("arguments", "code"), [("--version", 0), ("--nope", 2)])
def test_closed_streams_are_no_error(tmp_path: Path, closed: str, arguments: str, code: int) -> None:
    """What would be said goes nowhere; the status still tells."""
    command = Path(sys.executable).with_name("kafkalert")
    run = subprocess.run(
        ["sh", "-c", f"{command} {arguments} {closed}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == code
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("closed", ["<&-", "<&- >&-", "<&- 2>&-"])
def test_a_closed_stdin_is_empty(tmp_path: Path, closed: str) -> None:
    """It is not what a pipe of the process' own is taken for, whose bytes would be waited for."""
    (tmp_path / "start.py").write_text(READING)
    run = subprocess.run(["sh", "-c", f"{sys.executable} start.py {closed}"], cwd=tmp_path, timeout=60, check=False)
    assert run.returncode == 0
