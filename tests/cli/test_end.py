"""How the process ends: with its status, whatever its threads wait for."""

import subprocess
import sys

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


@pytest.mark.parametrize(
    ("status", "code"), [("0", 0), ("None", 0), ("kafkalert.cli.ExitCode.REFUSED", 5), ("'no'", 1)]
)
def test_it_ends_at_once_with_its_status(status: str, code: int) -> None:
    """Python is not taken apart while threads may still be in the Kafka client."""
    run = subprocess.run(
        [sys.executable, "-c", ENDING.format(status=status)], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (code, "done")
