"""`kafkalert demo` as it is installed: a real Kafka, a real alerting, every alert checked."""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kafkalert.sandbox.cleanup import processes
from kafkalert.sandbox.local import Sandbox
from kafkalert.sandbox.process import Identity, state_of, wait_until

pytestmark = pytest.mark.one_cluster
SECONDS = 240

WITHOUT_A_RULE = """
import sys
if "alerting" in sys.argv:
    from importlib import metadata
    there = metadata.entry_points
    metadata.entry_points = lambda **asked: [
        one for one in there(**asked) if one.name != "ALERT_CREDITED_ABOVE_THRESHOLD"
    ]
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the demo makes its folder."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


@pytest.fixture
def demo(tmp_path: Path, environment: dict[str, str], place: Path) -> Callable[..., subprocess.Popen[str]]:
    """`demo("--seconds", "5")` starts `kafkalert demo`."""

    def start(*arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["kafkalert", "demo", *arguments],
            cwd=tmp_path,
            env=environment | {"TMPDIR": str(place)} | (env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def test_every_alert_comes_and_nothing_is_left(demo: Callable[..., subprocess.Popen[str]], place: Path) -> None:
    """A short demo ends with 0, its summary says that all expected alerts came, and its folder is gone.

    A variable that leads kafkalert to another cluster does not lead the demo there.
    """
    elsewhere = {"KAFKALERT_CLUSTERS__DC1__BOOTSTRAP": "127.0.0.1:1"}
    with demo("--seconds", "5", "--rate", "50", "-o", "json", env=elsewhere) as process:
        out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    (summary,) = json.loads(out)
    assert summary["bookings"] == 250
    assert summary["arrived"] == summary["expected"] == summary["email"] + summary["sms"] + summary["push"]
    assert min(summary["email"], summary["sms"], summary["push"]) > 0
    assert summary["missing"] == summary["wrong"] == 0
    assert "What to try next" in err
    assert list(place.iterdir()) == []


def test_lost_alerts_fail_it(demo: Callable[..., subprocess.Popen[str]], tmp_path: Path, place: Path) -> None:
    """With alerting that lacks a rule it ends with 1, and says how many alerts of which rule, and one's id."""
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_A_RULE)
    with demo("--seconds", "5", "--rate", "50", env={"PYTHONPATH": str(tmp_path)}) as process:
        out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "250 bookings" in out
    (lost,) = [line for line in err.splitlines() if line.startswith("Missing: ")]
    assert "ALERT_CREDITED_ABOVE_THRESHOLD, such as alert " in lost
    assert "expected alerts did not come." in err
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ended_in_the_middle_it_leaves_nothing(
    demo: Callable[..., subprocess.Popen[str]], place: Path, number: signal.Signals
) -> None:
    """Ctrl-c ends it with 130; after that, and after kill -9, broker, alerting and folder are gone."""
    with demo("--seconds", "600") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "bookings," in line:
                break
        (folder,) = place.iterdir()
        running: list[Identity] = list(processes(folder))
        assert len(running) == 2
        process.send_signal(number)
        process.communicate(timeout=SECONDS)
    assert process.returncode == (130 if number is signal.SIGINT else -9)
    assert wait_until(lambda: list(place.iterdir()) == [] and not any(map(state_of, running)), SECONDS)


def test_kept_it_can_be_looked_at(
    demo: Callable[..., subprocess.Popen[str]], kafkalert: Callable[..., subprocess.CompletedProcess[str]], place: Path
) -> None:
    """--keep leaves Kafka and alerting running, says how to reach them, and they turn more bookings into alerts."""
    with demo("--seconds", "2", "--keep") as process:
        _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    (folder,) = place.iterdir()
    try:
        (config,) = [line.partition("=")[2] for line in err.splitlines() if "KAFKALERT_CONFIG=" in line]
        env = {"KAFKALERT_CONFIG": config}
        before = kafkalert("tail", "--since", "start", env=env).stdout.count("\n")
        assert before > 0
        (bridge,) = [line.split() for line in err.splitlines() if "kafkalert run bridge" in line]
        assert kafkalert("run", "bridge", *bridge[3:5], env=env).returncode == 0
        more = lambda: kafkalert("tail", "--since", "start", env=env).stdout.count("\n") > before  # noqa: E731
        assert wait_until(more, SECONDS)
        assert any(
            line.split() == ["kafkalert", "sandbox", "down", "--folder", str(folder)] for line in err.splitlines()
        )
    finally:
        Sandbox(folder).down()
    assert list(place.iterdir()) == []
