"""The exit status of whoever looks at a context: 0 only where all is well."""

import typer

from kafkalert.errors import ExitCode


def end_by_verdict(verdict: str | None) -> None:
    """End with 4 where a cluster does not answer, with 3 where anything else is not as it should be, or not known."""
    if verdict == "unreachable":
        raise typer.Exit(ExitCode.UNREACHABLE)
    if verdict != "ok":
        raise typer.Exit(ExitCode.DRIFT)
