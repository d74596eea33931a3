"""The pages of `--help`."""

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from kafkalert.cli import COMMANDS, app

WIDTH = 78  # of text, in a terminal of 80 columns


def pages(command: Any, context: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - Typer's commands share no public type
    """The page of a command and those of its subcommands, each below the words that call it."""
    yield context.command_path, command.get_help(context)
    for name in getattr(command, "commands", {}):
        child = command.get_command(context, name)
        yield from pages(child, child.make_context(name, [], parent=context, resilient_parsing=True))


def test_no_summary_of_a_command_is_cut_in_a_terminal_of_80_columns() -> None:
    """A list of commands has a line each, which ends a sentence."""
    root = get_command(app)
    context = root.make_context("kafkalert", [], resilient_parsing=True, terminal_width=WIDTH)
    found = dict(pages(root, context))
    assert {"kafkalert", "kafkalert failover reconcile", *(f"kafkalert {name}" for name in COMMANDS)} <= found.keys()
    lists = {path: page.partition("\nCommands:\n")[2].splitlines() for path, page in found.items()}
    assert sum(map(len, lists.values())) == len(found) - 1
    bad = [f"{path}: {line}" for path, lines in lists.items() for line in lines if not line.endswith(".")]
    assert not bad + [f"{path}: {line}" for path, lines in lists.items() for line in lines if line.endswith("..")]
