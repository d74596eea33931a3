"""A stage of another package whose calls to the outside may hang for ever, in a folder as pip would install it."""

from pathlib import Path

from kafkalert.sandbox.process import wait_until
from tests.support.alerting import SECONDS, Alerting
from tests.support.twin import Twin

WORKERS = 4
SPEC = """
from kafkalert.config.stages import StageSpec

SPEC = StageSpec(
    "caller", "Call.", reads=("accountentry",), writes=("kafkalert.deadletter",), build="outside.stage:build"
)
"""
STAGE = f"""
import os
from pathlib import Path
from threading import Event
from kafkalert.engine.dependency import Independent
from kafkalert.engine.stage import Calls


class Caller:
    name = "caller"
    outputs = ()

    def __init__(self, settings):
        self.inputs = (settings.topic("accountentry"),)
        self.dependency = Independent()
        self.calls = Calls(self.call, workers={WORKERS}, most_records=20)
        self._folder = Path(os.environ["OUTSIDE"])

    def call(self, job):
        own = dict(job.record.headers())["ka-id"].decode()
        hangs = (self._folder / "hang").exists()
        with (self._folder / ("begun" if hangs else "done")).open("a") as said:
            print(own, file=said)
        if hangs:
            Event().wait()


def build(settings, given):
    return Caller(settings)
"""


class Outside:
    """What is called: the entries whose calls have begun and hang, and those that are done."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def hang(self, *, yes: bool) -> None:
        """Have calls hang from now on, or no more."""
        (self.folder / "hang").touch() if yes else (self.folder / "hang").unlink()

    def said(self, what: str) -> list[str]:
        """Entries, in order."""
        file = self.folder / what
        return file.read_text().split() if file.exists() else []

    def await_begun(self, count: int) -> None:
        """Return once so many calls have begun to hang."""
        assert wait_until(lambda: len(self.said("begun")) >= count, SECONDS, every=0.05), self.said("begun")


def installed(folder: Path) -> tuple[Outside, dict[str, str]]:
    """What is called, and the variables by which a process or a command finds the stage."""
    site = folder / "site"
    package, metadata = site / "outside", site / "outside-1.0.dist-info"
    package.mkdir(parents=True)
    metadata.mkdir()
    (package / "__init__.py").touch()
    (package / "spec.py").write_text(SPEC)
    (package / "stage.py").write_text(STAGE)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[kafkalert.stages]\ncaller = outside.spec:SPEC\n")
    return Outside(folder / "outside"), {"PYTHONPATH": str(site), "OUTSIDE": str(folder / "outside")}


def caller(bank: Twin, name: str) -> Alerting:
    """Start the stage."""
    stage = Alerting(bank.path, bank.folder / f"{name}.log", ("-v",), {}, stage="caller")
    bank.processes.append(stage)
    return stage
