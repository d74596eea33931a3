"""The progress bar of `kafkalert seed`, on stderr: share, rows and rate. Off a terminal nothing is shown."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from kafkalert.ops.seed.kinds import OnProgress, Progress
from kafkalert.views.screen import Screen


@contextmanager
def progress(title: str) -> Iterator[OnProgress]:
    """Show how a phase goes on, and take the bar away at its end. Of a pipe, whose end is not known, no share."""
    console = Screen(stderr=True)
    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,} a second"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(title, total=None, rows=0, rate=0)

        def on_progress(step: Progress) -> None:
            took = bar.tasks[0].elapsed or 0.0
            rate = round(step.rows / took) if took else 0
            bar.update(task, total=step.size, completed=step.done, rows=step.rows, rate=rate)

        yield on_progress
