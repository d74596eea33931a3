"""What `--help` and completion cost: little more than a bare Typer app's, told by the modules they import."""

import subprocess
import sys
from pathlib import Path

import pytest

from kafkalert.cli import COMMANDS, HEAVY

BARE = """
import sys, typer
app = typer.Typer(rich_markup_mode=None)
app.command("a")(lambda: None)
app.command("b")(lambda: None)
"""
OURS = "import sys; from kafkalert.cli import main as app"
RUN = """
sys.argv = ["kafkalert", *{arguments!r}]
try:
    app()
except SystemExit:
    pass
print("\\nLOADED", *sys.modules)
"""
EXISTING = [name for name in COMMANDS if (Path(__file__).parents[2] / f"kafkalert/commands/{name}.py").exists()]


def loaded(program: str, arguments: list[str], environment: dict[str, str]) -> set[str]:
    """The modules that are loaded once `program` has run with `arguments`."""
    code = program + RUN.format(arguments=arguments)
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return set(run.stdout.rpartition("LOADED")[2].split())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["config", "--help"],
        ["help", "group", "seek"],
        ["group"],
        *([name, "-h"] for name in EXISTING),
    ],
    ids=" ".join,
)
def test_help_loads_nothing_heavy(environment: dict[str, str], arguments: list[str]) -> None:
    """No help, of no command, imports a heavy library."""
    modules = loaded(OURS, arguments, environment)
    assert "kafkalert.cli" in modules
    assert {module.partition(".")[0] for module in modules} & set(HEAVY) == set()


def test_help_costs_little_more_than_a_bare_app(environment: dict[str, str]) -> None:
    """Beside Typer's own modules, `--help` loads ours and very few of the standard library."""
    extra = loaded(OURS, ["--help"], environment) - loaded(BARE, ["--help"], environment)
    others = {module for module in extra if not module.startswith("kafkalert")}
    ours = extra - others
    assert len(others) <= 5, others
    assert ours <= {
        "kafkalert",
        "kafkalert.cli",
        "kafkalert.errors",
        "kafkalert.commands",
        "kafkalert.commands.complete",
        "kafkalert.commands.groups",
        "kafkalert.commands.invocation",
        "kafkalert.views",
        "kafkalert.views.terminal",
        "kafkalert.config",
        "kafkalert.config.names",
        "kafkalert.model",
        "kafkalert.model.personal",
        "kafkalert.model.printable",
    }


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    "line", ["kafkalert ", "kafkalert config ", "kafkalert config show -o ", "kafkalert -C ", "kafkalert help gr"]
)
def test_completion_loads_nothing_heavy(environment: dict[str, str], shell: str, line: str) -> None:
    """Completing a command, an option's value or a name from the configuration imports no heavy library either."""
    environment |= {
        "_KAFKALERT_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ")),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    modules = loaded(OURS, [], environment)
    assert "kafkalert.cli" in modules
    assert {module.partition(".")[0] for module in modules} & set(HEAVY) == set()
