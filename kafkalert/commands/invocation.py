"""What the common options said, and what every command needs from them."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from kafkalert.views.terminal import report, say

if TYPE_CHECKING:
    from kafkalert.config.sections import Settings

__all__ = ["Invocation", "of", "report", "say", "settings"]


@dataclass
class Invocation:
    """One run of the command line: the common options, wherever they stood, and the configuration once it is loaded."""

    config: Path | None = None
    context: str | None = None
    read_only: bool = False
    no_input: bool = False
    verbosity: int = 0
    changing: bool = False
    """A change to a cluster was approved, so an output that is cut off may hide a half-done job."""
    loaded: "Settings | None" = None

    def arguments(self, *, context: str) -> list[str]:
        """Return the common options as a command line, for a process that does the same in this `context`."""
        config = [] if self.config is None else ["--config", str(self.config)]
        return [*config, "--context", context, *["-v"] * self.verbosity]

    def record(self, name: str, value: object) -> None:
        """Take the value that a common option has at one place of the command line.

        An option that is not given there (None, False, 0) changes nothing; the place nearest to the end wins, and
        `-v` adds up.
        """
        if not value:
            return
        if name == "verbose":
            self.verbosity += int(str(value))
        elif name == "config":
            self.config = Path(str(value))
        elif name == "context":
            self.context = str(value)
        elif name == "read_only":
            self.read_only = True
        elif name == "no_input":
            self.no_input = True


def of(ctx: typer.Context) -> Invocation:
    """Return the invocation that `ctx` belongs to."""
    return ctx.find_root().ensure_object(Invocation)


def settings(ctx: typer.Context) -> "Settings":
    """Return the configuration in force, loaded once; notes about it go to stderr.

    Raises:
        ConfigError: there is none, or it is wrong; every problem is named.
    """
    run = of(ctx)
    if run.loaded is None:
        from kafkalert.config.loading.load import load  # noqa: PLC0415 - pydantic, only where a configuration is wanted
        from kafkalert.engine.stopping import PARENT  # noqa: PLC0415 - not for --help

        note = _drop if PARENT in os.environ else say  # a worker's supervisor has said it
        run.loaded = load(config=run.config, context=run.context, read_only=run.read_only, note=note)
    return run.loaded


def _drop(_note: str) -> None:
    """Say nothing."""
