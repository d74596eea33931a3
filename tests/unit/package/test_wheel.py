"""The wheel has what the package needs at run time, and no more."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCHEMAS = {path.name: path.read_bytes() for path in (ROOT / "schemas").glob("*.avsc")}
SHOW = "from kafkalert.serde import schemas; print(schemas.folder())"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built here and now without any network, as Python."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, env={**os.environ, "KAFKALERT_COMPILED": "0"}, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_has_every_schema_as_it_is_in_the_repository(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {
            Path(name).name: archive.read(name)
            for name in archive.namelist()
            if name.startswith("kafkalert/serde/schemas/")
        }
    assert inside == SCHEMAS
    assert len(SCHEMAS) == 15


def test_the_wheel_has_the_package_and_neither_tests_nor_caches(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"kafkalert"}
    assert "kafkalert/cli.py" in names
    assert [name for name in names if name.endswith((".pyc", ".java", ".class"))] == []


def test_schemas_are_found_in_an_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    """Unpacked as pip does it, the package takes its own copy; in a checkout it takes the repository's."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    command = [sys.executable, "-c", SHOW]
    away = tmp_path / "away"  # Python looks into the working folder first
    away.mkdir()
    environment = {"PYTHONPATH": str(tmp_path)}
    shown = subprocess.run(command, cwd=away, env=environment, check=True, capture_output=True, text=True)
    assert Path(shown.stdout.strip()) == tmp_path / "kafkalert/serde/schemas"
    here = subprocess.run(command, cwd=away, env={}, check=True, capture_output=True, text=True)
    assert Path(here.stdout.strip()) == ROOT / "schemas"


def test_the_wheel_brings_the_manual_page_where_man_looks_for_it(wheel: Path) -> None:
    """Beside the command: pip lays it out below the prefix, as `share/man/man1/kafkalert.1`."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".data/data/share/man/man1/kafkalert.1")]
        page = archive.read(name).decode()
    version = wheel.name.split("-")[1]
    assert page.startswith(f'.TH KAFKALERT 1 "" "kafkalert {version}" "User Commands"')
    assert ".SH COMMANDS" in page
