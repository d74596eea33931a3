"""Ctrl-c while a command starts: at whatever import it comes, the end is quiet."""

import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., subprocess.CompletedProcess[str]]

# Python imports this before anything of the command. It counts imports, from that of the command line on.
SITE = """
import os, signal, sys
at, seen = int(os.environ["AT"]), 0
def hook(event, arguments):
    global seen
    if event == "import" and (seen or arguments[0] == "kafkalert.cli"):
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(hook)
end = os._exit
os._exit = lambda status: (at or os.write(2, str(seen).encode()), end(status))
"""
TRIES = 12


def test_ctrl_c_at_any_import_ends_it_quietly(kafkalert: Run, tmp_path: Path) -> None:
    """130 and not a word, from the first import of the command line to the last before the data."""
    (tmp_path / "sitecustomize.py").write_text(SITE, encoding="utf-8")
    (tmp_path / "kafkalert.toml").write_text('[clusters.dc1]\nbootstrap = "127.0.0.1:9"\n', encoding="utf-8")

    def run(at: int) -> subprocess.CompletedProcess[str]:
        return kafkalert("config", "show", "-o", "json", env={"AT": str(at), "PYTHONPATH": str(tmp_path)})

    imports = int(run(0).stderr)
    assert imports > 200
    for at in range(1, imports, imports // TRIES):
        done = run(at)
        assert (at, done.returncode, done.stdout, done.stderr) == (at, 130, "", "")
