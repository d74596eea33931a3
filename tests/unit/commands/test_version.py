"""`kafkalert version`, and the hook that compiles."""

import json
from importlib.metadata import version
from pathlib import Path
from subprocess import CalledProcessError
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from hatch_build import COMPILED, Compiled
from kafkalert.commands.version import app
from kafkalert.stages.alerting import stage

ROOT = Path(__file__).parents[3]


def told(*arguments: str) -> str:
    """What it says."""
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize(("suffix", "compiled"), [(".py", False), (".cpython-311-x86_64-linux-gnu.so", True)])
def test_it_tells_what_runs_here(monkeypatch: pytest.MonkeyPatch, suffix: str, *, compiled: bool) -> None:
    """The hot path is compiled where its module is a library."""
    monkeypatch.setattr(stage, "__file__", f"stage{suffix}")
    found = json.loads(told("-o", "json"))
    assert (found["kafkalert"], found["compiled"]) == (version("kafkalert"), compiled)
    assert found["confluent_kafka"] == version("confluent-kafka")
    assert ("yes" if compiled else "no") in told().splitlines()[1].split()


class Built:
    """A hook whose compiling fails, in the folder `root`; `data` is what it says of the wheel."""

    def __init__(self, root: Path = ROOT) -> None:
        self.data: dict[str, dict[str, str]] = {"shared_data": {}}
        self.cleaned = 0
        self.said: list[str] = []
        app = SimpleNamespace(display_warning=self.said.append)
        self.hook: Any = Compiled(str(root), {}, None, SimpleNamespace(version="9.8"), "", "wheel", app)
        self.hook.clean = self._clean

    def _clean(self, _: list[str]) -> None:
        self.cleaned += 1

    def build(self, version: str) -> None:
        """Build a wheel, or an editable one."""

        def fail(*_: object) -> None:
            raise RuntimeError("Error while invoking Mypyc:\nerror: No such file or directory: 'cc'")

        with patch.object(Compiled.__base__, "initialize", fail):
            self.hook.initialize(version, self.data)


def test_without_a_compiler_it_is_python_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, and nothing half made stays."""
    monkeypatch.delenv(COMPILED, raising=False)
    one = Built()
    one.build("standard")
    assert one.said == [
        "kafkalert is installed as Python, which takes half as many entries: error: No such file or directory: 'cc'"
    ]
    assert one.cleaned == 1
    one.hook.finalize("standard", {}, "")
    assert one.cleaned == 2


def test_a_wheel_for_operators_is_compiled_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COMPILED, "1")
    one = Built()
    with pytest.raises(RuntimeError, match="Mypyc"):
        one.build("standard")
    assert one.cleaned == 1


def test_an_editable_install_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does who does not want it."""
    one = Built()
    one.build("editable")
    one.hook.finalize("editable", {}, "")
    monkeypatch.setenv(COMPILED, "0")
    one.build("standard")
    assert (one.said, one.cleaned) == ([], 0)


def test_a_wheel_has_the_manual_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the version that is built, compiled or not; of the source itself there is none."""
    monkeypatch.setenv(COMPILED, "0")
    one = Built()
    one.build("standard")
    ((page, place),) = one.data["shared_data"].items()
    assert place == "share/man/man1/kafkalert.1"
    assert Path(page).read_text().startswith('.TH KAFKALERT 1 "" "kafkalert 9.8"')
    one = Built()
    one.build("editable")
    assert one.data == {"shared_data": {}}


def test_where_no_manual_page_can_be_made_a_wheel_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And one for operators is not made: in a folder in which there is nothing to make it of."""
    (tmp_path / "kafkalert").mkdir()
    (tmp_path / "kafkalert/__init__.py").touch()
    monkeypatch.setenv(COMPILED, "0")
    one = Built(tmp_path)
    one.build("standard")
    assert one.said == ["kafkalert is installed without its manual page, which could not be made."]
    assert one.data == {"shared_data": {}}
    monkeypatch.setenv(COMPILED, "1")
    with pytest.raises(CalledProcessError):
        Built(tmp_path).build("standard")
