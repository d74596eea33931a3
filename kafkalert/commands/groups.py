"""What all groups of commands share: bare, they print their help, in which every summary is whole."""

from collections.abc import Iterator
from typing import Any

from typer.core import TyperGroup

from kafkalert.views.terminal import write

_WHOLE = 1000
"""Characters of a summary, which is folded between words; Typer cuts it where the line ends."""


class Group(TyperGroup):
    """A group of commands; without a subcommand it prints its help, unless its own callback has something to do."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - the signature is Typer's
        """Run the subcommand, or print the help."""
        if not ctx._protected_args and not self.invoke_without_command:  # noqa: SLF001 - a word that is left is one
            write(f"{ctx.get_help()}\n")
            return None
        return super().invoke(ctx)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - the signature is Typer's
        """List subcommands, each with its summary."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, one.get_short_help_str(_WHOLE)) for name, one in found if one is not None and not one.hidden]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


def subcommand(ctx: Any, name: str) -> Any:  # noqa: ANN401 - Typer's contexts share no public type
    """Return the context of the subcommand `name` of the group in `ctx`, as its help wants it.

    Where there is none it is wrong usage; while completing, None.
    """
    found, command, _ = ctx.command.resolve_command(ctx, [name])
    if command is None:
        return None
    # Nothing is parsed: arguments are missing.
    return command.context_class(command, info_name=found, parent=ctx, **command.context_settings)


def pages(ctx: Any) -> Iterator[Any]:  # noqa: ANN401 - as above
    """Yield the context of a command, and those of all its subcommands; each has one page of help."""
    yield ctx
    for name in getattr(ctx.command, "commands", {}):
        yield from pages(subcommand(ctx, name))
