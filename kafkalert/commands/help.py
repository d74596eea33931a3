"""`kafkalert help`: the same pages as --help, in the order in which one asks for them."""

from typing import Any

import typer
from typer.core import TyperCommand

from kafkalert.commands.groups import subcommand
from kafkalert.errors import UsageError
from kafkalert.views.terminal import write

app = typer.Typer()


class Help(TyperCommand):
    """A command that takes words as they are, which as an argument Typer would convert by pydantic."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401 - the signature is Typer's
        """Say that words may follow."""
        return [*super().collect_usage_pieces(ctx), "[COMMAND]..."]

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:  # noqa: ANN401 - the signature is Typer's
        """Complete as the command itself would be completed that the words before lead to."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        page = ctx.find_root()
        for word in ctx.args:
            page = subcommand(page, word) if hasattr(page.command, "commands") else None
            if page is None:
                return []
        return list(page.command.shell_complete(page, incomplete)) if hasattr(page.command, "commands") else []


@app.command("help", cls=Help, context_settings={"allow_extra_args": True})
def help_(ctx: typer.Context) -> None:
    """Show what a command does, and its options.

    It prints the same as COMMAND --help.

    Example: kafkalert help failover drill
    """
    page: Any = ctx.find_root()
    for word in ctx.args:
        if not hasattr(page.command, "commands"):
            raise UsageError(f"`{page.command_path}` has no commands.", hint=f"See `{page.command_path} --help`.")
        page = subcommand(page, word)
    write(f"{page.get_help()}\n")
