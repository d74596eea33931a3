"""`kafkalert sandbox`: real Kafka clusters on this machine, to try things on and to break."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kafkalert.commands.invocation import say
from kafkalert.commands.output import Format, OutputOption, emit
from kafkalert.errors import ExitCode
from kafkalert.views.terminal import write

if TYPE_CHECKING:
    from kafkalert.sandbox.local import Sandbox

app = typer.Typer()
FOLDER = Path(".kafkalert")


def components(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of what the sandbox runs, for the shell's completion."""
    from kafkalert.sandbox.cleanup import data_folder  # noqa: PLC0415 - only to complete a name

    pids = data_folder(Path(ctx.params.get("folder") or FOLDER)).glob(f"{incomplete}*/pid")
    return sorted(pid.parent.name for pid in pids)


FolderOption = Annotated[Path, typer.Option("--folder", metavar="FOLDER", help="Where the sandbox is kept.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="dc1, dc1-2, mirror-dc1, ...", autocompletion=components)]


def _one_or_three(brokers: int) -> int:
    """Two brokers stop as soon as one of them does; Kafka's controllers need a majority."""
    if brokers not in {1, 3}:
        raise typer.BadParameter("1 or 3.")
    return brokers


@app.callback()
def sandbox() -> None:
    """Local Kafka clusters to try things on.

    dc1 and dc2 are clusters of one broker, mirror-dc1 and mirror-dc2 the Kafka Connect workers that copy into them.
    With --brokers 3 the brokers are dc1-1, dc1-2, dc1-3, dc2-1 and so on.
    """


@app.command()
def up(
    clusters: Annotated[int, typer.Option(min=1, max=2, metavar="N", help="With 2 also the mirror between them.")] = 1,
    brokers: Annotated[
        int,
        typer.Option(
            metavar="1|3", help="Of each cluster. With 3, topics have three replicas.", callback=_one_or_three
        ),
    ] = 1,
    port: Annotated[
        list[int] | None,
        typer.Option(
            min=1, max=65535, metavar="PORT", help="Of dc1, dc2, mirror-dc1, mirror-dc2, in turn; else free ones."
        ),
    ] = None,
    folder: FolderOption = FOLDER,
) -> None:
    """Start the sandbox; it stays until `sandbox down`."""
    local = _sandbox(folder)
    was_up = local.status().is_up
    try:
        with _progress() as on_progress:
            status = local.up(
                clusters, brokers=brokers, ports=port or (), owned=False, full_speed=True, on_progress=on_progress
            )
    except KeyboardInterrupt:
        say("Interrupted; what had been started is gone.")
        raise
    say("The sandbox is up already." if was_up else "The sandbox is up.")
    for each in status.components:
        say(f"  {each.name} at {each.address}{'' if each.state == 'running' else f', {each.state}'}")
    here = folder.absolute() == FOLDER.absolute()
    say(
        f"In this folder kafkalert finds it by itself ({folder}/sandbox.toml)."
        if here
        else f"Use it with --config {folder}/sandbox.toml."
    )


@app.command()
def down(folder: FolderOption = FOLDER) -> None:
    """End the sandbox and remove its data."""
    say("The sandbox is down." if _sandbox(folder).down() else f"No sandbox was up in {folder}.")


@app.command()
def status(folder: FolderOption = FOLDER, output: OutputOption = Format.TABLE) -> None:
    """Show what each part is doing; exit status 3 unless all of it runs."""
    found = _sandbox(folder).status()
    emit(found.components, output, empty=f"No sandbox is up in {folder}.")
    if not found.is_up:
        raise typer.Exit(ExitCode.DRIFT)


@app.command()
def logs(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="All of them without.", autocompletion=components)
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is added.")] = False,
    lines: Annotated[
        int | None, typer.Option("--lines", "-n", min=0, metavar="N", help="Only the last N of each.")
    ] = None,
    folder: FolderOption = FOLDER,
) -> None:
    """Print what a part logged, or all of them."""
    for line in _sandbox(folder).logs(name, last=lines, follow=follow):
        write(f"{line.text}\n" if name else f"{line.component:10} | {line.text}\n")
        if follow:
            sys.stdout.flush()


@app.command()
def kill(name: Name, folder: FolderOption = FOLDER) -> None:
    """Kill a part as a crash would (SIGKILL)."""
    _sandbox(folder).kill(name)
    say(f"{name} is dead. To have it back: kafkalert sandbox start {name}")


@app.command()
def pause(name: Name, folder: FolderOption = FOLDER) -> None:
    """Freeze a part (SIGSTOP): it answers nothing any more."""
    _sandbox(folder).pause(name)
    say(f"{name} is paused. To go on: kafkalert sandbox resume {name}")


@app.command()
def resume(name: Name, folder: FolderOption = FOLDER) -> None:
    """Let a paused part go on."""
    local = _sandbox(folder)
    local.resume(name)
    say(f"{name} goes on.{_alone(local, name)}")


@app.command()
def start(name: Name, folder: FolderOption = FOLDER) -> None:
    """Start a part that was killed, on its old port with its old data."""
    local = _sandbox(folder)
    say(f"{name} is up again.{_alone(local, name)}" if local.start(name) else f"{name} is running already.")


def _alone(local: "Sandbox", name: str) -> str:
    """Return what to know of a broker whose cluster cannot answer yet."""
    return "" if local.can_answer(name) else " It answers when two brokers of its cluster run."


def _sandbox(folder: Path) -> "Sandbox":
    from kafkalert.sandbox.local import Sandbox  # noqa: PLC0415 - not for --help

    return Sandbox(folder)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show a moving line on a terminal's stderr; anywhere else a line for each new thing that is done."""
    if not sys.stderr.isatty():
        told: set[str] = set()

        def tell(what: str, _done: int, _total: int) -> None:
            if what not in told:
                told.add(what)
                say(f"{what} ...")

        yield tell
        return
    from rich.progress import (  # noqa: PLC0415 - heavy, and only for people
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    from kafkalert.views.screen import Screen  # noqa: PLC0415 - as above

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Screen(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total or None)
