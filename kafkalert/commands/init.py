"""`kafkalert init`: a commented kafkalert.toml to begin with."""

import os
from pathlib import Path
from typing import Annotated

import typer

from kafkalert.commands import invocation
from kafkalert.errors import KafkalertError, RefusedError

app = typer.Typer()


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("kafkalert.toml"),
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a commented kafkalert.toml, with one local cluster in it."""
    from kafkalert.config.loading.template import TEMPLATE  # noqa: PLC0415 - only when it is written

    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError as error:
        raise RefusedError(
            f"{path} is there already; it was not touched.", hint="Use --force to replace it."
        ) from error
    except OSError as error:
        raise KafkalertError(f"{path} cannot be written: {error.strerror}.", hint="Name another file.") from error
    invocation.say(f"Wrote {path}. Put your cluster's address into it, then run `kafkalert config check`.")
