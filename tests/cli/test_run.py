"""What a stage says at a terminal before anything happens."""

from collections.abc import Callable
from pathlib import Path

Terminal = Callable[..., tuple[str, int]]


def test_a_stage_says_at_a_terminal_what_runs_and_how_it_is_stopped(terminal: Terminal, tmp_path: Path) -> None:
    """Nobody wonders whether it hangs; elsewhere its lines are JSON alone."""
    (tmp_path / "kafkalert.toml").write_text('[clusters.dc1]\nbootstrap = "127.0.0.1:9"\n', encoding="utf-8")
    shown, status = terminal(["kafkalert", "run", "alerting", "--wait", "1"])
    assert shown.startswith("Running alerting in context default (dc1). Ctrl-c stops it in order.")
    assert status == 4


def test_a_supervisor_greets_once_for_all_its_workers(terminal: Terminal, tmp_path: Path) -> None:
    """They share its terminal, and run what it has said."""
    (tmp_path / "kafkalert.toml").write_text('[clusters.dc1]\nbootstrap = "127.0.0.1:9"\n', encoding="utf-8")
    shown, status = terminal(["kafkalert", "run", "alerting", "--workers", "2", "--wait", "1"])
    assert shown.count("Running alerting in context default (dc1). Ctrl-c stops it in order.") == 1
    assert all(f"worker {number} runs as process" in shown for number in range(2))
    assert "longer than --wait" in shown, "a worker went as far as greeting would be"
    assert status == 4
