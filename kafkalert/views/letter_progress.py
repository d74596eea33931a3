"""How far `kafkalert dlq` is, on stderr: a line that goes on. Off a terminal nothing is shown."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from kafkalert.views.screen import Screen


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show how a phase goes on, and take the bar away at its end. What it gives is told how many, and of how many."""
    console = Screen(stderr=True)
    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[words]}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(title, total=None, words="")

        def told(done: int, total: int | None) -> None:
            words = f"{done:,}" if total is None else f"{done:,} of {total:,}"
            bar.update(task, total=total, completed=done, words=words)

        yield told
