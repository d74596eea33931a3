"""The wheel that operators install has the hot path compiled, and does what the source does."""

import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path
from shutil import which

import pytest

ROOT = Path(__file__).parents[3]
WHEEL = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
MODULES = [name.removesuffix(".py").replace("/", ".") for name in WHEEL["hooks"]["custom"]["include"]]
TESTS = (
    "rules/test_rules",
    "sandbox/test_scoreboard",
    "serde/test_booking",
    "serde/test_keys_and_rows",
    "serde/test_rows",
    "stages/alerting/test_account",
    "stages/alerting/test_alerting",
    "stages/alerting/test_ids",
    "stages/alerting/test_rule_cache",
    "stages/test_entry",
    "tables/test_changes",
    "tables/test_rows",
)
FILES = "; ".join(("import importlib", f"[print(importlib.import_module(one).__file__) for one in {MODULES!r}]"))

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(which("make") is None, reason="no make"),
    pytest.mark.skipif(
        which("cc") is None or not Path(sysconfig.get_path("include"), "Python.h").exists(),
        reason="no C compiler, or no headers of Python",
    ),
]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`make wheel`, unpacked as pip does it."""
    folder = tmp_path_factory.mktemp("compiled")
    subprocess.run(["make", "wheel", f"DIST={folder}/dist"], cwd=ROOT, env=environment(), check=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def environment(path: Path | None = None) -> dict[str, str]:
    """Without what this run of pytest, or of make, tells those within it; modules are taken from `path` first."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "MAKE", "MFLAGS"))}
    return kept if path is None else {**kept, "PYTHONPATH": str(path)}


def test_the_wheel_has_what_every_entry_passes_through_compiled(compiled: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILES],
        cwd=tmp_path,
        env=environment(compiled),
        capture_output=True,
        text=True,
        check=True,
    )
    files = [Path(one) for one in done.stdout.split()]
    assert len(files) == len(MODULES) > 8
    assert {one.suffix for one in files} == {".so"}
    assert all(one.is_relative_to(compiled) for one in files)


def test_compiled_it_passes_the_tests_of_the_source(compiled: Path) -> None:
    """Rules against their independent statement, bytes that are damaged, accounts and their caches."""
    names = [f"tests/unit/{name}.py" for name in TESTS]
    pytest_command = str(Path(sys.executable).with_name("pytest"))  # which does not look into the working folder first
    done = subprocess.run(
        [pytest_command, "-q", "-p", "no:cacheprovider", *names],
        cwd=ROOT,
        env=environment(compiled),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout
